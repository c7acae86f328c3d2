"""A family at the desk: found, its page, and what an agent does for it by the pages that families have."""

import re
from typing import Any

import pytest
from chassis import clock
from french.paris import day_in_paris

from tests.browsers import Browser
from tests.gateways import BOOKING, DOSSIER, INVOICE, WAITING, Gateway, listed
from tests.plannings import LATE, PLANNINGS, PRICES, VALIDATE, planning, prices, receipt, refused, row
from tests.screens import Screen

FAMILY = "/agent/dossiers/d"
FOR_THEM = f"{FAMILY}/famille"
MONTH = f"{FOR_THEM}/planning/2026-12"
BOOK, ENROL, WEEKS = "/enrolment/v1/bookings", "/enrolment/v1/enrolments/batch", f"{FOR_THEM}/inscriptions/vacances"
FOUND = {
    "id": "d",
    "number": "100042",
    "status": "active",
    "address": {"street": "3 rue des Lilas", "postcode": "94990", "city": "Villeneuve-sur-Bièvre"},
    "adults": [{"id": "claire", "first_name": "Claire", "last_name": "Moreau"}],
    "children": [{"id": "tom", "first_name": "Tom", "last_name": "Moreau"}],
}
WEEK = {
    "id": "noel",
    "centre": "La Bièvre",
    "name": "Noël",
    "group": "6-11 ans",
    "dates": ["2026-12-21", "2026-12-22"],
    "places_left": 3,
    "bookable": False,
    "reason": "Les réservations de cette semaine sont closes.",
}
ACTIVITY = {
    "id": "cantine",
    "name": "Restauration",
    "kind": "restauration",
    "payment": "monthly",
    "status": "open",
    "open": False,
    "reason_code": "window",
    "reason": "Les inscriptions sont closes.",
}
ENROLMENT = {
    "id": "e",
    "status": "active",
    "child_id": "tom",
    "activity_id": "cantine",
    "school_year": "2026-2027",
    "valid_from": "2026-09-01",
    "valid_to": "2027-08-31",
    "pending": False,
    "usual_week": {"days": ["monday"], "from": "2026-09-01", "to": "2027-08-31", "status": "applied"},
    "applied": None,
}
BALANCE = {"owed_cents": 8000, "deferred_cents": 0, "credit_cents": 250}
ENTRY = {
    "at": "2026-12-01T09:00:00Z",
    "child_first_name": "Tom",
    "activity_name": "Restauration",
    "reserved": ["2026-12-03"],
    "cancelled": [],
    "by": "family",
    "name": "Claire Moreau",
    "reason": None,
}


@pytest.fixture(autouse=True)
def family(gateway: Gateway) -> None:
    gateway.say("GET", "/dossier/v1/dossiers", (200, listed(FOUND)))
    gateway.say("GET", "/dossier/v1/dossiers/d", (200, DOSSIER))
    gateway.say("GET", "/enrolment/v1/activities", (200, listed(ACTIVITY)))
    gateway.say("GET", "/enrolment/v1/enrolments", (200, listed(ENROLMENT)))
    gateway.say("GET", "/enrolment/v1/holiday-weeks", (200, listed(WEEK)))
    gateway.say("GET", "/billing/v1/balance", (200, BALANCE))
    gateway.say("GET", f"{PLANNINGS}/history", (200, listed(ENTRY)))
    gateway.say("GET", PLANNINGS, (200, planning(row("tom", "cantine", 8))))
    gateway.say("GET", PRICES, (200, prices("tom")))


def bodies(gateway: Gateway, path: str) -> list[Any]:
    return [call.body for call in gateway.heard("POST", path)]


def asked(gateway: Gateway, path: str) -> set[str | None]:
    """For which dossiers."""
    return {call.query.get("dossier_id") for call in gateway.heard("GET", path)}


async def test_a_family_is_found_from_the_home_page(agent: Browser, gateway: Gateway) -> None:
    page = await agent.get("/agent")
    [search] = [one for one in page.all("input") if one.get("name") == "q"]
    assert search.get("autofocus") is not None
    page = await agent.get("/agent/dossiers?q=moreau+lilas")
    assert gateway.heard("GET", "/dossier/v1/dossiers")[0].query["q"] == "moreau lilas"
    assert page.links()["100042"] == FAMILY
    assert "Claire Moreau" in page.text
    assert "3 rue des Lilas, 94990 Villeneuve-sur-Bièvre" in page.text


