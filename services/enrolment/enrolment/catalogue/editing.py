"""The administrator's changes of sites and activities: each is an event with a grown version, no change is nothing."""

from collections.abc import Mapping
from typing import Any, TypeVar
from uuid import UUID

from chassis.editing import Seen
from chassis.identifiers import named_id
from chassis.outbox import publish
from chassis.problems import Malformed, NotFound, Problem
from contracts import Event
from contracts.enrolment import ActivityChanged, HolidayWeekChanged, SiteChanged
from sqlalchemy import select
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.ext.asyncio import AsyncSession

from enrolment.catalogue.models import Activity, EnrolmentWindow, HolidayWeek, SchoolYear, Site
from enrolment.copies import Regie

Told = TypeVar("Told", bound=Event)
Row = TypeVar("Row", Site, Activity)


class CodeTaken(Problem):
    type = "urn:problem:enrolment:code-taken"
    title = "Code déjà utilisé"
    detail = "Ce code désigne déjà autre chose dans le catalogue : choisissez-en un autre, ou modifiez ce qui existe."


def event_of(kind: type[Told], row: Site | Activity | HolidayWeek) -> Told:
    """The row as it is now: its columns under their names, its id as the event's subject."""
    facts = {name: getattr(row, name) for name in kind.model_fields if hasattr(row, name)}
    return kind.model_validate(facts | {kind.subject_field: row.id})


async def find_site(session: AsyncSession, site_id: UUID) -> Site:
    """Raises NotFound."""
    return await _find(session, Site, site_id)


async def add_site(session: AsyncSession, code: str, kind: str, name: str) -> Site:
    """Raises CodeTaken."""
    site = await _add(session, Site, {"id": named_id("site", code), "code": code, "kind": kind, "name": name})
    await publish(session, event_of(SiteChanged, site))
    return site


async def change_site(session: AsyncSession, seen: Seen, site_id: UUID, change: Mapping[str, Any]) -> Site:
    """Its weeks bear its name, and are told too. Raises NotFound, Stale."""
    site = await _find(session, Site, site_id, seen)
    if not _set(site, change):
        return site
    await publish(session, event_of(SiteChanged, site))
    weeks = select(HolidayWeek).where(HolidayWeek.site_id == site_id).order_by(HolidayWeek.id).with_for_update()
    for week in await session.scalars(weeks.execution_options(populate_existing=True)):
        week.centre = site.name
        week.version += 1
        await publish(session, event_of(HolidayWeekChanged, week))
    return site


async def find_activity(session: AsyncSession, activity_id: UUID, seen: Seen | None = None) -> Activity:
    """Locked where somebody edits what they have seen. Raises NotFound, Stale."""
    return await _find(session, Activity, activity_id, seen)


async def add_activity(session: AsyncSession, wanted: Mapping[str, Any], windows: list[dict[str, Any]]) -> Activity:
    """`wanted` by column; windows as rows without their activity. Raises Malformed, CodeTaken."""
    _refuse(await _home_faults(session, wanted) | await _audience_faults(session, wanted["kind"], wanted, windows))
    activity = await _add(session, Activity, {**wanted, "id": named_id("activity", wanted["code"])})
    _replace_windows(activity, windows)
    await session.flush()
    await publish(session, event_of(ActivityChanged, activity))
    return activity


async def change_activity(
    session: AsyncSession,
    seen: Seen,
    activity_id: UUID,
    change: Mapping[str, Any],
    windows: list[dict[str, Any]] | None,
) -> Activity:
    """These columns, and with `windows` these and no others. Raises NotFound, Stale, Malformed."""
    activity = await _find(session, Activity, activity_id, seen)
    _refuse(await _audience_faults(session, activity.kind, change, windows or []))
    other = windows is not None and _replace_windows(activity, windows)
    if _set(activity, change, even_so=other):
        await session.flush()
        await publish(session, event_of(ActivityChanged, activity))
    return activity


