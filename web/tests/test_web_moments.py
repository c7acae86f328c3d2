"""Bookings and payments on bad days: a line that is cut, a session that ends, forms that no page of ours sends."""

from datetime import timedelta
from typing import Any

import pytest
from chassis import clock
from web.session import NAME

from tests.browsers import Browser, Page
from tests.gateways import BOOKING, BOOKING_LINE, INVOICE, WAITING, Gateway, listed
from tests.screens import Screen

WEEKS, BOOK, CONFIRM, PAY = (
    "/inscriptions/vacances",
    "/enrolment/v1/bookings",
    "/enrolment/v1/bookings/b/confirm",
    "/billing/v1/payments",
)
HELD = BOOKING | {"hold_expires_at": (clock.now() + timedelta(hours=1)).isoformat()}
CONFIRMED = HELD | {"status": "confirmed", "invoice_id": "i", "amount_cents": 8000}
QUOTE = {
    "quote_id": "q",
    "lines": [{"child_id": "tom", "holiday_week_id": "noel", "amount_cents": 8000, "explanation": "quotient 612"}],
    "total_cents": 8000,
}
PAYFIP_DOWN = "Le service de paiement PayFiP ne répond pas. Attendez : ne payez pas deux fois."
#: As the form of a page that shows nothing else.
HOSTILE = ["", "😀" * 50, "<script>alert(1)</script>", "\u202e\u2066abc", "é" * 10_000, "' OR 1=1 --", "../../etc"]


def week(of: str, **changes: Any) -> dict[str, Any]:
    return {
        "id": of,
        "centre": "La Bièvre",
        "name": f"Semaine {of}",
        "group": "6-11 ans",
        "dates": ["2026-12-21", "2026-12-22"],
        "places_left": 5,
        "bookable": True,
        "reason": None,
    } | changes


@pytest.fixture(autouse=True)
def open_town(gateway: Gateway) -> None:
    """Weeks to book, and a booking that is held until it is confirmed."""
    full = week("hiver", dates=["2027-02-08"], places_left=0, bookable=False, reason="Complet : il y a une liste.")
    gateway.say("GET", "/enrolment/v1/holiday-weeks", (200, listed(week("noel"), full)))
    gateway.say("POST", BOOK, (201, HELD))
    gateway.say("GET", f"{BOOK}/b", (200, HELD))
    gateway.say("POST", "/billing/v1/quotes", (201, QUOTE))
    gateway.say("POST", CONFIRM, (200, CONFIRMED))
    gateway.say("POST", PAY, (201, {"redirect_url": "/paiements/p"}))
    gateway.say("GET", f"{PAY}/p", (200, payment("pending")))


def payment(status: str) -> dict[str, Any]:
    return {"id": "p", "status": status, "amount_cents": 8000, "invoice_ids": ["i"], "redirect_url": None}


def keys(gateway: Gateway, path: str) -> set[str]:
    return {call.headers["Idempotency-Key"] for call in gateway.heard("POST", path)}


def is_plain(page: Page) -> None:
    """A page of ours in French, whatever was sent."""
    assert "Espace Familles" in page.title
    assert page.heading
    assert page.status in (200, 403, 404, 409, 413, 422), page.status
    assert "<script>alert" not in page.source
    assert not any(word in page.text for word in ("Traceback", "urn:problem", "Internal Server", "null", "pointer"))


# ---------------------------------------------------------------------- a line that is cut


@pytest.mark.parametrize("cut", [503, 500, 504])
async def test_weeks_whose_answer_was_lost_are_sent_again_under_their_key(
    claire: Browser, gateway: Gateway, cut: int
) -> None:
    gateway.refuse("POST", BOOK, cut)
    page = await claire.submit(await claire.get(WEEKS), WEEKS, ligne=["tom:noel"])
    assert (page.status, page.heading) == (503, "Service momentanément indisponible")
    gateway.say("POST", BOOK, (201, HELD))
    page = await claire.submit(page, WEEKS)
    assert page.heading == "Récapitulatif"
    first, second = gateway.heard("POST", BOOK)
    assert first.body == second.body
    assert len(keys(gateway, BOOK)) == 1


