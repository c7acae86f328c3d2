"""Told again, what is kept here is as it was, and nobody is written to; and so is what others keep of planning."""

from datetime import date
from uuid import UUID

import pytest
from chassis.inbox import handle
from chassis.outbox import envelope
from contracts import Event
from contracts.enrolment import Actor, BookingConfirmed, HolidayWeekChanged, SiteChanged
from contracts.planning import EnrolmentApplied, NoticeWritten, ReservationsChanged
from planning.consumers import HANDLERS
from planning.main import SERVICE
from planning.reservations.rules import Change
from sqlalchemy import text

from services.planning.tests.families import NOW, Household
from services.planning.tests.town import CANTEEN, CATALOGUE, Desk
from tests.builders import changed, published, sample
from tests.republishing import republish

COPIES = ("dossiers", "children", "sites", "activities", "holiday_weeks", "enrolments", "bookings", "booking_days")
OWN = ("reservations", "entries", "slots", "given_up_days", "outbox")


async def rows(desk: Desk, *tables: str) -> dict[str, list[str]]:
    async with desk.owner.sessions() as session:
        return {name: sorted(map(str, await session.execute(text(f"TABLE {name}")))) for name in tables}


async def hear_again(desk: Desk, *events: Event) -> None:
    for event in events:
        await handle(desk.database, envelope(event, again=True).model_dump_json().encode(), HANDLERS)


async def test_emptied_copies_are_as_they_were_and_nothing_follows_from_it(
    desk: Desk, monkeypatch: pytest.MonkeyPatch
) -> None:
    newest: dict[UUID, Event] = {one.subject: one for one in CATALOGUE}
    hear = desk.hear

    async def remembered(*events: Event) -> None:
        newest.update({one.subject: one for one in events})
        await hear(*events)

    monkeypatch.setattr(desk, "hear", remembered)
    moreau = await Household.enrolled(desk, "Inès")
    await moreau.is_of(moreau.guardian_id)
    await moreau.usual_week("Inès", CANTEEN, "monday", "thursday")
    booking = sample(BookingConfirmed, dossier_id=moreau.dossier_id)
    await desk.hear(booking, sample(SiteChanged), sample(HolidayWeekChanged))
    [one] = moreau.children.values()
    changes = [Change(one, CANTEEN, date(2026, 12, 4), True), Change(one, CANTEEN, date(2026, 12, 3), False)]
    actor = Actor(account_id=moreau.account_id, role="guardian")
    assert len((await moreau.change(changes, actor, NOW, NOW)).done) == 2  # beside what the usual week says
    copies, own = await rows(desk, *COPIES), await rows(desk, *OWN)
    assert all(copies.values())
    async with desk.owner.sessions.begin() as session:
        await session.execute(text(f"TRUNCATE {', '.join(COPIES)}"))
    for _ in range(2):
        await hear_again(desk, *newest.values())
        assert await rows(desk, *COPIES) == copies
        assert await rows(desk, *OWN) == own


async def test_what_was_never_heard_is_made_and_nobody_is_written_to(desk: Desk) -> None:
    moreau = await Household.enrolled(desk, "Inès")
    await moreau.usual_week("Inès", CANTEEN, "monday")
    assert await published(desk.owner, NoticeWritten)
    before, written = moreau.enrolments["Inès", CANTEEN], await published(desk.owner, NoticeWritten)
    thursdays = moreau.week(2, "thursday", first=date(2026, 12, 7), last=date(2026, 12, 18))
    await hear_again(desk, changed(before, version=3, usual_weeks=(*before.usual_weeks, thursdays)))
    assert (await published(desk.owner, EnrolmentApplied))[-1].reserved == (date(2026, 12, 10), date(2026, 12, 17))
    assert await published(desk.owner, NoticeWritten) == written


async def test_reserved_days_are_told_as_they_were_told_last(desk: Desk) -> None:
    moreau = await Household.enrolled(desk, "Inès", "Tom")
    for name in moreau.children:
        await moreau.usual_week(name, CANTEEN, "monday", "thursday", last=date(2027, 1, 29))
    await moreau.usual_week("Tom", CANTEEN, first=date(2026, 12, 7), last=date(2027, 1, 29))
    before, again = await republish(SERVICE, desk.database)
    of_months = {key: event for key, event in before.items() if isinstance(event, ReservationsChanged)}
    assert len(of_months) == 6
    assert again == of_months
