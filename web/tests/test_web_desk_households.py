"""What an agent changes of a household: said, looked at, confirmed; before a gateway that may say no."""

from typing import Any

import pytest

from tests.browsers import Browser
from tests.gateways import CUSTODY, DOSSIER, Gateway, listed
from tests.plannings import PLANNINGS, planning
from tests.screens import Screen

FAMILY = "/agent/dossiers/d"
DOSSIERS = "/dossier/v1/dossiers"
API, TOM_API = f"{DOSSIERS}/d", "/dossier/v1/children/tom"
PAYER, PAYER_API = f"{FAMILY}/payeur", f"{API}/payer"
SPLIT, MERGE, PLANNED = (f"{FAMILY}/{name}" for name in ("separation", "reunion", "changements-prevus"))
SHARE, LEAVE, GIVE = (f"{FAMILY}/enfants/tom/{name}" for name in ("autre-dossier", "retrait", "garde"))
YVES = {"id": "yves", "first_name": "Yves", "last_name": "Petit", "email": None, "phone": None}
OURS = DOSSIER | {
    "version": 5,
    "adults": [*DOSSIER["adults"], YVES | {"roles": ["legal_guardian"]}],
    "children": [DOSSIER["children"][0] | {"version": 7}, DOSSIER["children"][1] | {"version": 3}],
}
#: Found by a search, the child in two dossiers among them.
FOUND: list[dict[str, Any]] = [
    {"id": "d", "number": "100042", "adults": [], "children": []},
    {
        "id": "e",
        "number": "100077",
        "address": {"street": "1 rue Haute", "postcode": "94990", "city": "Villeneuve"},
        "adults": [{"id": "zoe", "first_name": "Zoé", "last_name": "Diallo"}],
        "children": [{"id": "tom", "first_name": "Awa", "last_name": "Diallo"}],
    },
]
COMING: dict[str, Any] = {
    "id": "p",
    "day": "2027-01-01",
    "about": "Tom Moreau quitte le dossier 100042.",
    "reason": None,
    "asked_at": "2026-11-20T09:00:00Z",
    "asked_by_name": "Luc Petit",
    "refused": None,
}
TOUCHES = ["À partir du vendredi 1er janvier 2027, Yves Petit paie.", "Les factures déjà établies ne changent pas."]


@pytest.fixture(autouse=True)
def family(gateway: Gateway) -> None:
    gateway.say("GET", f"{DOSSIERS}/d", (200, OURS))
    gateway.say("GET", DOSSIERS, (200, listed(*FOUND)))
    refused = COMING | {"id": "q", "day": "2026-11-22", "refused": "Trop tard."}
    gateway.say("GET", f"{API}/planned-changes", (200, listed(COMING, refused)))
    gateway.say("GET", PLANNINGS, (200, planning()))


def touched(**more: Any) -> tuple[int, dict[str, Any]]:
    return 200, {"touches": TOUCHES, "dossier": OURS} | more


async def test_another_payer_is_looked_at_first_then_confirmed(agent: Browser, gateway: Gateway) -> None:
    gateway.say("POST", PAYER_API, touched())
    adults = [OURS["adults"][0], OURS["adults"][1] | {"pays_from": "2027-02-01"}]
    gateway.say("GET", f"{DOSSIERS}/d", (200, OURS | {"adults": adults}))
    for path in (FAMILY, f"{FAMILY}/famille/dossier"):
        assert "payeur à partir du lundi 1er février 2027" in (await agent.get(path)).text
    assert (await agent.get(FAMILY)).links()["Changer le payeur"] == PAYER
    assert "À partir du lundi 1er février 2027, Yves Petit paiera." in (await agent.get(PAYER)).text
    page = await agent.submit(await agent.get(PAYER), PAYER, faire="verifier", **{"from": ""})
    assert page.errors == ["Choisissez qui paie.", "Indiquez à partir de quel jour."]
    page = await agent.submit(page, PAYER, faire="verifier", adult_id="yves", **{"from": "2027-01-01"})
    assert (page.heading, gateway.heard("POST", PAYER_API)[0].query) == (
        "Changer le payeur : vérifiez",
        {"preview": "true"},
    )
    assert all(one in page.text for one in TOUCHES)
    again = await agent.submit(page, PAYER, faire="modifier")
    assert again.form(PAYER)["from"] == ["2027-01-01"]
    assert again.form(PAYER)["adult_id"] == ["yves"]
    page = await agent.submit(page, PAYER, faire="confirmer")
    assert page.path == f"{FAMILY}?enregistre"
    shown, done = gateway.heard("POST", PAYER_API)
    assert (done.query, done.headers["If-Match"]) == ({}, '"5"')
    assert done.body == shown.body == {"adult_id": "yves", "from": "2027-01-01"}