async def test_a_payment_whose_answer_was_lost_is_sent_again_under_its_keys(claire: Browser, gateway: Gateway) -> None:
    """« Payer » cut while confirming, then again while PayFiP opens: one confirmation, one payment."""
    gateway.refuse("POST", CONFIRM, 503)
    page = await claire.submit(await claire.get("/reservations/b"), "/reservations/b/paiement")
    assert page.status == 503
    gateway.say("POST", CONFIRM, (200, CONFIRMED))
    gateway.say("GET", f"{BOOK}/b", (200, CONFIRMED))
    gateway.refuse("POST", PAY, 503, PAYFIP_DOWN)
    page = await claire.submit(page, "/reservations/b/paiement")
    assert (page.status, "ne payez pas deux fois" in page.text) == (503, True)
    gateway.say("POST", PAY, (201, {"redirect_url": "/paiements/p"}))
    page = await claire.submit(page, "/reservations/b/paiement")
    assert page.heading == "Paiement en attente"
    assert (len(gateway.heard("POST", CONFIRM)), len(keys(gateway, CONFIRM))) == (3, 1)
    assert (len(gateway.heard("POST", PAY)), len(keys(gateway, PAY))) == (2, 1)


async def test_an_invoice_is_paid_again_under_its_key_when_payfip_was_down(claire: Browser, gateway: Gateway) -> None:
    gateway.say("GET", "/billing/v1/invoices", (200, listed(INVOICE)))
    gateway.say("GET", "/billing/v1/balance", (200, {"owed_cents": 8000, "deferred_cents": 0, "credit_cents": 0}))
    gateway.refuse("POST", PAY, 503, PAYFIP_DOWN)
    page = await claire.submit(await claire.get("/factures"), "/factures")
    assert PAYFIP_DOWN in page.text
    gateway.say("POST", PAY, (201, {"redirect_url": "/paiements/p"}))
    assert (await claire.submit(page, "/factures")).heading == "Paiement en attente"
    assert len(keys(gateway, PAY)) == 1


async def test_a_phone_without_network_sends_its_ticks_when_it_has_one(family_window: Screen, gateway: Gateway) -> None:
    page = family_window.page
    await family_window.open(WEEKS)
    await page.get_by_label("Tom – La Bièvre").first.check()
    key = await page.locator("input[name=cle]").first.get_attribute("value")
    await page.context.set_offline(True)
    async with page.expect_event("requestfailed"):
        await page.get_by_role("button", name="Valider").click(no_wait_after=True)
    assert not gateway.heard("POST", BOOK)
    await page.context.set_offline(False)
    await page.reload()
    assert await family_window.heading() == "Récapitulatif"
    [asked] = gateway.heard("POST", BOOK)
    assert (asked.headers["Idempotency-Key"], len(asked.body["lines"])) == (key, 1)


async def test_a_session_that_ends_while_weeks_are_ticked_leads_back_to_them(claire: Browser, gateway: Gateway) -> None:
    page = await claire.get(WEEKS)
    sent = page.form(WEEKS) | {"ligne": ["tom:noel"]}
    del claire.cookies[NAME]
    page = await claire.post(WEEKS, sent)
    assert (page.status, gateway.heard("POST", BOOK)) == (401, [])
    page = await claire.submit(page, "/connexion", login="claire", password="Villeneuve!2026")
    assert page.heading == "Reprendre votre saisie"
    page = await claire.submit(page, WEEKS)
    assert page.heading == "Récapitulatif"
    [asked] = gateway.heard("POST", BOOK)
    assert asked.body["lines"] == [{"child_id": "tom", "holiday_week_id": "noel"}]
    assert [asked.headers["Idempotency-Key"]] == sent["cle"]


