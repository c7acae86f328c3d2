"""« Mon dossier » changed at once or by a request, and the desk's queue of these, before a gateway that may say no."""

from typing import Any

import pytest

from tests.browsers import Browser
from tests.gateways import CUSTODY, DOSSIER, Gateway, listed
from tests.screens import Screen

HERE = "/dossier"
CONTACTS = "/dossier/v1/dossiers/d/contacts"
REQUESTS = "/dossier/v1/change-requests"
NANA = {"first_name": "Odile", "last_name": "Petit", "relation": "grand-mère", "phone": "0612345678", "own": True}
FOE = {"first_name": "Jean", "last_name": "Petit", "decision": "Jugement du 3 mars 2026"}
TOM = DOSSIER["children"][0] | {
    "version": 7,
    "consents": {"photo": True, "outings": None, "leaves_alone": False},
    "authorised_persons": [NANA, NANA | {"first_name": "Ali", "own": False}],
    "forbidden_persons": [FOE],
}
CONTACT = {"id": "nana", "first_name": "Odile", "last_name": "Petit", "email": "o@example.org", "phone": "0612345678"}
FAMILY = DOSSIER | {
    "version": 5,
    "adults": [DOSSIER["adults"][0] | {"has_account": True}, CONTACT | {"roles": ["contact"], "has_account": False}],
    "children": [TOM, DOSSIER["children"][1] | {"version": 3}],
}
REQUEST: dict[str, Any] = {
    "id": "r",
    "status": "waiting",
    "dossier_id": "d",
    "dossier_number": "100042",
    "family": "Moreau",
    "kind": "address",
    "subject": None,
    "old": {"street": "3 rue des Lilas", "postcode": "94990", "city": "Villeneuve-sur-Bièvre"},
    "new": {"street": "8 rue Neuve", "postcode": "94990", "city": "Villeneuve-sur-Bièvre"},
    "document_ids": ["proof"],
    "comment": "Nous déménageons",
    "asked_at": "2026-11-25T09:00:00Z",
    "reason": None,
    "counts_from": None,
    "decided_at": None,
}
SCHOOL = REQUEST | {
    "id": "s",
    "status": "refused",
    "kind": "school",
    "subject": "Tom Moreau",
    "old": None,
    "new": {"school_year": "2026-2027", "school_id": "s", "level": "elementary", "class_name": None},
    "reason": "L'école est complète",
    "decided_at": "2026-11-26T09:00:00Z",
}
PROOF = {"id": "proof", "status": "waiting", "kind_name": "Justificatif de domicile"}
PROOF |= {"uploaded_at": "2026-11-20T09:00:00Z"}
STALE = "urn:problem:stale"


@pytest.fixture(autouse=True)
def _a_family(gateway: Gateway) -> None:
    for path in ("mine", "d"):
        gateway.say("GET", f"/dossier/v1/dossiers/{path}", (200, FAMILY))
    gateway.say("GET", REQUESTS, (200, listed(REQUEST, SCHOOL)))
    gateway.say("GET", "/dossier/v1/dossiers/d/documents", (200, listed(PROOF)))


async def test_contacts_are_sent_as_a_whole_with_the_version_that_was_seen(claire: Browser, gateway: Gateway) -> None:
    gateway.say("PATCH", CONTACTS, (200, FAMILY))
    page = await claire.get(f"{HERE}/contacts")
    added = {"contact-1-first_name": "Ali", "contact-1-last_name": "Benali", "contact-1-phone": "06 11 11 11 11"}
    page = await claire.submit(page, f"{HERE}/contacts", **{"phone-claire": "06 12 12 12 12"}, **added)
    assert page.path == f"{HERE}?modifie"
    [sent] = gateway.heard("PATCH", CONTACTS)
    assert sent.headers["If-Match"] == '"5"'
    kept = {"first_name": "Odile", "last_name": "Petit", "phone": "0612345678", "email": "o@example.org"}
    assert sent.body == {
        "adults": [{"id": "claire", "phone": "06 12 12 12 12"}],
        "contacts": [kept, {"first_name": "Ali", "last_name": "Benali", "phone": "06 11 11 11 11"}],
    }


