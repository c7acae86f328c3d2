"""The deadlines of activities: their two rules, changing them, and what they say of coming days."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime, time, timedelta
from typing import Any, NamedTuple
from uuid import UUID

from chassis.editing import Seen
from chassis.problems import Malformed, NotFound, Problem
from french.calendar import DAY
from french.paris import at
from sqlalchemy import Select, and_, or_, select
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.ext.asyncio import AsyncSession

from planning.copies import Activity, HolidayWeek, Site
from planning.deadlines import rules
from planning.deadlines.locking import alone
from planning.deadlines.models import ActivityRules
from planning.deadlines.rules import DayDeadlines, Rules, TownCalendar
from planning.slots import recounting

#: How far ahead a preview looks.
HORIZON = timedelta(days=366)

#: Of an activity that nobody has given rules yet.
NOTHING_SAID = Rules.model_validate(
    {"weekdays": [], "booking_deadline": {"rule": "none"}, "cancellation_deadline": {"rule": "none"}, "bands": []}
)


class HolidayActivity(Problem):
    type = "urn:problem:planning:holiday-activity"
    title = "Activité de vacances"
    detail = "Chaque semaine de vacances porte ses propres délais : ils se règlent avec la semaine, dans le catalogue."


@dataclass(frozen=True)
class Edition:
    """An activity and its rules at one version; 0: nobody has given it any."""

    activity_id: UUID
    name: str
    kind: str
    rules: Rules
    version: int


class Change(NamedTuple):
    """A coming day whose deadlines change; none before or after: the activity did not take place, or no longer does."""

    activity: Edition
    day: date
    before: DayDeadlines | None
    after: DayDeadlines | None


class Week(NamedTuple):
    """A holiday week, which closes by itself."""

    activity_id: UUID
    activity_name: str
    name: str
    dates: Sequence[date]
    booking_closes_at: datetime
    cancellation_closes_at: datetime


async def of_every_activity(session: AsyncSession) -> list[Edition]:
    """Those that somebody has given rules, by name."""
    rows = await session.execute(_editions().where(ActivityRules.version > 0).order_by(Activity.name, Activity.id))
    return [_edition(*row) for row in rows]


async def read(session: AsyncSession, activity_id: UUID) -> Edition:
    """Raises NotFound for an activity that planning does not know."""
    row = (await session.execute(_editions().where(Activity.id == activity_id))).one_or_none()
    if row is None:
        raise NotFound
    return _edition(*row)


async def replace(
    session: AsyncSession,
    seen: Seen,
    activity_id: UUID,
    wanted: Rules,
    calendar: TownCalendar,
    today: date,
    *,
    preview: bool,
) -> tuple[Edition, list[Change]]:
    """The activity with these rules, and which coming days' deadlines change by it.

    Raises NotFound, HolidayActivity, Stale, Malformed (a band of an unknown site), PlacesTaken; a preview stores
    nothing. What is reserved stays so, and is counted by the new bands.
    """
    if not preview:
        await alone(session)
    # Its rules may have no row yet: two who edit wait for each other on the activity's.
    await session.execute(select(Activity.id).where(Activity.id == activity_id).with_for_update())
    before = await read(session, activity_id)
    if before.kind == "extrascolaire":
        raise HolidayActivity
    seen.refuse_if_older(before.version)
    await _refuse_unknown_sites(session, wanted)
    bands = before.rules.bands, wanted.bands
    if wanted.bands != before.rules.bands:
        await recounting.refuse_too_few(session, activity_id, *bands, today)
    changed = changes(before, (before.rules, calendar), (wanted, calendar), today)
    version = before.version
    if not preview and wanted != before.rules:
        version += 1
        row = {"activity_id": activity_id, "version": version, **wanted.model_dump(mode="json")}
        stored = insert(ActivityRules).values(row)
        await session.execute(stored.on_conflict_do_update(index_elements=["activity_id"], set_=row))
        if wanted.bands != before.rules.bands:
            await recounting.recount(session, activity_id, *bands, today)
    return Edition(activity_id, before.name, before.kind, wanted, version), changed


async def _refuse_unknown_sites(session: AsyncSession, wanted: Rules) -> None:
    known = set(await session.scalars(select(Site.id).where(Site.id.in_({band.site_id for band in wanted.bands}))))
    if errors := [
        {"pointer": f"/bands/{number}/site_id", "detail": "Ce site n'est pas connu."}
        for number, band in enumerate(wanted.bands)
        if band.site_id and band.site_id not in known
    ]:
        raise Malformed(errors=errors)


def changes(
    activity: Edition,
    before: tuple[Rules, TownCalendar],
    after: tuple[Rules, TownCalendar],
    today: date,
) -> list[Change]:
    """Which of the activity's days from today differ between two rules and calendars."""
    old, new = (rules.days(*some, today, today + HORIZON) for some in (before, after))
    return [Change(activity, *change) for change in rules.changes(old, new)]


async def weeks(session: AsyncSession, first: date, last: date) -> list[Week]:
    """The holiday weeks that take place or close in these days; age groups of one centre close together."""
    from_, to = at(first, time()), at(last + DAY, time())
    found = (
        select(
            HolidayWeek.activity_id,
            Activity.name,
            HolidayWeek.name,
            HolidayWeek.dates,
            HolidayWeek.booking_closes_at,
            HolidayWeek.cancellation_closes_at,
        )
        .join(Activity, Activity.id == HolidayWeek.activity_id)
        .where(
            or_(
                HolidayWeek.dates.bool_op("&&")(list(rules.span(first, last))),
                *(
                    and_(from_ <= moment, moment < to)
                    for moment in (HolidayWeek.booking_closes_at, HolidayWeek.cancellation_closes_at)
                ),
            )
        )
        .order_by(Activity.name, HolidayWeek.activity_id, HolidayWeek.dates)
        .distinct()
    )
    return [Week(*row) for row in await session.execute(found)]


def _editions() -> Select[Any]:
    said = ActivityRules
    return select(
        Activity.id,
        Activity.name,
        Activity.kind,
        said.version,
        said.weekdays,
        said.booking_deadline,
        said.cancellation_deadline,
        said.bands,
    ).outerjoin(said, said.activity_id == Activity.id)


def _edition(activity_id: UUID, name: str, kind: str, version: int | None, *said: Any) -> Edition:
    if version is None:
        return Edition(activity_id, name, kind, NOTHING_SAID, 0)
    stored = Rules.model_validate(dict(zip(Rules.model_fields, said, strict=True)))
    return Edition(activity_id, name, kind, stored, version)
