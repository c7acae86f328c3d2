"""« Planning » on a whole stack: a month's canteen ticked, kept, validated, refused in part, and changed by two."""

import re
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from itertools import groupby
from typing import Any

import aiohttp
import pytest
from french.calendar import DAY
from french.paris import day_in_paris
from french.wording import day as in_words
from icalendar import Calendar
from playwright.async_api import Locator

from deploy.local.portal import until
from deploy.local.stack import Stack
from tests.actors import PASSWORD, Clock, Family
from tests.screens import Screen, Screens

#: So many different deadlines, in one month.
ENOUGH = 4
#: The clock is not moved so far: a session would end, and other tests would miss their weeks.
FAR = timedelta(days=10)


@dataclass
class Canteen:
    """The family's first child at the canteen, in the first month that has days enough."""

    family: Family
    activity_id: str
    month: str
    days: list[dict[str, Any]]

    def change(self, day: str, *, reserve: bool) -> dict[str, Any]:
        child_id = self.family.guardian.children[0]
        return {"child_id": child_id, "activity_id": self.activity_id, "date": day, "reserve": reserve}

    async def reserved(self) -> list[str]:
        planning, _ = await self.family.portal.month(self.month)
        return [
            cell["date"]
            for row in planning["rows"]
            if row["activity_id"] == self.activity_id
            for cell in row["cells"]
            if cell["status"] == "reserved"
        ]


@pytest.fixture
async def canteen(family: Family, moving_clock: Clock) -> Canteen:
    portal, child_id = family.portal, family.guardian.children[0]
    listed = (await portal.get(f"/enrolment/v1/activities?kind=restauration&child_id={child_id}"))["items"]
    [activity_id] = [one["id"] for one in listed if one["open"]]
    enrolment = await portal.post("/enrolment/v1/enrolments", {"child_id": child_id, "activity_id": activity_id})
    first = max(day_in_paris(moving_clock.now()), date.fromisoformat(enrolment["valid_from"])).replace(day=1)

    async def known(month: str = f"{first:%Y-%m}") -> bool | None:
        planning, _ = await portal.month(month)
        return any(row["activity_id"] == activity_id for row in planning["rows"]) or None

    await until(known, "planning has the enrolment")

    for _ in range(4):  # over a summer
        planning, _ = await portal.month(f"{first:%Y-%m}")
        cells = [
            cell
            for row in planning["rows"]
            if row["activity_id"] == activity_id
            for cell in row["cells"]
            if cell["status"] == "open" and cell["can_change"]
        ]
        if len({cell["change_until"] for cell in cells}) >= ENOUGH:
            return Canteen(family, activity_id, f"{first:%Y-%m}", cells)
        first = (first + 31 * DAY).replace(day=1)
    raise AssertionError("no month of the canteen has days enough")


async def opened(screens: Screens, stack: Stack, canteen: Canteen, scripts: bool = True) -> Screen:
    phone = await screens.open(stack.web, scripts=scripts)
    await phone.sign_in(canteen.family.guardian.username, PASSWORD)
    await phone.press("Planning")
    await phone.open(f"/planning/{canteen.month}")
    return phone


def spoken(day: str) -> str:
    return in_words(date.fromisoformat(day))


def box(phone: Screen, day: str) -> Locator:
    return phone.page.get_by_role("checkbox", name=re.compile(f"^{spoken(day)}, "))


async def tick(phone: Screen, *days: str) -> None:
    for day in days:
        await box(phone, day).check()


@pytest.mark.parametrize("scripts", [True, False])
async def test_a_month_is_ticked_kept_as_a_draft_and_validated(
    stack: Stack, screens: Screens, canteen: Canteen, scripts: bool
) -> None:
    phone = await opened(screens, stack, canteen, scripts)
    await phone.look()
    one, two, three = (cell["date"] for cell in canteen.days[-3:])
    await phone.press("Modifier")
    await tick(phone, one, two)
    await phone.press("Quitter")
    assert await canteen.reserved() == []
    await phone.press("Modifier")
    await tick(phone, one, two)
    await phone.press("Conserver en brouillon")
    assert "rien n'est encore réservé" in await phone.text()
    assert await canteen.reserved() == []
    await phone.look()
    await phone.press("Reprendre le brouillon")
    await tick(phone, three)
    await phone.look()
    await phone.press("Valider")
    assert "Total du changement" in await phone.text()
    await phone.look()
    await phone.press("Valider")
    assert "est enregistré" in await phone.heading()
    assert await canteen.reserved() == [one, two, three]
    await canteen.family.portal.mail(canteen.family.guardian.email, "3 jours réservés")
    await phone.page.go_back()
    await phone.page.reload()
    assert "rien à changer" in await phone.text(), "what is done is not done again"
    await phone.open(f"/planning/{canteen.month}/modifier")
    await box(phone, two).uncheck()
    await phone.press("Valider")
    await phone.press("Valider")
    assert await canteen.reserved() == [one, three]


