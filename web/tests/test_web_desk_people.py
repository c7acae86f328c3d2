"""A family's dossier at the desk: created, its adults, children and schools recorded, its criteria certified."""

from typing import Any

import pytest

from tests.browsers import Browser
from tests.gateways import DOSSIER, ME, Gateway, listed
from tests.plannings import PLANNINGS, planning
from tests.screens import Screen

FAMILY, API = "/agent/dossiers/d", "/dossier/v1/dossiers/d"
NEW, MAKING = "/agent/dossiers/nouveau", "/dossier/v1/dossiers"
PAUL = {"id": "paul", "first_name": "Paul", "last_name": "Diallo", "email": None, "phone": None, "roles": ["contact"]}
THEIRS: dict[str, Any] = DOSSIER | {
    "version": 4,
    "adults": [*DOSSIER["adults"], PAUL],
    "children": [DOSSIER["children"][0] | {"version": 9}, *DOSSIER["children"][1:]],
    "priorities": ["handicap"],
}
ERASING = "/agent/effacements"
ERASED = (200, {"touches": ["Le dossier 100042 est effacé.", "Enfants effacés : Tom."]})
STALE = (412, {"type": "urn:problem:stale", "detail": "Modifié entre-temps."})


@pytest.fixture(autouse=True)
def family(gateway: Gateway) -> None:
    gateway.say("GET", API, (200, THEIRS))
    for path in ("/enrolment/v1/activities", "/enrolment/v1/enrolments", f"{PLANNINGS}/history"):
        gateway.say("GET", path, (200, listed()))
    gateway.say("GET", PLANNINGS, (200, planning()))


def wrong(pointer: str, detail: str) -> tuple[int, Any]:
    return 422, {"type": "urn:problem:malformed", "errors": [{"pointer": pointer, "detail": detail}]}


async def test_the_familys_page_leads_to_each_of_them(agent: Browser, gateway: Gateway) -> None:
    links = (await agent.get(FAMILY)).links()
    for name, path in {
        "Ajouter un adulte": "adultes/nouveau",
        "Modifier\xa0: rôle de Paul Diallo": "adultes/paul",
        "Retirer du dossier\xa0: Paul Diallo": "adultes/paul/retrait",
        "Ajouter un enfant": "enfants/nouveau",
        "Modifier\xa0: école de Tom": "enfants/tom/scolarite",
        "Modifier\xa0: critères certifiés": "criteres",
    }.items():
        assert links[name.replace("\xa0", " ")] == f"{FAMILY}/{path}", links
        assert (await agent.get(f"{FAMILY}/{path}")).status == 200, path
    gateway.say("GET", MAKING, (200, listed()))
    assert (await agent.get("/agent/dossiers")).links()["Créer un dossier"] == NEW


async def test_a_dossier_is_created_of_the_lines_that_are_filled(agent: Browser, gateway: Gateway) -> None:
    first, second = "adulte-0-", "adulte-1-"
    gateway.say("POST", MAKING, wrong("/adults/1/roles", "Un rôle."), wrong("/children/0/birth_date", "Une date."))
    page = await agent.submit(
        await agent.get(NEW),
        NEW,
        street="3 rue des Lilas",
        postcode="94990",
        city="Villeneuve",
        **{f"{first}first_name": "Anne", f"{first}last_name": "O'Neill", f"{first}phone": " 0612345678 "},
        **{f"{second}first_name": "Paul", f"{second}last_name": "Diallo"},
        **{"enfant-1-first_name": "Léa"},
    )
    assert page.errors == ["Un rôle."]
    assert f"{second}roles" in page.ids(), "the error leads to a box"
    page = await agent.submit(page, NEW, **{f"{second}roles": ["contact"]})
    assert page.errors == ["Une date."]
    [field] = [one for one in page.all("input") if one.get("id") == "enfant-1-birth_date"]
    assert field.get("aria-invalid") == "true", "beside the line in which the child was written"
    gateway.say("POST", MAKING, (201, THEIRS))
    page = await agent.submit(page, NEW, **{"enfant-1-birth_date": "2020-02-29"}, number="A-7")
    assert page.path == f"{FAMILY}?cree"
    assert "Le dossier est créé." in page.text
    assert gateway.heard("POST", MAKING)[-1].body == {
        "number": "A-7",
        "address": {"street": "3 rue des Lilas", "postcode": "94990", "city": "Villeneuve"},
        "adults": [
            {"first_name": "Anne", "last_name": "O'Neill", "phone": "0612345678", "roles": ["legal_guardian", "payer"]},
            {"first_name": "Paul", "last_name": "Diallo", "roles": ["contact"]},
        ],
        "children": [{"first_name": "Léa", "birth_date": "2020-02-29"}],
    }


