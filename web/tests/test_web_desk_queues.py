"""What waits at the desk: accounts to be linked, decided; messages set aside, replayed."""

from typing import Any

import pytest

from tests.browsers import Browser
from tests.gateways import DOSSIER, INVOICE, ME, Gateway, listed
from tests.screens import Screen

LINKS, API = "/agent/rattachements", "/identity/v1/link-requests"
ONE, DECIDE = f"{LINKS}/r", f"{LINKS}/r/decision"
DEAD = "/agent/messages-en-echec"
TOLD, NOTICES = "/agent/a-suivre", "/identity/v1/desk-notices"
SERVICES = ("identity", "dossier", "enrolment", "planning", "billing")
CANDIDATE = {"guardian_id": "claire", "first_name": "Claire", "last_name": "Moreau", "email": None}
REQUEST: dict[str, Any] = {
    "id": "r",
    "status": "waiting",
    "dossier_number": "100042",
    "last_name": "Moreau",
    "first_name": "Claire",
    "email": "claire@new.example.org",
    "created_at": "2026-11-20T09:00:00Z",
    "reason": None,
    "decided_at": None,
    "candidates": [CANDIDATE | {"has_account": False}],
}
NOTICE: dict[str, Any] = {
    "id": "n",
    "dossier_id": "d",
    "title": "Dossier 100042 : réservation annulée",
    "paragraphs": ["Elle ne pouvait pas être facturée.", "Appelez la famille."],
    "created_at": "2026-11-20T09:00:00Z",
    "done_at": None,
    "done_by_name": None,
}
LETTER = {"reason": "rejected", "type": "planning.reservations_changed", "time": "2026-11-20T09:00:00Z"}


@pytest.fixture(autouse=True)
def waiting(gateway: Gateway) -> None:
    gateway.say("GET", API, (200, listed(REQUEST)))
    gateway.say("GET", f"{API}/r", (200, REQUEST))
    gateway.say("GET", NOTICES, (200, listed(NOTICE)))
    gateway.say("GET", f"{NOTICES}/n", (200, NOTICE))


async def test_a_request_is_accepted_for_a_guardian_with_a_reason(agent: Browser, gateway: Gateway) -> None:
    page = await agent.get(LINKS)
    assert gateway.heard("GET", API)[0].query == {"status": "waiting", "limit": "50"}
    assert page.links()["Claire Moreau"] == ONE
    page = await agent.submit(await agent.get(ONE), DECIDE, decision="accepted", reason="")
    assert page.errors == [
        "Indiquez pour quel responsable la demande est acceptée.",
        "Indiquez le motif de la décision.",
    ]
    gateway.refuse("POST", f"{API}/r/decision", 409, "Ce responsable a déjà un compte.")
    page = await agent.submit(page, DECIDE, decision="accepted", guardian_id="claire", reason="Vue au guichet")
    assert page.errors == ["Ce responsable a déjà un compte."]
    gateway.say("POST", f"{API}/r/decision", (200, {}))
    page = await agent.submit(page, DECIDE, decision="accepted", guardian_id="claire", reason="Vue au guichet")
    assert page.path == f"{LINKS}?status=accepted"
    assert [call.body for call in gateway.heard("POST", f"{API}/r/decision")] == [
        {"decision": "accepted", "guardian_id": "claire", "reason": "Vue au guichet"}
    ] * 2


async def test_a_request_is_refused_without_a_guardian(agent: Browser, gateway: Gateway) -> None:
    gateway.say("POST", f"{API}/r/decision", (200, {}))
    await agent.submit(await agent.get(ONE), DECIDE, decision="refused", guardian_id="claire", reason="Inconnue")
    [said] = gateway.heard("POST", f"{API}/r/decision")
    assert said.body == {"decision": "refused", "reason": "Inconnue"}


async def test_the_guardians_of_another_dossier_may_be_looked_up(agent: Browser, gateway: Gateway) -> None:
    found = {"id": "d", "number": "100043", "adults": [], "children": []}
    gateway.say("GET", "/dossier/v1/dossiers", (200, listed(found)))
    gateway.say("GET", "/dossier/v1/dossiers/d", (200, DOSSIER))
    page = await agent.get(f"{ONE}?dossier=100043")
    assert "Claire Moreau claire@example.org" in page.text
    page = await agent.get(f"{ONE}?dossier=1000")
    assert page.errors == ["Aucun dossier n'a ce numéro, ou il n'a pas de responsable légal."]
    assert (await agent.get(f"{LINKS}/unknown")).status == 404