async def test_a_refused_number_is_said_beside_its_input_and_what_was_typed_stays(
    claire: Browser, gateway: Gateway
) -> None:
    errors = [{"pointer": "/adults/0/phone", "detail": "Un."}, {"pointer": "/contacts/0/phone", "detail": "Deux."}]
    gateway.refuse("PATCH", CONTACTS, 422, errors=errors)
    page = await claire.get(f"{HERE}/contacts")
    page = await claire.submit(page, f"{HERE}/contacts", **{"phone-claire": "12"})
    assert (page.status, page.links()["Un."], page.links()["Deux."]) == (422, "#phone-claire", "#contact-0-phone")
    assert page.form(f"{HERE}/contacts")["phone-claire"] == ["12"]


@pytest.mark.parametrize(
    ("path", "method", "api"),
    [
        (f"{HERE}/contacts", "PATCH", CONTACTS),
        (f"{HERE}/enfants/tom", "PATCH", "/dossier/v1/children/tom"),
        (f"{HERE}/enfants/tom/personnes", "PUT", "/dossier/v1/children/tom/authorised-persons"),
    ],
)
async def test_who_comes_second_sees_what_is_there_now(
    claire: Browser, gateway: Gateway, path: str, method: str, api: str
) -> None:
    page = await claire.get(path)
    gateway.refuse(method, api, 412, "Trop tard.", type=STALE)
    newer = FAMILY | {"version": 6, "children": [TOM | {"version": 8}]}
    gateway.say("GET", "/dossier/v1/dossiers/mine", (200, FAMILY), (200, newer))
    page = await claire.submit(page, path, menu="vegetarian")
    assert (page.status, len(page.errors)) == (422, 1)
    assert page.errors[0].startswith("Quelqu'un d'autre a modifié")
    assert page.form(path)["vu"][0] in ("6", "8")


async def test_a_childs_menu_and_consents(claire: Browser, gateway: Gateway) -> None:
    gateway.say("PATCH", "/dossier/v1/children/tom", (200, TOM))
    page = await claire.get(f"{HERE}/enfants/tom")
    form = page.form(f"{HERE}/enfants/tom")
    assert (form["menu"], form["photo"], form.get("outings"), form["leaves_alone"]) == (
        ["no_pork"],
        ["oui"],
        None,
        ["non"],
    )
    page = await claire.submit(page, f"{HERE}/enfants/tom", photo="non")
    [sent] = gateway.heard("PATCH", "/dossier/v1/children/tom")
    assert sent.body == {"menu": "no_pork", "consents": {"photo": False, "leaves_alone": False}}
    assert sent.headers["If-Match"] == '"7"'
    assert (await claire.get(f"{HERE}/enfants/nobody")).status == 404


async def test_a_family_names_its_own_persons_and_the_desk_also_whom_a_court_forbids(
    claire: Browser, gateway: Gateway
) -> None:
    api = "/dossier/v1/children/tom/authorised-persons"
    gateway.say("PUT", api, (200, {"authorised_persons": [], "forbidden_persons": []}))
    page = await claire.get(f"{HERE}/enfants/tom/personnes")
    assert "Jugement du 3 mars 2026" in page.text
    emptied = {f"personne-0-{name}": "" for name in ("first_name", "last_name", "phone", "relation")}
    await claire.submit(page, f"{HERE}/enfants/tom/personnes", **emptied)
    assert gateway.heard("PUT", api)[0].body == {"authorised_persons": []}


async def test_the_desk_forbids_by_the_same_page(agent: Browser, gateway: Gateway) -> None:
    api = "/dossier/v1/children/tom/authorised-persons"
    gateway.say("PUT", api, (200, {"authorised_persons": [], "forbidden_persons": []}))
    path = "/agent/dossiers/d/famille/dossier/enfants/tom/personnes"
    await agent.submit(await agent.get(path), path)
    own = {name: value for name, value in NANA.items() if name != "own"}
    body = {"authorised_persons": [own], "forbidden_persons": [FOE], "dossier_id": "d"}
    assert gateway.heard("PUT", api)[0].body == body