async def test_what_is_refused_is_said_beside_its_input_and_who_comes_second_sees_what_is_there(
    agent: Browser, gateway: Gateway
) -> None:
    gateway.refuse("POST", PAYER_API, 422, errors=[{"pointer": "/from", "detail": "Trop tôt."}])
    asked = {"adult_id": "yves", "from": "2020-01-01", "faire": "verifier"}
    page = await agent.submit(await agent.get(PAYER), PAYER, **asked)
    assert (page.status, page.links()["Trop tôt."], page.form(PAYER)["from"]) == (422, "#from", ["2020-01-01"])
    gateway.refuse("POST", PAYER_API, 412, type="urn:problem:stale")
    page = await agent.submit(page, PAYER, **asked)
    assert page.errors[0].startswith("Quelqu'un d'autre a modifié")
    assert "adult_id" not in page.form(PAYER)
    gateway.refuse("POST", PAYER_API, 404)
    assert (await agent.submit(page, PAYER, **asked)).status == 404


# ---------------------------------------------------------------------- split, merge, another dossier


async def test_a_family_is_split_with_children_that_stay_move_or_are_shared(agent: Browser, gateway: Gateway) -> None:
    page = await agent.submit(await agent.get(SPLIT), SPLIT, faire="verifier")
    assert page.errors == ["Choisissez au moins un adulte."]
    asked = {"adults": ["yves"], "enfant-tom": "deux", "enfant-ines": "part", "from": "2027-01-01"}
    asked |= {"rue": "8 rue Neuve", "code_postal": "94990", "commune": "Villeneuve-sur-Bièvre"}
    errors = [{"pointer": "/children/0", "detail": "Un."}, {"pointer": "/address/postcode", "detail": "Deux."}]
    gateway.refuse("POST", f"{API}/split", 422, errors=errors)
    page = await agent.submit(page, SPLIT, faire="verifier", **asked)
    assert (page.links()["Un."], page.links()["Deux."]) == ("#enfant-tom", "#code_postal")
    gateway.say("POST", f"{API}/split", touched(), touched(created=OURS | {"id": "new", "number": "100099"}))
    page = await agent.submit(page, SPLIT, faire="verifier")
    for said in ("Yves Petit", "fait partie des deux dossiers", "8 rue Neuve, 94990 Villeneuve-sur-Bièvre", *TOUCHES):
        assert said in page.text, said
    page = await agent.submit(page, SPLIT, faire="confirmer")
    assert page.links()["le nouveau dossier"] == "/agent/dossiers/new"
    [_, shown, done] = gateway.heard("POST", f"{API}/split")
    assert (shown.query, done.query, done.headers["If-Match"]) == ({"preview": "true"}, {}, '"5"')
    assert done.body == shown.body
    assert done.body == {
        "adults": ["yves"],
        "children": [{"child_id": "tom", "shared": True}, {"child_id": "ines", "shared": False}],
        "address": {"street": "8 rue Neuve", "postcode": "94990", "city": "Villeneuve-sur-Bièvre"},
        "from": "2027-01-01",
    }