async def test_what_was_asked_in_time_is_saved_in_one_more_tap_after_the_deadline(
    stack: Stack, screens: Screens, canteen: Canteen, moving_clock: Clock
) -> None:
    by_deadline = [list(some) for _, some in groupby(canteen.days, lambda cell: cell["change_until"])]
    late, in_time = by_deadline[0][0], by_deadline[1]
    deadline = datetime.fromisoformat(in_time[0]["change_until"])
    if deadline - moving_clock.now() > FAR:  # in holidays
        return
    phone = await opened(screens, stack, canteen)
    await phone.press("Modifier")
    await tick(phone, late["date"], *(cell["date"] for cell in in_time))
    await phone.press("Valider")
    moving_clock.advance(seconds=(deadline - timedelta(minutes=1) - moving_clock.now()).total_seconds())
    await phone.press("Valider")
    assert "Délai de réservation dépassé" in await phone.text()
    await phone.look()
    moving_clock.advance(minutes=2)
    await phone.press("Valider les autres cases")
    assert "est enregistré" in await phone.heading()
    assert spoken(late["date"]) in await phone.text()
    await canteen.family.sign_in_again()
    assert await canteen.reserved() == [cell["date"] for cell in in_time]


async def test_what_another_did_in_the_same_month_is_shown_and_both_are_kept(
    stack: Stack, screens: Screens, canteen: Canteen
) -> None:
    mine, theirs = canteen.days[-1]["date"], canteen.days[-2]["date"]
    phone = await opened(screens, stack, canteen)
    await phone.press("Modifier")
    await tick(phone, mine)
    await phone.press("Valider")
    _, etag = await canteen.family.portal.month(canteen.month)
    await canteen.family.portal.validate(canteen.month, etag, canteen.change(theirs, reserve=True))
    await phone.press("Valider")
    assert "réservé entre-temps" in await phone.text()
    await phone.press("Valider")
    assert "est enregistré" in await phone.heading()
    assert await canteen.reserved() == [theirs, mine]


async def test_a_session_that_ends_leads_back_to_the_ticks(stack: Stack, screens: Screens, canteen: Canteen) -> None:
    day = canteen.days[-1]["date"]
    phone = await opened(screens, stack, canteen)
    await phone.press("Modifier")
    await tick(phone, day)
    await phone.page.context.clear_cookies()
    await phone.press("Valider")
    await phone.fill(login=canteen.family.guardian.username, password=PASSWORD)
    await phone.press("Se connecter")
    await phone.press("Envoyer ma saisie")
    assert "À réserver (1)" in await phone.text()
    await phone.press("Valider")
    assert await canteen.reserved() == [day]


async def test_a_telephone_follows_the_calendar_until_it_is_taken_back(
    stack: Stack, screens: Screens, canteen: Canteen
) -> None:
    day = canteen.days[-1]["date"]
    phone = await opened(screens, stack, canteen)
    _, etag = await canteen.family.portal.month(canteen.month)
    await canteen.family.portal.validate(canteen.month, etag, canteen.change(day, reserve=True))
    await phone.press("Historique du mois")
    assert "par vous" in await phone.text()
    await phone.open("/planning/calendrier")
    await phone.press("S'abonner au calendrier")
    address = await phone.page.inner_text("code")
    async with aiohttp.ClientSession() as telephone:
        async with telephone.get(address) as answer:
            [event] = Calendar.from_ical(await answer.read()).events
            assert str(event.start) == day
        await phone.press("Supprimer le calendrier")
        async with telephone.get(address) as answer:
            assert answer.status == 404
    await phone.press("Le recevoir")
    assert "Vous le recevez." in await phone.text()


async def test_the_same_days_are_proposed_for_another_week(stack: Stack, screens: Screens, canteen: Canteen) -> None:
    day = canteen.days[-1]["date"]
    phone = await opened(screens, stack, canteen, scripts=False)
    await phone.press("Modifier")
    await tick(phone, day)
    monday = date.fromisoformat(day) - date.fromisoformat(day).weekday() * DAY
    await phone.page.locator("summary", has_text="Copier une semaine").click()
    await phone.page.select_option("#semaine", str(monday))
    await phone.press("Copier la semaine")
    text = await phone.text()
    assert "Proposition" in text or "Rien à proposer" in text
    assert await box(phone, day).is_checked()
    assert await canteen.reserved() == []