async def test_a_dossier_of_nobody_says_where_to_write_somebody(agent: Browser, gateway: Gateway) -> None:
    gateway.say("POST", MAKING, wrong("/adults", "Il en faut au moins 1."))
    page = await agent.submit(await agent.get(NEW), NEW)
    assert page.errors == ["Il en faut au moins 1."]
    assert page.links()["Il en faut au moins 1."] == "#adulte-0-first_name"
    assert gateway.heard("POST", MAKING)[0].body == {"address": {}, "adults": [], "children": []}


async def test_an_adult_is_added_once(agent: Browser, gateway: Gateway) -> None:
    path, adding = f"{FAMILY}/adultes/nouveau", ("POST", f"{API}/adults")
    gateway.say(*adding, wrong("/email", "Une adresse."), (409, {"detail": "Déjà connue."}), (201, THEIRS))
    page = await agent.submit(await agent.get(path), path, first_name="Lou", last_name="Petit", email="lou")
    assert page.errors == ["Une adresse."]
    page = await agent.submit(page, path, email="", roles=["contact"])
    assert page.errors == ["Déjà connue."]
    page = await agent.submit(page, path, first_name="Louis")
    assert page.path == f"{FAMILY}?adulte-ajoute"
    assert gateway.heard(*adding)[-1].body == {"first_name": "Louis", "last_name": "Petit", "roles": ["contact"]}


async def test_roles_are_those_of_what_was_seen(agent: Browser, gateway: Gateway) -> None:
    path, changing = f"{FAMILY}/adultes/claire", ("PUT", f"{API}/adults/claire")
    page = await agent.get(path)
    assert page.form(path)["roles"] == ["legal_guardian"]
    assert "perd aussitôt l'accès" in page.text
    gateway.say(*changing, (409, {"detail": "Plus de responsable légal."}), STALE, (200, THEIRS))
    page = await agent.submit(page, path, roles=["contact"])
    assert page.errors == ["Plus de responsable légal."]
    page = await agent.submit(page, path)
    assert "entre-temps" in page.errors[0]
    assert page.form(path)["roles"] == ["legal_guardian"], "as it is now"
    page = await agent.submit(page, path, roles=["legal_guardian", "contact"])
    assert page.path == f"{FAMILY}?modifie"
    said = gateway.heard(*changing)
    assert [call.headers["If-Match"] for call in said] == ['"4"'] * 3
    assert said[-1].body == {"roles": ["legal_guardian", "contact"]}
    assert (await agent.get(f"{FAMILY}/adultes/unknown")).status == 404


async def test_an_adult_leaves_once_that_was_asked_twice(agent: Browser, gateway: Gateway) -> None:
    path, leaving = f"{FAMILY}/adultes/claire/retrait", ("DELETE", f"{API}/adults/claire")
    page = await agent.get(path)
    assert "Elle perd aussitôt l'accès" in page.text
    assert "perd aussitôt" not in (await agent.get(f"{FAMILY}/adultes/paul/retrait")).text
    assert not gateway.heard(*leaving)
    gateway.say(*leaving, (409, {"detail": "Plus de payeur."}), (204, None), (404, {}))
    assert (await agent.submit(page, path)).errors == ["Plus de payeur."]
    for _ in range(2):
        assert (await agent.submit(page, path)).path == f"{FAMILY}?adulte-retire"