@pytest.mark.parametrize(
    ("number", "said"), [("", "Indiquez"), ("999", "Aucun dossier"), ("100042", "C'est le numéro")]
)
async def test_the_other_dossier_is_found_by_its_number(agent: Browser, number: str, said: str) -> None:
    for path in (MERGE, SHARE):
        page = await agent.submit(await agent.get(path), path, faire="verifier", numero=number)
        assert page.errors[0].startswith(said), path
        assert page.links()[page.errors[0]] == "#numero"


async def test_what_cannot_be_a_number_is_no_dossiers(agent: Browser, gateway: Gateway) -> None:
    gateway.refuse("GET", DOSSIERS, 422, errors=[{"pointer": "/query/q", "detail": "Cette valeur n'est pas acceptée."}])
    page = await agent.submit(await agent.get(MERGE), MERGE, faire="verifier", numero="1" * 101)
    assert page.links()[page.errors[0]] == "#numero"


async def test_two_dossiers_are_merged_once_it_is_seen_whose_the_other_is(agent: Browser, gateway: Gateway) -> None:
    gateway.say("POST", f"{API}/merge", touched(into=OURS | {"id": "e"}))
    gateway.say("GET", f"{DOSSIERS}/e", (200, OURS | {"id": "e", "number": "100077"}))
    page = await agent.submit(await agent.get(MERGE), MERGE, faire="verifier", numero="100077")
    assert page.errors == ["Indiquez le motif."]
    page = await agent.submit(page, MERGE, faire="verifier", reason="Une famille", **{"from": "2027-01-01"})
    assert "Dossier 100077 : Zoé Diallo, Awa Diallo ; 1 rue Haute, 94990 Villeneuve" in page.text
    page = await agent.submit(page, MERGE, faire="confirmer")
    assert page.path == "/agent/dossiers/e?reuni"
    assert gateway.heard("POST", f"{API}/merge")[-1].body == {
        "into": "e",
        "reason": "Une famille",
        "from": "2027-01-01",
    }
    gateway.say("GET", f"{DOSSIERS}/d", (200, OURS | {"merged_into": "e"}))
    assert (await agent.get(FAMILY)).links()["Ouvrir le dossier 100077"] == "/agent/dossiers/e"


@pytest.mark.parametrize(("how", "leaves"), [("deux", None), ("part", "d")])
async def test_a_child_is_shared_with_another_dossier_or_moves_to_it(
    agent: Browser, gateway: Gateway, how: str, leaves: str | None
) -> None:
    gateway.say("POST", f"{TOM_API}/dossiers", touched(child={}))
    page = await agent.submit(await agent.get(SHARE), SHARE, faire="verifier", numero="100077")
    assert page.errors == ["Choisissez si l'enfant reste aussi dans ce dossier."]
    page = await agent.submit(page, SHARE, faire="verifier", devient=how, **{"from": "2027-01-01"})
    assert "Zoé Diallo" in page.text
    page = await agent.submit(page, SHARE, faire="confirmer")
    assert page.path == f"{FAMILY}?enregistre"
    [_, done] = gateway.heard("POST", f"{TOM_API}/dossiers")
    assert (done.headers["If-Match"], done.body) == (
        '"7"',
        {"dossier_id": "e", "leaves": leaves, "from": "2027-01-01"},
    )