async def test_a_request_is_old_beside_new_with_its_proofs(claire: Browser, gateway: Gateway) -> None:
    api = "/dossier/v1/dossiers/d/change-requests"
    path = f"{HERE}/demandes/address"
    gateway.refuse("POST", api, 422, errors=[{"pointer": "/change/postcode", "detail": "Cinq chiffres."}])
    page = await claire.get(path)
    assert page.form(path)["street"] == ["3 rue des Lilas"]
    assert "Aujourd’hui : 3 rue des Lilas" in page.text
    assert page.links()["envoyez-le d'abord"] == f"{HERE}/documents"
    page = await claire.submit(page, path, street="8 rue Neuve", postcode="7501", document="proof")
    assert (page.status, page.links()["Cinq chiffres."]) == (422, "#postcode")
    gateway.say("POST", api, (201, REQUEST))
    page = await claire.submit(page, path, postcode="94990", comment="Merci")
    assert page.path == f"{HERE}?demande"
    sent = gateway.heard("POST", api)[-1].body
    assert sent == {"change": {"kind": "address"} | REQUEST["new"], "document_ids": ["proof"], "comment": "Merci"}


@pytest.mark.parametrize(
    ("path", "typed", "change"),
    [
        ("quotient", {"value": "1 234", "source": "caf"}, {"value": 1234, "source": "caf"}),
        ("quotient", {"value": "beaucoup", "source": "caf"}, {"value": "beaucoup", "source": "caf"}),
        (
            "new_child",
            {"first_name": "Zoé", "last_name": "Moreau", "birth_date": "2026-11-20"},
            {"first_name": "Zoé", "last_name": "Moreau", "birth_date": "2026-11-20"},
        ),
        (
            "adult_name?de=claire",
            {"last_name": "Dubois"},
            {"first_name": "Claire", "last_name": "Dubois", "adult_id": "claire"},
        ),
        (
            "custody?de=tom",
            {"valid_from": "2027-01-04", "days": ["0", "1", "2", "3", "4", "5", "6"]},
            {"valid_from": "2027-01-04", "days": ["own"] * 7 + ["other"] * 7, "child_id": "tom"},
        ),
        (
            "custody?de=tom",
            {"valid_from": "2027-01-04", "days": ["2", "9"]},
            {"days": ["other", "other", "own", "other", "other", "other", "other"]},
        ),
        (
            "school?de=tom",
            {"school_id": "s", "school_year": "2026-2027", "level": "elementary"},
            {"school_id": "s", "school_year": "2026-2027", "level": "elementary", "child_id": "tom"},
        ),
    ],
)
async def test_each_kind_is_asked_by_its_own_fields(
    claire: Browser, gateway: Gateway, path: str, typed: dict[str, Any], change: dict[str, Any]
) -> None:
    gateway.say("POST", "/dossier/v1/dossiers/d/change-requests", (201, REQUEST))
    kind = path.partition("?")[0]
    await claire.submit(await claire.get(f"{HERE}/demandes/{path}"), f"{HERE}/demandes/{kind}", **typed)
    [sent] = gateway.heard("POST", "/dossier/v1/dossiers/d/change-requests")
    assert {name: sent.body["change"][name] for name in change} == change
    assert sent.body["change"]["kind"] == kind


@pytest.mark.parametrize("path", ["nothing", "school", "school?de=claire", "adult_name?de=tom"])
async def test_what_cannot_be_asked_for_is_no_page(claire: Browser, path: str) -> None:
    assert (await claire.get(f"{HERE}/demandes/{path}")).status == 404


async def test_requests_are_shown_with_their_answers_and_withdrawn(claire: Browser, gateway: Gateway) -> None:
    gateway.say("DELETE", f"{REQUESTS}/r", (200, REQUEST | {"status": "withdrawn"}))
    page = await claire.get(HERE)
    assert "Avant : 3 rue des Lilas Demandé : 8 rue Neuve" in page.text
    assert "Réponse du guichet : L'école est complète" in page.text
    page = await claire.submit(page, f"{HERE}/demandes/r/retrait")
    assert page.path == f"{HERE}?retiree"
    assert len(gateway.heard("DELETE", f"{REQUESTS}/r")) == 1