async def test_all_that_concerns_a_family_is_on_one_page(agent: Browser, gateway: Gateway) -> None:
    gateway.say("GET", BOOK, (200, listed(BOOKING | {"status": "paid", "amount_cents": 8000})))
    gateway.say("GET", "/enrolment/v1/waiting-list", (200, listed(WAITING)))
    gateway.say("GET", "/billing/v1/invoices", (200, listed(INVOICE)))
    page = await agent.get(FAMILY)
    assert page.heading == "Famille Moreau"
    text = page.text.replace("\xa0", " ").replace("\u202f", " ")
    for said in (
        "Dossier 100042",
        "claire@example.org",
        "École Jean Jaurès",
        "612 (CAF)",
        "80,00 €",
        "2,50 €",
        "lundi",
        "rang 3",
        "Restauration – Tom",
        "par la famille (Claire Moreau)",
    ):
        assert said in text, said
    assert page.links()["Modifier : quotient familial"] == f"{FAMILY}/quotient"
    for path in (BOOK, "/enrolment/v1/enrolments", "/billing/v1/invoices", "/billing/v1/balance", PLANNINGS):
        assert asked(gateway, path) == {"d"}, path
    assert gateway.heard("GET", PLANNINGS)[0].query["month"] == f"{day_in_paris(clock.now()):%Y-%m}"
    assert not gateway.heard("GET", "/dossier/v1/dossiers/mine")


async def test_a_guardian_without_account_is_invited_by_a_letter(agent: Browser, gateway: Gateway) -> None:
    assert "Inviter par courrier" not in (await agent.get(FAMILY)).source
    [adult] = DOSSIER["adults"]
    gateway.say("GET", "/dossier/v1/dossiers/d", (200, DOSSIER | {"adults": [adult | {"has_account": False}]}))
    invite = "/identity/v1/dossiers/d/invitation"
    gateway.say("POST", invite, (201, {"items": []}))
    page = await agent.get(FAMILY)
    page = await agent.submit(page, f"{FAMILY}/invitation", guardian_id=adult["id"])
    assert bodies(gateway, invite) == [{"guardian_id": adult["id"]}]
    assert page.links()["lettres à imprimer"] == "/agent/lettres"


async def test_a_service_that_is_down_takes_its_part_alone_and_an_unknown_family_is_no_page(
    agent: Browser, gateway: Gateway
) -> None:
    gateway.refuse("GET", "/billing/v1/invoices", 503)
    gateway.refuse("GET", PLANNINGS, 500)
    page = await agent.get(FAMILY)
    assert (page.status, page.text.count("ne répond pas pour le moment")) == (200, 2)
    gateway.refuse("GET", "/dossier/v1/dossiers/x", 404)
    for path in ("/agent/dossiers/x", "/agent/dossiers/x/famille/planning/2026-12", "/agent/dossiers/a%2Fb"):
        assert (await agent.get(path)).status == 404, path


async def test_no_family_acts_by_the_desks_pages(claire: Browser, gateway: Gateway) -> None:
    for path in (FAMILY, f"{FOR_THEM}/planning/2026-12", WEEKS):
        assert (await claire.get(path)).status == 403, path
    assert not gateway.calls


# ---------------------------------------------------------------------- acting for it


async def test_the_family_is_named_above_each_page_and_its_links_stay_with_it(agent: Browser) -> None:
    for path in (
        "/inscriptions",
        "/inscriptions/activites/restauration",
        "/inscriptions/vacances",
        "/planning/2026-12",
    ):
        page = await agent.get(FOR_THEM + path)
        assert page.status == 200, path
        [banner] = page.all("aside")
        assert "Moreau" in "".join(banner.itertext())
        assert page.links()["Terminer"] == FAMILY
        within = [
            one for one in page.links().values() if re.match("/(planning|inscriptions|reservations|factures)", one)
        ]
        assert not within, path
        actions = [one.get("action", "") for one in page.all("form") if one.get("action") != "/deconnexion"]
        assert all(one.startswith(FOR_THEM) for one in actions), path