async def test_a_child_of_two_leaves_this_one(agent: Browser, gateway: Gateway) -> None:
    assert "Retirer de ce dossier : Tom" not in (await agent.get(FAMILY)).links()
    gateway.say("GET", f"{TOM_API}/custody", (200, CUSTODY))
    page = await agent.get(FAMILY)
    assert page.links()["Retirer de ce dossier : Tom"] == LEAVE
    assert "dans ce dossier : lundi, mardi, samedi, dimanche chaque semaine" in page.text.replace("\xa0", " ")
    assert gateway.heard("GET", f"{TOM_API}/custody")[-1].query == {"dossier_id": "d"}
    errors = [{"pointer": "/from", "detail": "Trop tôt."}]
    gateway.refuse("DELETE", f"{TOM_API}/dossiers/d", 422, errors=errors)
    page = await agent.submit(await agent.get(LEAVE), LEAVE, faire="verifier", **{"from": "2020-01-01"})
    assert page.links()["Trop tôt."] == "#from"
    gateway.say("DELETE", f"{TOM_API}/dossiers/d", touched(), touched(planned={"id": "p", "day": "2027-01-01"}))
    page = await agent.submit(page, LEAVE, faire="verifier", **{"from": "2027-01-01"})
    page = await agent.submit(page, LEAVE, faire="confirmer")
    assert page.path == f"{PLANNED}?prevu"
    shown, done = gateway.heard("DELETE", f"{TOM_API}/dossiers/d")[1:]
    assert (shown.query, done.query) == ({"from": "2027-01-01", "preview": "true"}, {"from": "2027-01-01"})
    assert done.headers["If-Match"] == '"7"'


# ---------------------------------------------------------------------- custody


async def test_a_custody_calendar_is_written_looked_at_as_days_and_given(agent: Browser, gateway: Gateway) -> None:
    gateway.say("GET", f"{TOM_API}/custody", (200, {"shared": False, "patterns": [], "exceptions": []}))
    page = await agent.get(GIVE)
    assert page.links()["Rattachez d'abord l'enfant au dossier de l'autre parent."] == SHARE
    gateway.say("GET", f"{TOM_API}/custody", (200, CUSTODY | {"other_dossier_id": "e"}))
    gateway.say("GET", f"{DOSSIERS}/e", (200, DOSSIER | {"id": "e", "number": "100077"}))
    gateway.say("PUT", f"{TOM_API}/custody", touched())
    page = await agent.get(GIVE)
    assert page.links()["100077, famille Moreau"] == "/agent/dossiers/e"
    assert page.form(GIVE)["rythme-0-first"] == [str(day) for day in range(7)]
    page = await agent.submit(page, GIVE, faire="verifier")
    assert "mardi 1 décembre" in page.text or "mardi 1er décembre" in page.text
    again = await agent.submit(page, GIVE, faire="modifier")
    assert again.form(GIVE)["rythme-1-first"] == ["0", "1", "5", "6"]
    page = await agent.submit(page, GIVE, faire="confirmer")
    assert page.path == f"{FAMILY}?enregistre"
    [_, done] = gateway.heard("PUT", f"{TOM_API}/custody")
    assert done.body == {name: CUSTODY[name] for name in ("patterns", "exceptions")} | {"dossier_id": "d"}
    assert done.headers["If-Match"] == '"7"'


async def test_a_calendars_lines_are_added_emptied_and_refused_one_by_one(agent: Browser, gateway: Gateway) -> None:
    gateway.say("GET", f"{TOM_API}/custody", (200, CUSTODY))
    page = await agent.submit(await agent.get(GIVE), GIVE, faire="verifier", **{"rythme-2-first": ["0"]})
    assert (page.errors, page.links()[page.errors[0]]) == (["Indiquez à partir de quel jour."], "#rythme-2-from")
    page = await agent.submit(page, GIVE, faire="verifier", **{"rythme-2-first": [], "exception-0-whose": ""})
    assert page.links()["Indiquez où est l'enfant."] == "#exception-0-whose"
    page = await agent.submit(page, GIVE, faire="modifier", **{"exception-0-whose": "other"})
    errors = [{"pointer": "/patterns/0/from", "detail": "Un."}, {"pointer": "/exceptions/0/to", "detail": "Deux."}]
    gateway.refuse("PUT", f"{TOM_API}/custody", 422, errors=errors)
    gone: dict[str, list[str]] = {f"rythme-0-{name}": [] for name in ("from", "first", "second")}
    page = await agent.submit(page, GIVE, faire="verifier", **gone, **{"exception-0-to": ""})
    assert (page.links()["Un."], page.links()["Deux."]) == ("#rythme-1-from", "#exception-0-to")
    [sent] = gateway.heard("PUT", f"{TOM_API}/custody")
    assert sent.body["patterns"] == CUSTODY["patterns"][1:]
    assert sent.body["exceptions"] == [{"from": "2026-12-21", "to": "2026-12-21", "whose": "other"}]
    gateway.refuse("PUT", f"{TOM_API}/custody", 412, type="urn:problem:stale")
    page = await agent.submit(page, GIVE, faire="verifier")
    assert page.form(GIVE)["rythme-0-from"] == ["2026-09-09"], "what is there now"