async def test_a_child_is_added_with_its_schools(agent: Browser, gateway: Gateway) -> None:
    path, adding = f"{FAMILY}/enfants/nouveau", ("POST", f"{API}/children")
    page = await agent.get(path)
    after = page.form(path)["annee"][1]
    gateway.say(*adding, wrong("/schooling/0/level", "Un niveau."), (201, THEIRS["children"][0]))
    child = {"first_name": "Léa", "last_name": "Moreau", "birth_date": "2021-03-03"}
    page = await agent.submit(page, path, **child, **{f"school_id-{after}": "s"}, resident="non")
    assert page.errors == ["Un niveau."]
    assert page.links()["Un niveau."] == f"#level-{after}", "of the only year in which something is written"
    page = await agent.submit(page, path, **{f"school_id-{after}": "s", f"level-{after}": "nursery"}, resident="")
    assert page.path == f"{FAMILY}?enfant-ajoute"
    first, second = (call.body for call in gateway.heard(*adding))
    assert first == child | {"schooling": [{"school_year": after, "school_id": "s"}], "resident": False}
    assert second == child | {"schooling": [{"school_year": after, "school_id": "s", "level": "nursery"}]}
    gateway.refuse("GET", "/enrolment/v1/sites", 503)
    assert (await agent.get(path)).status == 503


async def test_a_schooling_is_changed_year_by_year(agent: Browser, gateway: Gateway) -> None:
    path, changing = f"{FAMILY}/enfants/tom/scolarite", ("PUT", "/dossier/v1/children/tom/schooling")
    page = await agent.get(path)
    assert "2026-2027" in page.form(path)["annee"]
    assert page.form(path)["class_name-2026-2027"] == ["CE1"]
    gateway.say(*changing, STALE, wrong("/schooling/0/school_id", "Pas au catalogue."), (200, THEIRS["children"][0]))
    chosen = {"school_id-2026-2027": "s", "level-2026-2027": "elementary", "class_name-2026-2027": "CE2"}
    page = await agent.submit(page, path, **chosen)
    assert "entre-temps" in page.errors[0]
    assert page.form(path)["class_name-2026-2027"] == ["CE1"]
    page = await agent.submit(page, path, **chosen)
    assert page.links()["Pas au catalogue."] == "#school_id-2026-2027"
    assert (await agent.submit(page, path, **chosen)).path == f"{FAMILY}?modifie"
    said = gateway.heard(*changing)
    assert {call.headers["If-Match"] for call in said} == {'"9"'}
    year = {"school_year": "2026-2027", "school_id": "s", "level": "elementary", "class_name": "CE2"}
    assert said[-1].body == {"dossier_id": "d", "schooling": [year]}


async def test_criteria_are_certified_as_the_town_words_them(agent: Browser, gateway: Gateway) -> None:
    path, changing = f"{FAMILY}/criteres", ("PUT", f"{API}/priorities")
    assert "Situation de handicap" in (await agent.get(FAMILY)).text
    page = await agent.get(path)
    assert page.form(path)["priorities"] == ["handicap"]
    assert "habite la commune" not in page.text, "what nobody certifies is not asked"
    touched = (200, {"touches": ["Les listes d'attente en tiennent compte."]})
    gateway.say(*changing, wrong("/priorities/1", "Aucun critère."), STALE, touched)
    page = await agent.submit(page, path, faire="verifier", priorities=["handicap", "parents-en-activite"])
    assert page.links()["Aucun critère."] == "#priorities"
    page = await agent.submit(page, path, faire="verifier")
    assert page.form(path)["priorities"] == ["handicap"]
    page = await agent.submit(page, path, faire="verifier", priorities=[])
    assert "Les listes d'attente en tiennent compte." in page.text
    page = await agent.submit(page, path, faire="confirmer")
    assert page.path == f"{FAMILY}?modifie"
    said = gateway.heard(*changing)[1:]
    assert [call.body["priorities"] for call in said] == [["handicap", "parents-en-activite"], [], []]
    assert [call.query for call in said][1:] == [{"preview": "true"}, {}]
    assert {call.headers["If-Match"] for call in said} == {'"4"'}


async def test_these_pages_are_an_agents(administrator: Browser, gateway: Gateway) -> None:
    for path in (NEW, f"{FAMILY}/adultes/nouveau", f"{FAMILY}/enfants/tom/scolarite", f"{FAMILY}/criteres"):
        assert (await administrator.get(path)).status == 403, path
    assert not gateway.calls