async def test_a_day_past_its_deadline_is_reserved_with_a_reason(agent: Browser, gateway: Gateway) -> None:
    page = await agent.get(f"{MONTH}/modifier")
    assert "brouillon" not in page.source
    page = await agent.submit(page, f"{MONTH}/modifier", l0=["3", "8"], faire="verifier")
    assert "jeudi 3" in page.text
    gateway.say("POST", VALIDATE, refused("a", c0=LATE), (200, receipt([3])))
    page = await agent.submit(page, f"{MONTH}/modifier", faire="valider")
    assert page.errors == [f"jeudi 3 décembre 2026 : {LATE}".replace(" :", "\xa0:")] or LATE in page.errors[0]
    page = await agent.submit(page, f"{MONTH}/modifier", faire="valider", motif="Panne du site, vue avec la mairie")
    assert page.heading == "Votre planning de décembre 2026 est enregistré"
    first, second = bodies(gateway, VALIDATE)
    assert [one["date"] for one in first["changes"]] == ["2026-12-03"]
    assert (first["dossier_id"], "override_reason" in first) == ("d", False)
    assert second["override_reason"] == "Panne du site, vue avec la mairie"
    keys = [call.headers["Idempotency-Key"] for call in gateway.heard("POST", VALIDATE)]
    assert len(set(keys)) == 2


async def test_what_cannot_be_passed_over_is_refused_as_for_a_family(agent: Browser, gateway: Gateway) -> None:
    page = await agent.get(f"{MONTH}/modifier")
    page = await agent.submit(page, f"{MONTH}/modifier", l0=["3", "7", "8"], faire="verifier")
    gateway.say("POST", VALIDATE, refused("a", c1="Complet."), (200, receipt([3])))
    page = await agent.submit(page, f"{MONTH}/modifier", faire="valider", motif="Une raison")
    assert "Complet." in page.errors[0]
    page = await agent.submit(page, f"{MONTH}/modifier", l0=["3", "8"], faire="valider")
    assert page.heading == "Votre planning de décembre 2026 est enregistré"
    assert bodies(gateway, VALIDATE)[1] | {"month": ""} == {
        "month": "",
        "changes": [{"child_id": "tom", "activity_id": "cantine", "date": "2026-12-03", "reserve": True}],
        "dossier_id": "d",
        "override_reason": "Une raison",
        "attempt_id": "a",
    }


async def test_what_was_chosen_for_one_family_is_nothing_for_another(agent: Browser, gateway: Gateway) -> None:
    page = await agent.submit(await agent.get(f"{MONTH}/modifier"), f"{MONTH}/modifier", l0=["3"], faire="verifier")
    assert "jeudi 3" in page.text
    sealed = page.path.partition("?")[2]
    gateway.say("GET", "/dossier/v1/dossiers/other", (200, DOSSIER | {"id": "other"}))
    elsewhere = "/agent/dossiers/other/famille/planning/2026-12"
    page = await agent.get(f"{elsewhere}/verification?{sealed}")
    assert page.path == f"{elsewhere}/modifier"
    gateway.say("GET", f"{BOOK}/b", (200, BOOKING))
    gateway.say("GET", "/billing/v1/invoices/i", (200, INVOICE))
    gateway.say("POST", "/billing/v1/quotes", (201, {"quote_id": "q", "lines": [], "total_cents": 0}))
    for path in ("/reservations/b", "/factures/i"):
        assert (await agent.get(FOR_THEM + path)).status == 200, path
        assert (await agent.get(f"/agent/dossiers/other/famille{path}")).status == 404, path