async def test_what_a_service_set_aside_is_counted_listed_and_handled_again(
    administrator: Browser, gateway: Gateway
) -> None:
    for service in SERVICES:
        gateway.say("GET", f"/{service}/v1/dead-letters", (200, {"count": 0, "items": []}))
    gateway.say("GET", "/planning/v1/dead-letters", (200, {"count": 2, "items": [LETTER]}))
    assert "Messages en échec 2" in (await administrator.get("/agent")).text
    page = await administrator.get(DEAD)
    assert "planning.reservations_changed" in page.text
    gateway.say("POST", "/planning/v1/dead-letters/replay", (200, {"replayed": 2, "left": 0}))
    page = await administrator.submit(page, f"{DEAD}/planning")
    assert "Messages remis au service : 2." in page.text.replace("\xa0", " ")
    gateway.refuse("GET", "/billing/v1/dead-letters", 503)
    assert "Ce service ne répond pas" in (await administrator.get(DEAD)).text
    assert "indisponible" in (await administrator.get("/agent")).text
    assert (await administrator.post(f"{DEAD}/nonsense", {"csrf": page.form(f"{DEAD}/planning")["csrf"]})).status == 404


async def test_what_the_desk_is_told_is_read_and_dealt_with(agent: Browser, gateway: Gateway) -> None:
    page = await agent.get(TOLD)
    assert page.links()[NOTICE["title"]] == f"{TOLD}/n"
    page = await agent.get(f"{TOLD}/n")
    assert page.links()["Ouvrir le dossier"] == "/agent/dossiers/d"
    assert "Appelez la famille." in page.text
    gateway.say("POST", f"{NOTICES}/n/done", (200, NOTICE))
    page = await agent.submit(page, f"{TOLD}/n")
    assert page.path == TOLD
    done = {"done_at": "2026-11-21T09:00:00Z", "done_by_name": "Luc Petit"}
    gateway.say("GET", f"{NOTICES}/n", (200, NOTICE | done))
    page = await agent.get(f"{TOLD}/n")
    assert "par Luc Petit" in page.text
    assert f"{TOLD}/n" not in [one.get("action") for one in page.all("form")]
    assert len(gateway.heard("POST", f"{NOTICES}/n/done")) == 1


async def test_each_role_has_its_own_work(agent: Browser, gateway: Gateway) -> None:
    assert (await agent.get(DEAD)).status == 403
    page = await agent.get("/agent")
    assert "Demandes de rattachement" in page.text
    assert "Messages en échec" not in page.text
    assert not gateway.heard("GET", "/planning/v1/dead-letters")
    [counted] = gateway.heard("GET", "/dossier/v1/change-requests")
    assert counted.query == {"status": "waiting", "limit": "200"}


async def test_a_cashier_has_the_invoices_of_their_regies(agent: Browser, gateway: Gateway) -> None:
    for path in ("/agent/factures", "/agent/factures/i"):
        assert (await agent.get(path)).status == 403, path
    gateway.say("GET", "/identity/v1/me", (200, ME | {"role": "cashier", "first_name": "Zoé"}))
    agent.cookies.clear()
    await agent.submit(await agent.get("/connexion"), "/connexion", login="zoe", password="Guichet!2026")
    invoices = "/billing/v1/invoices"
    gateway.say("GET", invoices, (200, listed(INVOICE)))
    gateway.say("GET", f"{invoices}/i", (200, INVOICE))
    page = await agent.get("/agent")
    assert page.links()["Factures à payer"] == "/agent/factures-a-payer"
    assert "Factures à payer 1" in page.text
    assert page.links()["Factures"] == "/agent/factures"
    page = await agent.get("/agent/factures?status=settled")
    assert {one.query.get("status") for one in gateway.heard("GET", invoices)} == {"to_pay", "settled"}
    assert "80,00 €" in page.text.replace("\xa0", " ").replace("\u202f", " ")
    page = await agent.get(page.links()["Facture provisoire"])
    assert page.links()["Revenir aux factures"] == "/agent/factures"
    assert [one.get("action") for one in page.all("form")] == ["/deconnexion"]


async def test_the_queues_in_a_browser(desk_window: Screen, gateway: Gateway) -> None:
    await desk_window.open("/agent")
    await desk_window.look("agent-accueil")
    await desk_window.press("Demandes de rattachement")
    await desk_window.look("agent-rattachements")
    await desk_window.press("Claire Moreau")
    await desk_window.look("agent-rattachement")
    await desk_window.press("Accepter")
    await desk_window.look()
    await desk_window.open(f"{TOLD}/n")
    await desk_window.look("agent-affaire")
    for service in SERVICES:
        gateway.say("GET", f"/{service}/v1/dead-letters", (200, {"count": 1, "items": [LETTER]}))
    gateway.say("GET", "/billing/v1/invoices", (200, listed(INVOICE)))
    gateway.say("GET", "/identity/v1/me", (200, ME | {"role": "cashier", "first_name": "Zoé"}))
    await desk_window.page.context.clear_cookies()
    await desk_window.sign_in("zoe", "Guichet!2026")
    await desk_window.open("/agent/factures")
    await desk_window.look("agent-factures")
    gateway.say("GET", "/identity/v1/me", (200, ME | {"role": "administrator", "first_name": "Ada"}))
    await desk_window.page.context.clear_cookies()
    await desk_window.sign_in("ada", "Guichet!2026")
    await desk_window.open(DEAD)
    await desk_window.look("agent-messages-en-echec")
