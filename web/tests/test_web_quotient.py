"""A family's quotients, who agrees to have theirs asked for, and what the desk does with them."""

from typing import Any

import pytest

from tests.browsers import Browser
from tests.gateways import DOSSIER, ME, Gateway, listed
from tests.screens import Screen

HERE = "/dossier/quotient"
CONSENT = "/dossier/v1/dossiers/d/adults/claire/quotient-consent"
NOT_YET = {"agreed": False, "agreed_at": None, "possible": True}
AGREED = NOT_YET | {"agreed": True, "agreed_at": "2026-11-20T09:00:00Z"}
HISTORY = [
    {"value": 640, "source": "caf", "valid_from": "2026-10-01", "valid_to": "2027-12-31", "reason": "Erreur de la CAF"},
    {"value": 612, "source": "municipal", "valid_from": "2026-01-01", "valid_to": "2027-12-31", "reason": None},
]
CLAIRE = {
    "birth_name": "Dubois",
    "first_names": "Claire, Marie-Anne",
    "sex": "F",
    "birth_date": "1988-04-12",
    "birthplace": "94 073",
}


@pytest.fixture(autouse=True)
def known(gateway: Gateway) -> None:
    gateway.say("GET", "/dossier/v1/dossiers/d", (200, DOSSIER))
    gateway.say("GET", "/dossier/v1/dossiers/d/quotients", (200, {"items": HISTORY}))
    gateway.say("GET", CONSENT, (200, NOT_YET))


@pytest.fixture
async def claire(claire: Browser, gateway: Gateway) -> Browser:
    gateway.say("GET", "/identity/v1/me", (200, ME | {"guardian_id": "claire"}))
    return claire


@pytest.mark.parametrize(
    ("typed", "said"),
    [
        ({}, {"birthplace": "94073"}),
        ({"birthplace": "2a004"}, {"birthplace": "2A004"}),
        ({"birthplace": "99404"}, {"birth_country": "99404"}),
    ],
)
async def test_a_guardian_agrees_for_themselves(
    claire: Browser, gateway: Gateway, typed: dict[str, str], said: dict[str, str]
) -> None:
    page = await claire.get((await claire.get("/dossier")).links()["Voir mes quotients et l'accord pour les demander"])
    for words in ("Vous pouvez refuser,", "à vous seulement", "Erreur de la CAF", "jeudi 1 octobre 2026"):
        assert words in page.text.replace("1er", "1"), words
    gateway.say("PUT", CONSENT, (200, AGREED))
    gateway.say("GET", CONSENT, (200, AGREED))
    page = await claire.submit(page, HERE, **(CLAIRE | typed))
    assert (page.path, f"{HERE}/retrait" in page.source) == (f"{HERE}?accord", True)
    [sent] = gateway.heard("PUT", CONSENT)
    civil: dict[str, Any] = {"birth_name": "Dubois", "sex": "F", "birth_date": "1988-04-12"}
    assert sent.body == civil | {"first_names": ["Claire", "Marie-Anne"]} | said


async def test_what_is_wrong_is_said_beside_it_and_stays(claire: Browser, gateway: Gateway) -> None:
    page = await claire.submit(await claire.get(HERE), HERE, birthplace="Créteil")
    assert (page.status, len(page.errors)) == (422, 5)
    assert not gateway.heard("PUT", CONSENT)
    errors = [{"pointer": "/first_names/1", "detail": "Un."}, {"pointer": "/birth_country", "detail": "Deux."}]
    gateway.refuse("PUT", CONSENT, 422, errors=errors)
    page = await claire.submit(page, HERE, **CLAIRE)
    assert (page.links()["Un."], page.links()["Deux."]) == ("#first_names", "#birthplace")
    assert page.form(HERE)["birth_name"] == ["Dubois"]


async def test_who_agrees_no_more_says_so(claire: Browser, gateway: Gateway) -> None:
    gateway.say("GET", CONSENT, (200, AGREED))
    page = await claire.get(HERE)
    assert "vendredi 20 novembre 2026" in page.text
    gateway.say("DELETE", CONSENT, (204, None))
    page = await claire.submit(page, f"{HERE}/retrait")
    assert (page.path, len(gateway.heard("DELETE", CONSENT))) == (f"{HERE}?retire", 1)


async def test_where_the_town_cannot_ask_nothing_is_asked_of_the_family(claire: Browser, gateway: Gateway) -> None:
    gateway.say("GET", CONSENT, (200, NOT_YET | {"possible": False}))
    page = await claire.get(HERE)
    assert ("640" in page.text, "API Particulier" in page.text) == (True, False)


