"""The moments that decide whether a family comes back: few taps, a full week, PayFiP in doubt, and forms that lie."""

import re
from collections import deque
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import aiohttp
import asyncpg
import pytest
from french.paris import PARIS
from web.pages import ROUTES

from deploy.local.portal import Portal, until
from deploy.local.stack import Stack
from tests.actors import PASSWORD, Clock, Family, Others
from tests.browsers import Browser
from tests.browsers import Page as Read
from tests.conftest import NewFamily
from tests.screens import Screen, Screens

WEEKS = "/inscriptions/vacances"
ROOT = Path(__file__).parents[2]
#: What no link of a page leads to.
BY_MAIL = {"/activation", "/mot-de-passe", "/courriel"}
#: To be saved, not shown.
FILES = {"/donnees-personnelles/copie"}
AFTER_A_FORM = {
    "/connexion",
    "/connexion/code",
    "/paiements/{payment_id}",
    "/planning/{month}/verification",
    "/planning/{month}/recu",
    "/calendriers/{secret}.ics",
    "/dossier/documents/{document_id}",
    "/demande-de-dossier/envoyee",
}


@asynccontextmanager
async def signed_in(stack: Stack, family: Family) -> AsyncIterator[Browser]:
    """A browser without scripts, of that family."""
    async with aiohttp.ClientSession(cookie_jar=aiohttp.DummyCookieJar()) as client:
        browser = Browser(client, stack.web)
        page = await browser.get("/connexion")
        await browser.submit(page, "/connexion", login=family.guardian.username, password=PASSWORD)
        yield browser


async def phone_of(family: Family, stack: Stack, screens: Screens) -> Screen:
    phone = await screens.open(stack.web)
    await phone.sign_in(family.guardian.username, PASSWORD)
    return phone


async def until_it_says(phone: Screen, heading: str) -> None:
    """The page, reloaded until its heading is that."""
    for _ in range(200):
        if await phone.heading() == heading:
            return
        await phone.page.reload()
    raise AssertionError(await phone.text())


async def pay_there(phone: Screen) -> None:
    """« Payer » on PayFiP's page, and back."""
    await phone.page.get_by_role("button", name="Payer").click()
    await phone.page.wait_for_url("**/paiements/**")


async def test_two_children_and_four_weeks_in_eight_actions(
    stack: Stack, screens: Screens, new_family: NewFamily
) -> None:
    """From home to PayFiP's « Payer », which is the eighth: eight weeks in all, four for each child."""
    for _ in range(12):  # a family whose children are both of an age for it, in four weeks
        family = await new_family()
        phone = await phone_of(family, stack, screens)
        await phone.open(WEEKS)
        weeks = phone.page.locator("details[open]").filter(has=phone.page.locator("input[data-all]"))
        if len(family.guardian.children) == 2 and await weeks.count() >= 4:
            break
    else:
        raise AssertionError("no such family")
    await phone.open("/")
    actions = 0

    await phone.press("Inscriptions en paiement immédiat")
    actions += 1
    await phone.look("inscriptions-vacances-ensemble")
    for n in range(4):
        await weeks.nth(n).locator("input[data-all]").first.check()
        actions += 1
    await phone.press("Valider")
    actions += 1
    assert await phone.heading() == "Récapitulatif", await phone.text()
    await phone.press("Payer")
    actions += 1
    await pay_there(phone)
    actions += 1
    await until_it_says(phone, "Paiement enregistré")
    assert actions <= 8
    [booking] = (await family.portal.get("/enrolment/v1/bookings"))["items"]
    assert booking["status"] == "paid"
    assert {line["child_id"] for line in booking["lines"]} == set(family.guardian.children)
    assert len(booking["lines"]) == 8


async def test_a_full_week_is_left_out_in_one_tap_waited_for_offered_by_mail_and_paid(
    stack: Stack,
    screens: Screens,
    family: Family,
    agent: Portal,
    last_week: tuple[str, str],
    enrolment_database: asyncpg.Connection,
) -> None:
    await family.sign_in_again()
    (child, full), others = last_week, Others(agent, enrolment_database, family.dossier_id)
    _, free = await family.line()
    phone = await phone_of(family, stack, screens)
    page = phone.page
    await phone.open(WEEKS)
    for week in (free, full):
        await page.evaluate("id => { document.getElementById(id).closest('details').open = true }", f"{child}:{week}")
        await page.check(f"[id='{child}:{week}']")
    theirs = await others.book(full)
    await phone.press("Valider")
    beside = page.locator(".offer.wrong")
    assert await beside.locator("input").first.get_attribute("value") == f"{child}:{full}"
    assert "place" in await beside.locator(".error").inner_text()
    assert await page.evaluate("document.activeElement.id") == "erreurs"
    await phone.look("inscriptions-vacances-complet")

    await phone.press("Réserver les semaines disponibles")
    assert await phone.heading() == "Récapitulatif"
    [booking] = (await family.portal.get("/enrolment/v1/bookings"))["items"]
    assert [line["holiday_week_id"] for line in booking["lines"]] == [free]
    left_out = await page.inner_text(".notice.warning")
    [named] = [one for one in await family.portal.holiday_weeks(child) if one["id"] == full]
    assert named["name"] in left_out
    assert named["centre"] in left_out
    await phone.look("recapitulatif-sans-une-semaine")

    await phone.press("liste d'attente")
    await page.evaluate("id => { document.getElementById(id).closest('details').open = true }", f"{child}:{full}")
    await page.locator(f"button[name=attendre][value='{child}:{full}']").click()
    await page.wait_for_url("**/inscriptions?attente")
    assert "Vous êtes sur la liste d’attente" in await phone.text()
    await phone.look("liste-attente")

    await agent.cancel(theirs)
    mail = await family.portal.mail(family.guardian.email, "une place est gardée pour vous")
    [link] = re.findall(rf"{re.escape(stack.web)}\S+", mail["text"])
    await phone.open(link.removeprefix(stack.web))
    assert "Une place est proposée à" in await phone.text()
    await phone.look("place-proposee")
    await phone.press("Réserver cette place")
    assert await phone.heading() == "Récapitulatif"
    await phone.press("Payer")
    await pay_there(phone)
    await until_it_says(phone, "Paiement enregistré")

    for one in await family.portal.mails(family.guardian.email):
        for found in re.findall(rf"{re.escape(stack.web)}\S+", one["text"]):
            answer = await page.context.request.get(found)
            assert answer.status == 200, (one["subject"], found)


