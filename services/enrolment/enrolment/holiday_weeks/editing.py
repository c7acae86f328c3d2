"""The administrator's changes of holiday weeks: never fewer places than are taken, and why there are more or fewer."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any
from uuid import UUID

from chassis.editing import Seen
from chassis.identifiers import named_id, new_id
from chassis.outbox import publish
from chassis.problems import Malformed, NotFound, Problem
from chassis.reach import Reach
from contracts.enrolment import HolidayWeekChanged
from french.calendar import DAY
from french.paris import day_in_paris
from sqlalchemy import func, select
from sqlalchemy.dialects.postgresql import Range, insert
from sqlalchemy.ext.asyncio import AsyncSession

from enrolment.bookings.models import Booking, BookingLine
from enrolment.catalogue.editing import event_of
from enrolment.catalogue.listing import behind
from enrolment.catalogue.models import Activity, HolidayWeek, PlaceChange, Site
from enrolment.catalogue.rules import begun
from enrolment.holiday_weeks.rules import faults
from enrolment.waiting_list import offers


class WeekExists(Problem):
    type = "urn:problem:enrolment:week-exists"
    title = "Semaine déjà proposée"
    detail = "Cet accueil de loisirs propose déjà cette semaine à ce groupe : modifiez-la."


class PlacesTaken(Problem):
    type = "urn:problem:enrolment:places-taken"
    title = "Places déjà prises"
    detail = "Une semaine ne peut pas avoir moins de places que celles qui sont prises : rien n'est changé."

    def __init__(self, taken: int) -> None:
        super().__init__(
            errors=[{"pointer": "/places", "detail": f"Places prises, au moins gardées pour un temps : {taken}."}]
        )


class WeekBooked(Problem):
    type = "urn:problem:enrolment:week-booked"
    title = "Semaine déjà réservée"
    detail = "Des familles ont réservé cette semaine : ses jours ne changent plus. Proposez-en une autre."


@dataclass(frozen=True)
class Edition:
    """A week, and each change of its places, the newest first."""

    week: HolidayWeek
    place_changes: list[PlaceChange]


async def read(session: AsyncSession, week_id: UUID) -> Edition:
    """Raises NotFound."""
    week = await session.get(HolidayWeek, week_id, populate_existing=True)
    if week is None:
        raise NotFound
    changes = select(PlaceChange).where(PlaceChange.holiday_week_id == week_id).order_by(PlaceChange.id.desc())
    return Edition(week, list(await session.scalars(changes)))


async def page(
    session: AsyncSession, activity_id: UUID, since: date | None, cursor: UUID | None, limit: int
) -> list[Edition]:
    """Those of the activity that end on that day or later, by their days. Raises NotFound."""
    if await session.get(Activity, activity_id) is None:
        raise NotFound
    order = HolidayWeek.period, HolidayWeek.id
    of_activity = HolidayWeek.activity_id == activity_id
    weeks = select(HolidayWeek).where(of_activity, behind(cursor, order)).order_by(*order).limit(limit)
    if since:
        weeks = weeks.where(func.upper(HolidayWeek.period) > since)
    found = list(await session.scalars(weeks))
    changes: dict[UUID, list[PlaceChange]] = {week.id: [] for week in found}
    newest_first = select(PlaceChange).where(PlaceChange.holiday_week_id.in_(changes)).order_by(PlaceChange.id.desc())
    for one in await session.scalars(newest_first):
        changes[one.holiday_week_id].append(one)
    return [Edition(week, changes[week.id]) for week in found]


async def add(session: AsyncSession, wanted: Mapping[str, Any], now: datetime) -> Edition:
    """`wanted` by column. It is named by centre, week and group, as those of the town's description are.

    Raises Malformed, WeekExists.
    """
    activity = await session.get(Activity, wanted["activity_id"])
    site = await session.get(Site, activity.site_id) if activity and activity.kind == "extrascolaire" else None
    if site is None:
        raise _malformed({"activity_id": "C'est une activité extrascolaire qui a des semaines : indiquez-en une."})
    first = wanted["dates"][0]
    week = HolidayWeek(
        **wanted,
        id=named_id("week", site.code, (first - first.weekday() * DAY).isoformat(), wanted["group_name"]),
        site_id=site.id,
        centre=site.name,
        period=Range(first, wanted["dates"][-1], bounds="[]"),
        taken=0,
        version=1,
    )
    _refuse_faults(week, now)
    columns = {column.name: getattr(week, column.name) for column in HolidayWeek.__table__.columns}
    row = insert(HolidayWeek).values(columns).on_conflict_do_nothing().returning(HolidayWeek.id)
    if await session.scalar(row) is None:
        raise WeekExists
    await publish(session, event_of(HolidayWeekChanged, week))
    return await read(session, week.id)


async def change(
    session: AsyncSession,
    reach: Reach,
    seen: Seen,
    week_id: UUID,
    asked: Mapping[str, Any],
    reason: str | None,
    now: datetime,
) -> Edition:
    """Set these columns; more places or fewer want a reason, which is kept. More are offered to those who wait.

    Raises NotFound, Stale, Malformed, PlacesTaken, WeekBooked.
    """
    async with offers.freeing(session, [week_id], now):
        await _change(session, reach, seen, week_id, asked, reason, now)
    return await read(session, week_id)


async def _change(
    session: AsyncSession,
    reach: Reach,
    seen: Seen,
    week_id: UUID,
    asked: Mapping[str, Any],
    reason: str | None,
    now: datetime,
) -> None:
    week = await session.get(HolidayWeek, week_id, with_for_update=True)
    if week is None:
        raise NotFound
    seen.refuse_if_older(week.version)
    differs = {name: value for name, value in asked.items() if getattr(week, name) != value}
    if not differs:
        return
    if "dates" in differs and await _booked(session, week):
        raise WeekBooked
    if "places" in differs:
        await _change_places(session, reach, week, differs["places"], reason, now)
    for name, value in differs.items():
        setattr(week, name, value)
    if "dates" in differs:
        week.period = Range(week.dates[0], week.dates[-1], bounds="[]")
        _refuse_faults(week, now)
    else:
        _refuse_faults(week)
    week.version += 1
    await publish(session, event_of(HolidayWeekChanged, week))


async def _change_places(
    session: AsyncSession, reach: Reach, week: HolidayWeek, places: int, reason: str | None, now: datetime
) -> None:
    if not reason:
        raise _malformed({"reason": "Dites pourquoi le nombre de places change : le motif est gardé."})
    if places < week.taken:
        raise PlacesTaken(week.taken)
    who = {"account_id": reach.sub, "name": reach.name}
    what = {"before": week.places, "after": places, "reason": reason}
    session.add(PlaceChange(id=new_id(), holiday_week_id=week.id, changed_at=now, **who, **what))


async def _booked(session: AsyncSession, week: HolidayWeek) -> bool:
    """Whether a booking stands, or one that lapsed may still be revived by money that comes late."""
    standing = BookingLine.active | (BookingLine.cancelled.is_(False) & Booking.confirmed_at.is_not(None))
    line = (
        select(BookingLine.position)
        .join(Booking, Booking.id == BookingLine.booking_id)
        .where(BookingLine.holiday_week_id == week.id, standing)
    )
    return week.taken > 0 or await session.scalar(line.limit(1)) is not None


def _refuse_faults(week: HolidayWeek, now: datetime | None = None) -> None:
    """With `now`, also of days that have come. Raises Malformed."""
    found = faults(week)
    if now and begun(week, now):
        found["dates"] = f"Le premier jour vient après le {day_in_paris(now):%d/%m/%Y}."
    if found:
        raise _malformed({{"group_name": "group"}.get(name, name): detail for name, detail in found.items()})


def _malformed(faults_: Mapping[str, str]) -> Malformed:
    return Malformed(errors=[{"pointer": f"/{name}", "detail": detail} for name, detail in faults_.items()])