def _replace_windows(activity: Activity, windows: list[dict[str, Any]]) -> bool:
    """Whether that is a change."""
    wanted = {one["school_year"]: one for one in windows}
    there = {one.school_year: one for one in activity.enrolment_windows}
    before = {year: (one.opens_at, one.closes_at) for year, one in there.items()}
    if before == {year: (one["opens_at"], one["closes_at"]) for year, one in wanted.items()}:
        return False
    for year, one in wanted.items():
        if year in there:
            there[year].opens_at, there[year].closes_at = one["opens_at"], one["closes_at"]
    kept = [there[year] if year in there else EnrolmentWindow(**one) for year, one in sorted(wanted.items())]
    activity.enrolment_windows = kept
    return True


async def _home_faults(session: AsyncSession, wanted: Mapping[str, Any]) -> dict[str, str]:
    """What is wrong with the site and the régie of a new activity, by field."""
    faults = {}
    site_id, holidays = wanted.get("site_id"), wanted["kind"] == "extrascolaire"
    site = await session.get(Site, site_id) if site_id else None
    there = select(Activity.id).where(Activity.kind == "extrascolaire", Activity.site_id == site_id)
    if site_id and site is None:
        faults["site_id"] = "Ce site n'existe pas."
    elif holidays and (site is None or site.kind != "centre"):
        faults["site_id"] = "Une activité extrascolaire indique son accueil de loisirs."
    elif holidays and await session.scalar(there):
        faults["site_id"] = "Cet accueil de loisirs a déjà une activité extrascolaire."
    if await session.scalar(select(Regie.id).where(Regie.code == wanted["regie"])) is None:
        faults["regie"] = "Cette régie n'existe pas."
    return faults


async def _audience_faults(
    session: AsyncSession, kind: str, wanted: Mapping[str, Any], windows: list[dict[str, Any]]
) -> dict[str, str]:
    """What is wrong with whom it is open to, and when, by field."""
    if kind == "extrascolaire":
        asked = {"ages": wanted.get("min_age") is not None, "enrolment_windows": windows} | {
            name: wanted.get(name) for name in ("levels", "sector")
        }
        return {name: "Une activité extrascolaire se réserve par semaines." for name, said in asked.items() if said}
    faults = {}
    sector = set(wanted.get("sector", ()))
    if sector - set(await session.scalars(select(Site.id).where(Site.kind == "school", Site.id.in_(sector)))):
        faults["sector"] = "Un secteur est une liste d'écoles du catalogue."
    years = set(await session.scalars(select(SchoolYear.name)))
    for position, one in enumerate(windows):
        if one["school_year"] not in years:
            faults[f"enrolment_windows/{position}/school_year"] = "Cette année scolaire n'est pas connue."
    return faults


def _refuse(faults: Mapping[str, str]) -> None:
    """Raises Malformed where there are any."""
    if faults:
        raise Malformed(errors=[{"pointer": f"/{name}", "detail": detail} for name, detail in faults.items()])


async def _find(session: AsyncSession, table: type[Row], row_id: UUID, seen: Seen | None = None) -> Row:
    """Locked where it is to be edited, by who has seen it as it is. Raises NotFound, Stale."""
    row = await session.get(table, row_id, with_for_update=True if seen else None)
    if row is None:
        raise NotFound
    if seen:
        seen.refuse_if_older(row.version)
    return row


async def _add(session: AsyncSession, table: type[Row], values: Mapping[str, Any]) -> Row:
    """Raises CodeTaken."""
    row = insert(table).values(**values, version=1).on_conflict_do_nothing().returning(table.id)
    added = await session.scalar(row)
    if added is None:
        raise CodeTaken
    return await _find(session, table, added)


def _set(row: Row, change: Mapping[str, Any], *, even_so: bool = False) -> bool:
    """Set what differs, as a new version; whether there is one."""
    differs = {name: value for name, value in change.items() if getattr(row, name) != value}
    for name, value in differs.items():
        setattr(row, name, value)
    if differs or even_so:
        row.version += 1
    return bool(differs or even_so)