async def test_payfip_that_is_down_then_in_doubt_takes_one_booking_and_one_payment(
    stack: Stack, screens: Screens, family: Family, moving_clock: Clock
) -> None:
    phone = await phone_of(family, stack, screens)
    await phone.open(WEEKS)
    await phone.page.locator("details[open] input[name=ligne]").first.check()
    await phone.press("Valider")
    faults = f"{stack.payfip}/sandbox/faults"
    control = phone.page.context.request
    try:
        await control.post(faults, data={"operation": "creerPaiementSecurise", "fault": "http_500"})
        await phone.press("Payer")
        assert await phone.heading() == "Service momentanément indisponible"
        text = await phone.text()
        assert "ne payez pas deux fois" in text
        assert "Votre place est gardée" in text
        await phone.look("payfip-indisponible")
        await control.delete(faults)
        await phone.press("Envoyer de nouveau")
        await control.post(faults, data={"operation": "recupererDetailPaiementSecurise", "fault": "http_500"})
        await pay_there(phone)
        assert "Votre place est gardée, ne payez pas deux fois" in await phone.text()
        moving_clock.advance(minutes=21)
        await until_it_says(phone, "Paiement en cours de vérification")
        assert "Votre place est gardée, ne payez pas deux fois" in await phone.text()
    finally:
        await control.delete(faults)
    moving_clock.advance(minutes=60)
    await until_it_says(phone, "Paiement enregistré")
    await family.sign_in_again()
    [booking] = (await family.portal.get("/enrolment/v1/bookings"))["items"]
    [invoice] = (await family.portal.get("/billing/v1/invoices"))["items"]
    assert (booking["status"], invoice["status"], invoice["due_cents"]) == ("paid", "settled", 0)
    assert (await family.portal.balance())["credit_cents"] == 0


async def test_forms_that_lie_get_a_page_and_change_nothing(stack: Stack, new_family: NewFamily) -> None:
    family, other = await new_family(), await new_family()
    mine, theirs = await family.line(), await other.line()
    foreign = await other.portal.book([theirs])
    quote, billed = await other.portal.quote([theirs]), await other.billed(await other.line(week=1))
    held = await family.portal.book([mine])
    ok, nobodys = ":".join(await family.line(week=1)), "0190b5a0-0000-7000-8000-000000000000"
    booked, change = f"/reservations/{held['id']}", {"reservation": held["id"], "ligne": ":".join(mine)}

    async def state() -> list[object]:
        said: list[object] = []
        for one in (family, other):
            said.append((await one.portal.get("/enrolment/v1/bookings"))["items"])
            said.append((await one.portal.get("/billing/v1/invoices"))["items"])
            said.append((await one.portal.get("/enrolment/v1/waiting-list"))["items"])
        return said

    before = await state()
    many = [f"{family.guardian.children[0]}:0190b5a0-0000-7000-8000-{n:012}" for n in range(21)]
    async with signed_in(stack, family) as browser:

        async def sent(path: str, **fields: str | list[str]) -> Read:
            shown = await browser.get(WEEKS)
            page = await browser.post(path, shown.form(WEEKS) | fields)
            assert "Espace Familles" in page.title
            assert "momentanément" not in page.text, (path, fields, page.text)
            assert not re.search("urn:|uuid|null|pointer|string|field|input", page.text, re.IGNORECASE), page.text
            return page

        for lines in ([], ["x"], ["😀:😀"], ["<script>:\u202e"], [f"{nobodys}:{nobodys}"], [":".join(theirs)], many):
            assert (await sent(WEEKS, ligne=lines)).status in (404, 409, 422), lines
        assert (await sent(WEEKS, ligne=[f"x:{n}" for n in range(1001)])).status == 413
        assert (await sent(WEEKS, ligne=ok, cle="é" * 300, csrf="x")).status == 403
        for version in ("", "x", "99", "9" * 60):
            stale = await sent(WEEKS, **change, version=version)
            assert stale.status == 422, stale.text
            assert stale.errors
        for forged in (foreign["id"], nobodys, "..", "x"):
            assert (await sent(WEEKS, ligne=ok, reservation=forged, version="1")).heading == "Page introuvable"
            assert (await sent(f"/reservations/{forged}/paiement", devis=quote["quote_id"])).status in (404, 405)
            assert (await sent(f"/reservations/{forged}/annulation")).status in (404, 405)
            assert (await sent(f"/inscriptions/attente/{forged}/reserver")).status in (404, 405)
        for devis in ("", "x", "😀"):
            assert (await sent(f"{booked}/paiement", devis=devis)).status in (404, 409, 422), devis
        for position in ("7", "999"):
            assert (await sent(f"{booked}/annulation", ligne=position)).status in (404, 409, 422), position
        for facture in ("", "x", nobodys, billed["invoice_id"], "<script>"):
            assert (await sent("/factures", facture=facture)).status in (404, 422), facture
        for waits in ("", "x", f"{nobodys}:{nobodys}", ":".join(theirs), ok):
            assert (await sent(f"{WEEKS}/attente", attendre=waits)).status in (404, 409, 422), waits
        for path in ("/paiements/", "/reservations/", "/factures/"):
            for none in (nobodys, foreign["id"], billed["invoice_id"], "x"):
                assert (await browser.get(path + none)).status == 404
        assert await state() == before
        # The control: the same form, as the page made it, is taken.
        page = await browser.submit(await browser.get(booked), f"{booked}/annulation")
        assert page.heading == "Réservation annulée"