async def test_an_agent_erases_nobody(agent: Browser, gateway: Gateway) -> None:
    assert (await agent.get(ERASING)).status == 403
    assert not gateway.calls


async def test_these_pages_in_a_browser(desk_window: Screen, gateway: Gateway) -> None:
    gateway.say("PUT", f"{API}/adults/claire", STALE)
    gateway.say("POST", MAKING, wrong("/address/postcode", "Cinq chiffres sont attendus."))
    for path, picture in (
        (f"{FAMILY}/adultes/nouveau", "agent-adulte"),
        (f"{FAMILY}/adultes/claire/retrait", "agent-adulte-retrait"),
        (f"{FAMILY}/enfants/nouveau", "agent-enfant"),
        (f"{FAMILY}/enfants/tom/scolarite", "agent-ecole"),
        (f"{FAMILY}/criteres", "agent-criteres"),
    ):
        await desk_window.open(path)
        await desk_window.look(picture)
    await desk_window.open(f"{FAMILY}/adultes/claire")
    await desk_window.press("Enregistrer")
    await desk_window.look("agent-role")
    await desk_window.open(NEW)
    await desk_window.press("Créer le dossier")
    await desk_window.look("agent-nouveau-dossier")


async def test_an_archived_dossier_leads_to_the_one_it_is_part_of(agent: Browser, gateway: Gateway) -> None:
    gateway.say("GET", f"{MAKING}/old", (200, THEIRS | {"id": "old", "number": "100007", "merged_into": "d"}))
    page = await agent.get("/agent/dossiers/old")
    assert page.heading == "Dossier 100007, archivé"
    assert page.links()["Ouvrir le dossier 100042"] == FAMILY


async def test_a_family_is_erased_once_that_was_looked_at(administrator: Browser, gateway: Gateway) -> None:
    erasing = ("DELETE", API)
    gateway.say("GET", MAKING, (200, listed()))
    page = await administrator.submit(await administrator.get(ERASING), ERASING, faire="verifier")
    assert page.errors == ["Indiquez le numéro du dossier."]
    page = await administrator.submit(page, ERASING, faire="verifier", numero="100042")
    assert page.errors[0].startswith("Aucun dossier ne porte ce numéro")
    found = {"id": "d", "number": "100042", "adults": [], "children": []}
    gateway.say("GET", MAKING, (200, listed(found)))
    gateway.say(*erasing, wrong("/query/reason", "Trop court."), ERASED, (200, {}), (404, {}))
    page = await administrator.submit(page, ERASING, faire="verifier")
    assert page.links()["Trop court."] == "#reason"
    page = await administrator.submit(page, ERASING, faire="verifier", reason="Demande écrite")
    assert page.heading == "Effacer une famille : vérifiez"
    assert "Enfants effacés : Tom." in page.text.replace("\xa0", " ")
    again = await administrator.submit(page, ERASING, faire="modifier")
    assert again.form(ERASING)["numero"] == ["100042"]
    gateway.say("GET", MAKING, (200, listed(found | {"id": "another"})))
    for _ in range(2):
        done = await administrator.submit(page, ERASING, faire="confirmer")
        assert "La famille est effacée" in done.text
    said = [call.query for call in gateway.heard(*erasing)]
    assert said[1:] == [{"reason": "Demande écrite", "preview": "true"}, *[{"reason": "Demande écrite"}] * 2]


async def test_an_administrators_erasure_in_a_browser(window: Screen, gateway: Gateway) -> None:
    gateway.say("POST", "/identity/v1/sessions", (201, gateway.tokens()))
    gateway.say("GET", "/identity/v1/me", (200, ME | {"role": "administrator", "first_name": "Ada"}))
    gateway.say("GET", MAKING, (200, listed({"id": "d", "number": "100042", "adults": [], "children": []})))
    gateway.say("DELETE", API, ERASED)
    await window.sign_in("ada", "Guichet!2026")
    await window.open(ERASING)
    await window.fill(numero="100042", reason="Demande écrite")
    await window.press("Vérifier")
    await window.look("agent-effacement")