async def test_the_desk_writes_down_what_an_adult_has_said(agent: Browser, gateway: Gateway) -> None:
    path = f"/agent/dossiers/d/famille{HERE}"
    gateway.say("PUT", CONSENT, (200, AGREED))
    page = await agent.submit(await agent.get(f"{path}?de=claire"), path, **CLAIRE)
    assert page.path == f"{path}?accord&de=claire"
    assert gateway.heard("PUT", CONSENT)
    assert (await agent.get(f"{path}?de=nobody")).status == 404


async def test_the_quotients_of_a_family_in_a_browser(family_window: Screen, gateway: Gateway) -> None:
    gateway.say("GET", "/identity/v1/me", (200, ME | {"guardian_id": "claire"}))
    await family_window.open(HERE)
    await family_window.look("dossier-quotient")


# ---------------------------------------------------------------------- at the desk

DESK, API = "/agent/dossiers/d/quotient", "/dossier/v1/dossiers/d"
LOOKUPS = f"{API}/quotient-lookups"


async def test_a_quotient_is_recorded_backdated_with_a_reason(agent: Browser, gateway: Gateway) -> None:
    page = await agent.get(DESK)
    assert "Erreur de la CAF" in page.text
    page = await agent.submit(page, DESK, value="", source="")
    assert page.errors == ["Indiquez le quotient, en euros.", "Indiquez qui l'a calculé."]
    errors = [{"pointer": "/reason", "detail": "Indiquez pourquoi."}]
    gateway.refuse("PUT", f"{API}/quotient", 422, errors=errors)
    typed = {"value": "1 240", "source": "caf", "counts_from": "2026-10-01"}
    page = await agent.submit(page, DESK, **typed)
    assert (page.links()["Indiquez pourquoi."], page.form(DESK)["value"]) == ("#reason", ["1 240"])
    gateway.refuse("PUT", f"{API}/quotient", 412, type="urn:problem:stale")
    page = await agent.submit(page, DESK, **typed)
    assert page.errors[0].startswith("Quelqu'un d'autre a modifié")
    gateway.say("PUT", f"{API}/quotient", (200, {"items": HISTORY}))
    page = await agent.submit(page, DESK, **typed, reason="Attestation retrouvée")
    assert page.path == f"{DESK}?enregistre"
    sent = gateway.heard("PUT", f"{API}/quotient")[-1]
    body = {"value": 1240, "source": "caf", "counts_from": "2026-10-01", "reason": "Attestation retrouvée"}
    assert (sent.body, sent.headers["If-Match"]) == (body, '"0"')


@pytest.mark.parametrize(
    ("outcome", "said"),
    [
        ("changed", "Un quotient est trouvé et enregistré"),
        ("unchanged", "Ce quotient était déjà enregistré"),
        ("unknown", "Aucun quotient n'est trouvé"),
        ("no_consent", "Rien n'a été demandé"),
    ],
)
async def test_each_outcome_of_asking_now_is_said(agent: Browser, gateway: Gateway, outcome: str, said: str) -> None:
    gateway.say("GET", CONSENT, (200, AGREED))
    gateway.say("POST", LOOKUPS, (200, {"outcome": outcome, "detail": "Voici pourquoi."}))
    page = await agent.submit(await agent.get(DESK), f"{DESK}/demande")
    assert said in page.text
    assert "Voici pourquoi." in page.text
    gateway.say("GET", "/dossier/v1/dossiers/other", (200, DOSSIER | {"id": "other", "adults": []}))
    gateway.say("GET", "/dossier/v1/dossiers/other/quotients", (200, {"items": []}))
    elsewhere = await agent.get(page.path.replace("/d/", "/other/"))
    assert (elsewhere.status, said in elsewhere.text) == (200, False)


async def test_why_it_could_not_be_asked_is_said(agent: Browser, gateway: Gateway) -> None:
    page = await agent.get(DESK)
    assert "n'a pas accepté" in page.text
    assert "Demander maintenant" not in page.text
    for status, why in ((409, "not-connected"), (409, "token-refused"), (503, "unavailable")):
        gateway.refuse("POST", LOOKUPS, status, "Parce que.", type=f"urn:problem:dossier:particulier-{why}")
        shown = await agent.submit(page, f"{DESK}/demande")
        assert (shown.status, shown.errors) == (422, ["Parce que."])
    gateway.refuse("POST", LOOKUPS, 503, "Rien ne répond.")
    assert (await agent.submit(page, f"{DESK}/demande")).status == 503