async def test_every_screen_is_within_three_taps(stack: Stack, family: Family, moving_clock: Clock) -> None:
    """And no link leads nowhere. Before signing in, what it takes to have an account; then from home, all else."""
    await family.billed()
    activities = (await family.portal.get(f"/enrolment/v1/activities?child_id={family.guardian.children[0]}"))["items"]
    yearly = next(one for one in activities if one["open"])
    asked = {"child_id": family.guardian.children[0], "activity_id": yearly["id"]}
    enrolment = await family.portal.post("/enrolment/v1/enrolments", asked)

    async def applied() -> bool | None:
        items = (await family.portal.get("/enrolment/v1/enrolments"))["items"]
        return None if any(one["pending"] for one in items if one["id"] == enrolment["id"]) else True

    await until(applied, "the enrolment is in the planning")
    month = f"{moving_clock.now().astimezone(PARIS):%Y-%m}"
    rows = (await family.portal.get(f"/planning/v1/plannings?month={month}"))["rows"]
    nothing_to_change = not any(cell["can_change"] for row in rows for cell in row["cells"])
    async with signed_in(stack, family) as browser:
        reached = await taps_from(browser, "/")
    async with aiohttp.ClientSession(cookie_jar=aiohttp.DummyCookieJar()) as client:
        reached |= await taps_from(Browser(client, stack.web), "/connexion")
    families = [route for route in ROUTES if not route.path.startswith("/agent")]
    shown = {route.path: route.path_regex for route in families if "GET" in (route.methods or ())}
    missing = {path for path, known in shown.items() if not any(known.match(one) for one in reached)}
    registration = {path for path in missing if path.startswith("/inscrivez-vous/")}  # one after the other
    # At a month's end, or in the holidays, it may have no day that could still be changed.
    unchangeable = {"/planning/{month}/modifier"} if nothing_to_change else set()
    assert missing - registration <= BY_MAIL | AFTER_A_FORM | unchangeable


async def taps_from(browser: Browser, start: str) -> set[str]:
    """The pages within three taps; what is asked of them makes no other page."""
    taps, waiting = {start: 0}, deque([start])
    while waiting:
        link = waiting.popleft()
        here = link.partition("?")[0]
        if here in FILES:
            continue
        page = await browser.get(link)
        assert page.status == 200, (link, page.text)
        for link in page.links().values():
            path = link.partition("?")[0].partition("#")[0]
            # One month stands for all: its arrows lead on for ever.
            kind = re.sub(r"\d{4}-\d{2}", "2026-12", path)
            if path.startswith("/") and path not in taps and taps[here] < 3 and (kind == path or kind not in taps):
                taps[path] = taps[kind] = taps[here] + 1
                waiting.append(link.partition("#")[0])
    return set(taps)


@pytest.mark.parametrize("service", ["enrolment", "billing", "planning", "identity", "dossier"])
def test_the_links_of_mails_are_pages(service: str) -> None:
    sources = [path.read_text() for path in (ROOT / "services" / service / service).rglob("notices.py")]
    said = [path for source in sources for path in re.findall(r'(?:link=|LINK = |return )f?"(/[^"]*)"', source)]
    assert said or service in ("identity", "dossier")
    for path in said:
        filled = re.sub(r"\{[^}]*\}", "2026-12", path).partition("?")[0]
        assert any(route.path_regex.match(filled) and "GET" in (route.methods or ()) for route in ROUTES), path
