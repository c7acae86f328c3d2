"""A family's quotients, who agrees to have theirs asked for, and what the desk does with them."""

from typing import Any

import pytest

from tests.browsers import Browser
from tests.gateways import DOSSIER, ME, Gateway
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