async def test_the_quotients_at_the_desk_in_a_browser(desk_window: Screen, gateway: Gateway) -> None:
    gateway.say("GET", CONSENT, (200, AGREED))
    gateway.say("POST", LOOKUPS, (200, {"outcome": "unknown", "detail": "Dossier allocataire inexistant."}))
    await desk_window.open(DESK)
    await desk_window.press("Demander maintenant")
    await desk_window.look("agent-quotients")


# ---------------------------------------------------------------------- of everybody

ALL, CAMPAIGNS = "/agent/quotients", "/dossier/v1/quotient-campaigns"
RUNNING: dict[str, Any] = {
    "id": "c",
    "status": "running",
    "total": 40,
    "done": 12,
    "changed": 6,
    "unchanged": 4,
    "unknown": 1,
    "no_consent": 1,
    "trouble": "API Particulier ne répond pas pour le moment.",
    "asked_at": "2026-11-25T08:00:00Z",
    "finished_at": None,
}
MISSED = [{"number": "100002", "detail": "Dossier allocataire inexistant."}, {"number": "100003", "detail": "=cmd"}]


@pytest.fixture
def asked(gateway: Gateway) -> None:
    gateway.say("GET", CAMPAIGNS, (200, listed(RUNNING)))
    gateway.say("GET", f"{CAMPAIGNS}/c", (200, RUNNING | {"items": MISSED[:1], "next_number": "100002"}))


@pytest.mark.usefixtures("asked")
async def test_all_families_are_asked_for_followed_and_found_again(administrator: Browser, gateway: Gateway) -> None:
    page = await administrator.get(ALL)
    assert page.links()["mercredi 25 novembre 2026 à 9 h"] == f"{ALL}/c"
    gateway.refuse("POST", CAMPAIGNS, 409, "Pas raccordée.", type="urn:problem:dossier:particulier-not-connected")
    assert (await administrator.submit(page, ALL)).errors == ["Pas raccordée."]
    gateway.say("POST", CAMPAIGNS, (202, RUNNING))
    page = await administrator.submit(page, ALL)
    assert page.path == f"{ALL}/c"
    for words in ("12 familles sur 40", "Dossier allocataire inexistant.", "API Particulier ne répond pas"):
        assert words in page.text
    [bar] = page.all("progress")
    assert (bar.get("value"), bar.get("max"), page.headers.get("Refresh")) == ("12", "40", None)
    followed = await administrator.get(page.links()["Actualiser toutes les cinq secondes"])
    assert followed.headers["Refresh"] == "5"
    await administrator.get(page.links()["Page suivante"])
    assert gateway.heard("GET", f"{CAMPAIGNS}/c")[-1].query == {"after": "100002"}
    done = RUNNING | {"status": "done", "done": 40, "finished_at": "2026-11-25T09:00:00Z", "items": []}
    gateway.say("GET", f"{CAMPAIGNS}/c", (200, done))
    page = await administrator.get(f"{ALL}/c?suivre")
    assert (page.headers.get("Refresh"), page.all("progress")) == (None, [])


@pytest.mark.usefixtures("asked")
async def test_those_not_found_are_a_file_without_formulas(administrator: Browser, gateway: Gateway) -> None:
    pages = [
        RUNNING | {"items": [one], "next_number": more} for one, more in zip(MISSED, ("100002", None), strict=True)
    ]
    gateway.say("GET", f"{CAMPAIGNS}/c", *((200, one) for one in pages))
    text = await administrator.file(f"{ALL}/c.csv")
    assert text == "Dossier;Pourquoi\r\n100002;Dossier allocataire inexistant.\r\n100003;'=cmd\r\n"


@pytest.mark.usefixtures("asked")
async def test_the_quotients_of_everybody_in_a_browser(window: Screen, gateway: Gateway) -> None:
    gateway.say("POST", "/identity/v1/sessions", (201, gateway.tokens()))
    gateway.say("GET", "/identity/v1/me", (200, ME | {"role": "administrator", "first_name": "Ada"}))
    await window.sign_in("ada", "Guichet!2026")
    for path, picture in ((ALL, "agent-quotients-demandes"), (f"{ALL}/c", "agent-quotients-demande")):
        await window.open(path)
        await window.look(picture)