# ---------------------------------------------------------------------- what PayFiP has not said


@pytest.mark.parametrize(
    ("status", "said"),
    [
        ("uncertain", "Votre place est gardée, ne payez pas deux fois"),
        ("pending", "Votre place est gardée, ne payez pas deux fois"),
        ("failed", "Rien n'a été débité. Votre place reste gardée"),
        ("abandoned", "Rien n'a été débité. Votre place reste gardée"),
        ("succeeded", "votre paiement est enregistré"),
    ],
)
async def test_a_payment_says_what_is_known(claire: Browser, gateway: Gateway, status: str, said: str) -> None:
    gateway.say("GET", f"{PAY}/p", (200, payment(status)))
    page = await claire.get("/paiements/p?idop=forged&result=P")
    assert said in page.text
    pays_again = any(words == "Payer" for words in ("".join(one.itertext()) for one in page.all("button")))
    assert pays_again == (status in ("failed", "abandoned")), "only what is over is paid again"


async def test_a_payment_in_doubt_is_looked_at(family_window: Screen, gateway: Gateway) -> None:
    gateway.say("GET", f"{PAY}/p", (200, payment("uncertain")))
    await family_window.open("/paiements/p")
    await family_window.look("paiement-incertain")


# ---------------------------------------------------------------------- what was changed elsewhere


async def test_a_stale_version_is_said_and_what_is_shown_then_is_taken(claire: Browser, gateway: Gateway) -> None:
    path, now = f"{BOOK}/b/lines", HELD | {"version": 2}
    page = await claire.get(f"{WEEKS}?reservation=b")
    gateway.refuse("PUT", path, 412, "Cette réservation a changé entre-temps : vérifiez, puis recommencez.")
    gateway.say("GET", f"{BOOK}/b", (200, now))
    page = await claire.submit(page, WEEKS)
    assert page.errors == ["Cette réservation a changé entre-temps : vérifiez, puis recommencez."]
    gateway.say("PUT", path, (200, now))
    page = await claire.submit(page, WEEKS)
    assert page.heading == "Récapitulatif"
    assert [call.headers["If-Match"] for call in gateway.heard("PUT", path)] == ['"1"', '"2"']


async def test_a_booking_that_is_no_longer_held_is_shown_and_not_changed(claire: Browser, gateway: Gateway) -> None:
    gateway.say("GET", f"{BOOK}/b", (200, HELD | {"status": "paid"}))
    page = await claire.get(f"{WEEKS}?reservation=b")
    assert (page.path, page.heading) == ("/reservations/b", "Réservation payée")


async def test_a_form_sent_already_and_changed_is_asked_again_under_another_key(
    claire: Browser, gateway: Gateway
) -> None:
    page = await claire.get(WEEKS)
    reused = {"type": "urn:problem:idempotency-key-reused", "detail": ""}
    gateway.say("POST", BOOK, (422, reused), (201, HELD))
    again = await claire.submit(page, WEEKS, ligne=["tom:noel"])
    assert "avait déjà été envoyée" in again.errors[0]
    assert (await claire.submit(again, WEEKS)).heading == "Récapitulatif"
    assert len(keys(gateway, BOOK)) == 2


async def test_waiting_keeps_what_is_ticked(claire: Browser, gateway: Gateway) -> None:
    gateway.say("POST", "/enrolment/v1/waiting-list", (201, WAITING))
    page = await claire.get(WEEKS)
    sent = page.form(WEEKS) | {"ligne": ["tom:noel"], "attendre": "tom:hiver"}
    page = await claire.post(f"{WEEKS}/attente", sent)
    assert page.form(WEEKS)["ligne"] == ["tom:noel"]
    gateway.refuse("POST", "/enrolment/v1/waiting-list", 409, "Vous êtes déjà sur cette liste d'attente.")
    page = await claire.post(f"{WEEKS}/attente", sent)
    assert page.errors == ["Vous êtes déjà sur cette liste d'attente."]
    assert page.form(WEEKS)["ligne"] == ["tom:noel"]


