"""A day at the desk on a whole stack: in by the second factor, a family found, booked and enrolled for."""

from collections.abc import AsyncIterator
from datetime import timedelta

import aiohttp
import pytest
from french.paris import PARIS
from identity.second_factor import STEP_S, totp

from deploy.local.portal import until
from deploy.local.stack import Stack
from tests.actors import STAFF_PASSWORD, TOTP_SECRET, Clock, Family
from tests.browsers import Browser, Page


@pytest.fixture
async def desk(stack: Stack, moving_clock: Clock) -> AsyncIterator[Browser]:
    """A browser of an agent who has signed in: a code is good once, so the clock moves to the next."""
    moving_clock.advance(seconds=31)
    async with aiohttp.ClientSession(cookie_jar=aiohttp.DummyCookieJar()) as client:
        browser = Browser(client, stack.web)
        page = await browser.get("/connexion")
        page = await browser.submit(page, "/connexion", login="agent", password=STAFF_PASSWORD)
        code = totp(TOTP_SECRET, int(moving_clock.now().timestamp()) // STEP_S)
        page = await browser.submit(page, "/connexion/code", otp=code)
        assert page.path == "/agent", page.text
        yield browser


def boxes(page: Page, name: str) -> list[str]:
    return [one.get("value", "") for one in page.all("input") if one.get("name") == name]


async def test_an_agent_finds_a_family_and_acts_for_it(desk: Browser, family: Family, moving_clock: Clock) -> None:
    found = await desk.get(f"/agent/dossiers?q={family.guardian.number}")
    theirs = found.links()[family.guardian.number]
    whole = await desk.get(theirs)
    assert f"Dossier {family.guardian.number}" in whole.text
    assert "Ouvert" in whole.text, "whose account is open is said"
    assert whole.text.count("ne répond pas pour le moment") == 0

    weeks = f"{theirs}/famille/inscriptions/vacances"
    page = await desk.get(weeks)
    child_id, week_id = await family.line(week=-1)
    box = f"{child_id}:{week_id}"
    assert box in boxes(page, "ligne")
    pay_by = (moving_clock.now().astimezone(PARIS) + timedelta(days=2)).date()
    page = await desk.submit(page, weeks, ligne=[box], pay_by=str(pay_by))
    assert page.heading == "Récapitulatif", page.text
    page = await desk.submit(page, f"{page.path.partition('?')[0]}/paiement")
    booking = page.path.rpartition("/")[2]

    async def billed() -> bool | None:
        return "Voir la facture" in (await desk.get(page.path)).links() or None

    await until(billed, "the invoice is there")
    [booked] = [one for one in (await family.portal.get("/enrolment/v1/bookings"))["items"] if one["id"] == booking]
    assert booked["pay_by"].startswith(str(pay_by))
    assert "À payer" in (await desk.get(theirs)).text

    enrol = f"{theirs}/famille/inscriptions/activites/restauration"
    page = await desk.get(enrol)
    form = next(one for one in page.all("form") if one.get("action") == enrol)
    asked = {"enfant": [child_id], "motif": "Arrivée en cours d'année"}
    page = await desk.post(enrol, page.form_of(form) | asked)
    assert page.path == f"{theirs}/famille/inscriptions?inscrit", page.text
    [enrolment] = (await family.portal.get(f"/enrolment/v1/enrolments?child_id={child_id}"))["items"]
    assert enrolment["override_reason"] == "Arrivée en cours d'année"
    assert "Restauration" in (await desk.get(theirs)).text