# ---------------------------------------------------------------------- planned


async def test_what_is_planned_is_listed_exported_and_withdrawn(agent: Browser, gateway: Gateway) -> None:
    page = await agent.get(FAMILY)
    assert page.links()["Voir ou retirer ces changements"] == PLANNED
    page = await agent.get(PLANNED)
    for said in ("vendredi 1er janvier 2027", COMING["about"], "Non fait : Trop tard.", "Luc Petit"):
        assert said in page.text.replace("\xa0", " "), said
    cookie = {"Cookie": "; ".join(f"{name}={value}" for name, value in agent.cookies.items())}
    async with agent.client.get(f"{agent.origin}{PLANNED}.csv", headers=cookie) as answer:
        assert f";{COMING['about']};Prévu;" in await answer.text()
    page = await agent.get(page.links()["vendredi 1er janvier 2027"])
    withdraw = "/dossier/v1/planned-changes/p"
    gateway.say("DELETE", withdraw, (204, None))
    page = await agent.submit(page, f"{PLANNED}/p")
    assert (page.path, len(gateway.heard("DELETE", withdraw))) == (f"{PLANNED}?retire", 1)
    gateway.refuse("DELETE", withdraw, 404)
    page = await agent.submit(await agent.get(f"{PLANNED}/p"), f"{PLANNED}/p")
    assert "n'est plus prévu" in page.text
    assert (await agent.get(f"{PLANNED}/unknown")).status == 404


@pytest.mark.parametrize("of", ["garde", "autre-dossier", "retrait"])
async def test_a_child_of_another_family_has_no_page_here(agent: Browser, of: str) -> None:
    assert (await agent.get(f"{FAMILY}/enfants/awa/{of}")).status == 404


async def test_no_family_changes_its_household_by_the_desks_pages(claire: Browser, gateway: Gateway) -> None:
    for path in (PAYER, SPLIT, MERGE, SHARE, LEAVE, GIVE, PLANNED, f"{PLANNED}/p"):
        assert (await claire.get(path)).status == 403, path
    assert not gateway.calls


async def test_each_page_in_chromium(desk_window: Screen, gateway: Gateway) -> None:
    gateway.say("GET", f"{TOM_API}/custody", (200, CUSTODY))
    for path, name in (
        (FAMILY, "agent-foyer"),
        (PAYER, "agent-payeur"),
        (SPLIT, "agent-separation"),
        (MERGE, "agent-reunion"),
        (SHARE, "agent-enfant-autre-dossier"),
        (LEAVE, "agent-enfant-retrait"),
        (GIVE, "agent-enfant-garde"),
        (PLANNED, "agent-changements-prevus"),
        (f"{PLANNED}/p", "agent-changement-prevu"),
    ):
        await desk_window.open(path)
        await desk_window.look(name)
    gateway.say("PUT", f"{TOM_API}/custody", touched())
    await desk_window.open(GIVE)
    await desk_window.press("Vérifier")
    await desk_window.look("agent-enfant-garde-verification")
