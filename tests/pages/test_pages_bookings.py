"""« Inscriptions en paiement immédiat », from the ticks to PayFiP and back, on a phone; and what goes wrong."""

import pytest

from deploy.local.stack import Stack
from tests.actors import PASSWORD, Clock, Family
from tests.screens import Screen, Screens

BOX = "input[name=ligne]:not(:checked)"


@pytest.fixture
async def phone(stack: Stack, screens: Screens, family: Family) -> Screen:
    opened = await screens.open(stack.web)
    await opened.sign_in(family.guardian.username, PASSWORD)
    return opened


async def to_the_weeks(phone: Screen) -> None:
    await phone.press("Inscription")
    await phone.press("Choisir des semaines de vacances")
    assert await phone.heading() == "Inscriptions en paiement immédiat"


async def hold(phone: Screen, boxes: int = 1) -> None:
    """A summary of that many weeks, each in days of its own."""
    await to_the_weeks(phone)
    weeks = phone.page.locator("details.week").filter(has=phone.page.locator(BOX))
    for n in range(boxes):
        await weeks.nth(n).locator(BOX).first.check()
    await phone.press("Valider")
    assert await phone.heading() == "Récapitulatif", await phone.text()


async def at_payfip(phone: Screen, button: str) -> None:
    await phone.page.get_by_role("button", name=button).click()
    await phone.page.wait_for_url("**/paiements/**")


@pytest.mark.parametrize("scripts", [True, False])
async def test_weeks_are_ticked_summed_up_and_paid(
    stack: Stack, screens: Screens, family: Family, scripts: bool
) -> None:
    phone = await screens.open(stack.web, scripts=scripts)
    await phone.sign_in(family.guardian.username, PASSWORD)
    await to_the_weeks(phone)
    await phone.look("inscriptions-vacances")
    await phone.press("Valider")
    assert "Cochez au moins une semaine." in await phone.text()
    await phone.look("inscriptions-vacances-erreur")
    await hold(phone, 2)
    text = await phone.text()
    assert "Vos places sont gardées jusqu'à" in text
    assert "Total" in text
    await phone.look("recapitulatif")
    await phone.press("Modifier")
    await phone.look("inscriptions-vacances-modifier")
    await phone.page.locator("input[name=ligne]:checked").first.uncheck()
    await phone.press("Valider")
    assert await phone.heading() == "Récapitulatif"
    await phone.press("Payer")
    await at_payfip(phone, "Payer")
    await shown(phone, "Paiement enregistré")
    await phone.look("paiement-enregistre")
    await phone.press("Voir la facture")
    await phone.look("facture")
    await phone.press("Revenir aux factures")
    assert "Vous n'avez rien à payer." in await phone.text()
    await phone.look("factures")
    await phone.press("Inscription")
    assert "Payée" in await phone.text()
    await phone.look("inscriptions")


async def shown(phone: Screen, heading: str) -> None:
    """That page, reloaded until it says so."""
    for _ in range(100):
        if await phone.heading() == heading:
            return
        await phone.page.reload()
    raise AssertionError(await phone.text())


async def test_a_payment_refused_or_abandoned_is_begun_again(phone: Screen) -> None:
    await hold(phone)
    await phone.press("Payer")
    await at_payfip(phone, "Refuser")
    await shown(phone, "Paiement refusé")
    await phone.look("paiement-refuse")
    await phone.press("Payer")
    await at_payfip(phone, "Abandonner")
    await shown(phone, "Paiement abandonné")
    await phone.look("paiement-abandonne")
    await phone.press("Facturation")
    await phone.look("factures-a-payer")
    await phone.press("Payer")
    await at_payfip(phone, "Payer")
    await shown(phone, "Paiement enregistré")


async def test_a_hold_that_runs_out_on_the_summary_is_said(phone: Screen, moving_clock: Clock) -> None:
    await hold(phone)
    moving_clock.advance(minutes=21)
    await phone.press("Payer")
    assert await phone.heading() == "Réservation expirée", await phone.text()
    await phone.look("reservation-expiree")


async def test_two_tabs_and_the_back_button_pay_once(phone: Screen, family: Family) -> None:
    await hold(phone)
    twin = await phone.page.context.new_page()
    await twin.goto(phone.page.url)
    await phone.press("Payer")
    there = phone.page.url
    await twin.get_by_role("button", name="Payer", exact=True).click()
    await twin.wait_for_load_state()
    assert "Payer" in await twin.inner_text("body")
    await at_payfip(phone, "Payer")
    await shown(phone, "Paiement enregistré")
    await phone.page.go_back()
    await phone.page.go_back()
    assert there
    [booking] = (await family.portal.get("/enrolment/v1/bookings"))["items"]
    assert booking["status"] == "paid"
    await twin.close()


async def test_a_place_is_left_and_the_family_told_on_which_terms(phone: Screen) -> None:
    await hold(phone)
    await phone.press("Payer")
    await at_payfip(phone, "Payer")
    await shown(phone, "Paiement enregistré")
    await phone.press("Inscription")
    await phone.page.get_by_role("link", name="Voir la réservation").first.click()
    await phone.page.locator("summary", has_text="Annuler").click()
    await phone.page.get_by_role("button", name="Annuler cette semaine").click()
    await phone.page.wait_for_load_state()
    assert await phone.heading() == "Réservation annulée", await phone.text()
    await phone.look("reservation-annulee")


async def test_a_foreign_booking_is_no_page(phone: Screen) -> None:
    for path in ("/reservations/0190b5a0-0000-7000-8000-000000000000", "/reservations/..%2f..", "/factures/x"):
        await phone.open(path)
        assert await phone.heading() == "Page introuvable"


async def test_what_was_forged_is_refused_in_words(phone: Screen) -> None:
    await to_the_weeks(phone)
    await phone.page.locator(BOX).first.evaluate("box => { box.value = 'x'; box.checked = true }")
    await phone.press("Valider")
    assert "Un point est à corriger" in await phone.text() or "Plusieurs points" in await phone.text()
