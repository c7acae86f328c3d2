"""What an agent changes of a household: said, looked at, confirmed; before a gateway that may say no."""

from typing import Any

import pytest

from tests.browsers import Browser
from tests.gateways import DOSSIER, Gateway
from tests.plannings import PLANNINGS, planning
from tests.screens import Screen

FAMILY = "/agent/dossiers/d"
DOSSIERS = "/dossier/v1/dossiers"
PAYER, PAYER_API = f"{FAMILY}/payeur", f"{DOSSIERS}/d/payer"
YVES = {"id": "yves", "first_name": "Yves", "last_name": "Petit", "email": None, "phone": None}
OURS = DOSSIER | {
    "version": 5,
    "adults": [*DOSSIER["adults"], YVES | {"roles": ["legal_guardian"]}],
    "children": [DOSSIER["children"][0] | {"version": 7}, DOSSIER["children"][1] | {"version": 3}],
}
TOUCHES = ["À partir du vendredi 1er janvier 2027, Yves Petit paie.", "Les factures déjà établies ne changent pas."]


@pytest.fixture(autouse=True)
def family(gateway: Gateway) -> None:
    gateway.say("GET", f"{DOSSIERS}/d", (200, OURS))
    gateway.say("GET", PLANNINGS, (200, planning()))


def touched(**more: Any) -> tuple[int, dict[str, Any]]:
    return 200, {"touches": TOUCHES, "dossier": OURS} | more


async def test_another_payer_is_looked_at_first_then_confirmed(agent: Browser, gateway: Gateway) -> None:
    gateway.say("POST", PAYER_API, touched())
    assert (await agent.get(FAMILY)).links()["Changer le payeur"] == PAYER
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


async def test_no_family_changes_its_household_by_the_desks_pages(claire: Browser, gateway: Gateway) -> None:
    for path in (PAYER,):
        assert (await claire.get(path)).status == 403, path
    assert not gateway.calls


async def test_each_page_in_chromium(desk_window: Screen, gateway: Gateway) -> None:
    gateway.say("POST", PAYER_API, touched())
    await desk_window.open(PAYER)
    await desk_window.look("agent-payeur")
    await desk_window.page.get_by_label("Yves Petit").check()
    await desk_window.press("Vérifier")
    await desk_window.look("agent-payeur-verification")