async def test_what_found_no_place_is_named_and_nothing_else(claire: Browser) -> None:
    page = await claire.get("/reservations/b?sans=tom:hiver&sans=tom:<script>&sans=paul:hiver")
    assert "Tom : Semaine hiver, La Bièvre" in page.text
    assert page.text.count("La Bièvre") == 2
    is_plain(page)


# ---------------------------------------------------------------------- forms that no page of ours sends


@pytest.mark.parametrize("hostile", HOSTILE, ids=range(len(HOSTILE)))
async def test_whatever_a_field_holds_the_answer_is_a_page(claire: Browser, gateway: Gateway, hostile: str) -> None:
    """Each field of each form in turn; what the API would refuse of it is refused here as it refuses what it cannot
    read."""
    for path in (BOOK, CONFIRM, PAY, "/enrolment/v1/waiting-list"):
        errors = [{"pointer": "/lines/0/child_id", "detail": "Inconnu."}]
        gateway.refuse("POST", path, 422, "À corriger.", errors=errors)
    gateway.say("GET", "/billing/v1/balance", (200, {"owed_cents": 0, "deferred_cents": 0, "credit_cents": 0}))
    weeks = (await claire.get(WEEKS)).form(WEEKS)
    for path, fields in {
        WEEKS: ["ligne", "reservation", "version", "garder", "cle"],
        f"{WEEKS}/attente": ["attendre", "ligne", "cle"],
        "/reservations/b/paiement": ["devis", "cle"],
        "/reservations/b/annulation": ["ligne"],
        "/factures": ["facture", "cle"],
    }.items():
        for name in fields:
            page = await claire.post(path, weeks | {"ligne": ["tom:noel"]} | {name: hostile})
            is_plain(page)
            token = await claire.post(path, weeks | {"csrf": hostile})
            assert (token.status, token.heading) == (403, "Reprendre votre saisie")


@pytest.mark.parametrize("fields", [{"ligne": [f"tom:{n}" for n in range(1001)]}, {"ligne": "x" * 70_000}])
async def test_too_much_is_refused_before_it_is_read(claire: Browser, gateway: Gateway, fields: dict[str, Any]) -> None:
    page = await claire.post(WEEKS, (await claire.get(WEEKS)).form(WEEKS) | fields)
    assert (page.status, page.heading) == (413, "Envoi trop volumineux")
    assert not gateway.heard("POST", BOOK)


@pytest.mark.parametrize("path", ["/reservations/b/paiement", "/reservations/b/annulation", WEEKS, "/factures"])
async def test_without_cookies_nothing_is_done(claire: Browser, gateway: Gateway, path: str) -> None:
    page = await claire.get(WEEKS)
    sent = page.form(WEEKS) | {"ligne": ["tom:noel"], "devis": "q", "facture": "i"}
    claire.cookies.clear()
    claire.keeps_cookies = False
    gateway.calls.clear()
    assert (await claire.post(path, sent)).heading == "Bienvenue dans l'Espace Familles"
    assert gateway.calls == []


async def test_the_boxes_of_several_children_are_one_tap(claire: Browser, gateway: Gateway) -> None:
    """Without scripts too: the box says each of them, and a line is asked for once."""
    page = await claire.get(WEEKS)
    together = next(one for one in page.all("input") if " " in one.get("value", "") and one.get("name") == "ligne")
    await claire.submit(page, WEEKS, ligne=[together.get("value"), "tom:noel"])
    [asked] = gateway.heard("POST", BOOK)
    assert [one["child_id"] for one in asked.body["lines"]] == ["ines", "tom"]
    assert BOOKING_LINE["holiday_week_id"] == asked.body["lines"][0]["holiday_week_id"]