async def test_a_custody_is_read_in_words(agent: Browser, gateway: Gateway) -> None:
    days = ["own"] * 7 + ["other"] * 2 + ["own"] + ["other"] * 4
    custody = {"kind": "custody", "subject": "Tom Moreau", "old": None}
    gateway.say("GET", f"{REQUESTS}/r", (200, REQUEST | custody | {"new": {"valid_from": "2027-01-04", "days": days}}))
    text = (await agent.get("/agent/modifications/r")).text
    assert "Garde alternée : Tom Moreau" in text
    assert "toute la semaine une semaine, mercredi la suivante" in text
    assert "lundi 4 janvier 2027" in text


async def test_all_is_right_is_certified(claire: Browser, gateway: Gateway) -> None:
    gateway.say("POST", "/dossier/v1/dossiers/d/certification", (200, FAMILY))
    page = await claire.submit(await claire.get(HERE), f"{HERE}/certification")
    assert page.path == f"{HERE}?certifie"
    certified = {"school_year": "2026-2027", "certified_at": "2026-11-25T09:00:00Z"}
    gateway.say("GET", "/dossier/v1/dossiers/mine", (200, FAMILY | {"certified": certified}))
    page = await claire.get(HERE)
    assert "pour l'année scolaire 2026-2027" in page.text
    assert f"{HERE}/certification" not in [one.get("action") for one in page.all("form")]


async def test_without_its_requests_the_dossier_is_there(claire: Browser, gateway: Gateway) -> None:
    gateway.refuse("GET", REQUESTS, 503)
    page = await claire.get(HERE)
    assert (page.status, "3 rue des Lilas" in page.text) == (200, True)


async def test_an_agent_decides_with_a_reason(agent: Browser, gateway: Gateway) -> None:
    one = "/agent/modifications/r"
    gateway.say("GET", f"{REQUESTS}/r", (200, REQUEST))
    page = await agent.get("/agent/modifications")
    assert page.links()["Changement d'adresse"] == one
    page = await agent.get(one)
    assert "Justificatif de domicile, envoyé le vendredi 20 novembre 2026" in page.text
    assert page.links()["Justificatif de domicile"] == "/agent/dossiers/d/documents/proof"
    page = await agent.submit(page, f"{one}/decision", decision="accepted")
    assert (page.status, page.errors) == (422, ["Indiquez le motif de la décision."])
    gateway.refuse("POST", f"{REQUESTS}/r/decision", 409, "Le dossier a changé.")
    page = await agent.submit(page, f"{one}/decision", decision="accepted", reason="Vu")
    assert page.errors == ["Le dossier a changé."]
    gateway.say("POST", f"{REQUESTS}/r/decision", (200, REQUEST | {"status": "accepted"}))
    page = await agent.submit(page, f"{one}/decision", decision="accepted", reason="Vu", resident="oui")
    assert page.path == "/agent/modifications?status=accepted"
    body = {"decision": "accepted", "reason": "Vu", "resident": True}
    assert gateway.heard("POST", f"{REQUESTS}/r/decision")[-1].body == body


async def test_the_pages_of_a_changed_dossier(family_window: Screen, gateway: Gateway) -> None:
    gateway.say("GET", "/dossier/v1/children/tom/custody", (200, CUSTODY))
    await family_window.open(HERE)
    await family_window.page.get_by_text("Calendrier de garde de Tom").click()
    await family_window.look("dossier-demandes")
    for path, name in (
        ("contacts", "dossier-contacts"),
        ("enfants/tom", "dossier-enfant"),
        ("enfants/tom/personnes", "dossier-personnes"),
        ("demandes/address", "dossier-demande"),
        ("demandes/custody?de=tom", "dossier-garde"),
    ):
        await family_window.open(f"{HERE}/{path}")
        await family_window.look(name)


async def test_the_queue_and_a_request_at_the_desk(desk_window: Screen, gateway: Gateway) -> None:
    gateway.say("GET", f"{REQUESTS}/r", (200, REQUEST))
    await desk_window.open("/agent/modifications")
    await desk_window.look("agent-modifications")
    await desk_window.open("/agent/modifications/r")
    await desk_window.look("agent-modification")