async def test_a_week_is_booked_past_its_deadline_and_payable_for_days(agent: Browser, gateway: Gateway) -> None:
    page = await agent.get(WEEKS)
    assert "closes" in page.text
    closed = {"type": "urn:problem:enrolment:not-eligible", "title": "", "detail": "Non."}
    errors = [{"pointer": "/lines/0", "detail": "Les réservations de cette semaine sont closes."}]
    late = BOOKING | {"hold_expires_at": "2999-12-01T09:00:00Z"}
    gateway.say("POST", BOOK, (409, closed | {"errors": errors}), (201, late))
    gateway.say("GET", f"{BOOK}/b", (200, late))
    gateway.say("POST", "/billing/v1/quotes", (201, {"quote_id": "q", "lines": [], "total_cents": 8000}))
    page = await agent.submit(page, WEEKS, ligne=["tom:noel"], pay_by="")
    assert page.errors == ["Les réservations de cette semaine sont closes."]
    page = await agent.submit(page, WEEKS, ligne=["tom:noel"], motif="Accord du directeur", pay_by="nonsense")
    assert "Indiquez une date" in page.errors[0]
    page = await agent.submit(page, WEEKS, ligne=["tom:noel"], motif="Accord du directeur", pay_by="2026-12-15")
    assert (page.path, page.heading) == (f"{FOR_THEM}/reservations/b", "Récapitulatif")
    first, second = bodies(gateway, BOOK)
    lines = [{"child_id": "tom", "holiday_week_id": "noel"}]
    assert first == {"lines": lines, "keep_available": False, "dossier_id": "d"}
    assert second == first | {"override_reason": "Accord du directeur", "pay_by": "2026-12-15T22:59:00+00:00"}
    assert bodies(gateway, "/billing/v1/quotes")[0]["dossier_id"] == "d"
    gateway.say("POST", f"{BOOK}/b/confirm", (202, late))
    gateway.say("GET", f"{BOOK}/b", (200, late | {"status": "confirmed", "invoice_id": "i"}))
    page = await agent.submit(page, f"{FOR_THEM}/reservations/b/paiement")
    assert page.heading == "Réservation à payer"
    assert page.links()["Voir la facture"] == f"{FOR_THEM}/factures/i"
    assert not gateway.heard("POST", "/billing/v1/payments")


async def test_a_child_is_enrolled_though_the_window_is_closed(agent: Browser, gateway: Gateway) -> None:
    path = f"{FOR_THEM}/inscriptions/activites/restauration"
    page = await agent.get(path)
    no = {"child_id": "tom", "enrolment": None, "problem": {"detail": "Les inscriptions sont closes."}}
    yes = {"child_id": "tom", "enrolment": ENROLMENT, "problem": None}
    gateway.say("POST", ENROL, (200, {"results": [no]}), (200, {"results": [yes]}))
    page = await agent.submit(page, path, enfant=["tom"])
    assert page.errors == ["Les inscriptions sont closes."]
    page = await agent.submit(page, path, enfant=["tom"], motif="Arrivés cette semaine")
    assert page.path == f"{FOR_THEM}/inscriptions?inscrit"
    first, second = bodies(gateway, ENROL)
    assert (first["dossier_id"], "override_reason" in first) == ("d", False)
    assert second["override_reason"] == "Arrivés cette semaine"


async def test_an_enrolment_is_changed_and_ended_for_the_family(agent: Browser, gateway: Gateway) -> None:
    one = "/enrolment/v1/enrolments/e"
    gateway.say("GET", one, (200, ENROLMENT))
    gateway.say("PUT", f"{one}/usual-week", (202, ENROLMENT))
    gateway.say("DELETE", one, (202, ENROLMENT))
    path = f"{FOR_THEM}/inscriptions/annee/e"
    page = await agent.get(path)
    page = await agent.submit(page, f"{path}/semaine-type", jour=["friday"])
    assert page.path == path
    [said] = gateway.heard("PUT", f"{one}/usual-week")
    assert (said.body["days"], said.body["dossier_id"]) == (["friday"], "d")
    await agent.submit(page, f"{path}/fin", depuis="2027-01-04")
    assert gateway.heard("DELETE", one)[0].query == {"from": "2027-01-04", "dossier_id": "d"}


async def test_a_familys_page_at_the_desk_in_a_browser(desk_window: Screen, gateway: Gateway) -> None:
    gateway.say("GET", BOOK, (200, listed(BOOKING)))
    gateway.say("GET", "/billing/v1/invoices", (200, listed(INVOICE)))
    await desk_window.open("/agent/dossiers?q=moreau")
    await desk_window.look("agent-recherche")
    await desk_window.open(FAMILY)
    await desk_window.look("agent-famille")
    await desk_window.open(WEEKS)
    await desk_window.look("agent-vacances")
    gateway.say("POST", VALIDATE, refused("a", c0=LATE))
    await desk_window.open(f"{MONTH}/modifier")
    await desk_window.page.locator("label.late input").first.check()
    await desk_window.look()
    await desk_window.press("Valider")
    await desk_window.press("Valider")
    await desk_window.look("agent-passer-outre")
    await desk_window.open(f"{FOR_THEM}/inscriptions/activites/restauration")
    await desk_window.look()
