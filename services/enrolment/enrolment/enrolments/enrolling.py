"""« Inscrire »: a child, or several in one go, each with its own result.

A wish is judged before anything of it is written, so that those of a request neither need nor disturb each other. The
children's copies are locked for sharing, then the enrolments are added, both by child: nobody waits in a circle, and a
change of school that is heard meanwhile finds what was added.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime
from uuid import UUID

from chassis.identifiers import new_id
from chassis.outbox import publish
from chassis.problems import Malformed, NotFound, Problem
from chassis.reach import Acting
from french.paris import day_in_paris
from sqlalchemy import select
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.ext.asyncio import AsyncSession

from enrolment.catalogue import house_rules, school_years
from enrolment.catalogue.models import Activity, SchoolYear
from enrolment.catalogue.rules import DESK_MAY, DESK_MAY_BYPASS, Refusal, enrolment_refusal
from enrolment.copies import Child, Dossier
from enrolment.enrolments import notices
from enrolment.enrolments.enrolments import actor, event_of, site_of
from enrolment.enrolments.models import Enrolment
from enrolment.enrolments.rules import EnrolmentStatus, first_day, first_day_refusal
from enrolment.enrolments.usual_weeks import WeekWish, numbered


class NotOpen(Problem):
    """The activity is not open to this child: `detail` says why, and what to do; `reason_code` as in the catalogue."""

    type = "urn:problem:enrolment:not-open"
    title = "Inscription impossible"


class AlreadyEnrolled(Problem):
    type = "urn:problem:enrolment:already-enrolled"
    title = "Déjà inscrit"
    detail = (
        "Cet enfant est déjà inscrit à cette activité pour cette année scolaire : réservez ses jours dans le planning, "
        "ou changez sa semaine habituelle."
    )


@dataclass(frozen=True)
class Wish:
    """What is asked for one child; `first` is the day it begins (none: today, or as soon as may be)."""

    child_id: UUID
    activity_id: UUID
    usual_week: WeekWish | None = None
    first: date | None = None


async def enrol(
    session: AsyncSession, acting: Acting, wishes: Sequence[Wish], now: datetime
) -> list[Enrolment | Problem]:
    """What came of each wish, in order; one notice to each family of the children. Raises NotFound."""
    children = await _children(session, acting, {wish.child_id for wish in wishes})
    wanted = {wish.activity_id for wish in wishes}
    activities = {one.id: one for one in await session.scalars(select(Activity).where(Activity.id.in_(wanted)))}
    if activities.keys() != wanted:
        raise NotFound
    dossier = await session.get(Dossier, acting.dossier_id)
    outcomes: dict[int, Enrolment | Problem] = {}
    for place, wish in sorted(enumerate(wishes), key=lambda one: (one[1].child_id, one[1].activity_id)):
        child, activity = children[wish.child_id], activities[wish.activity_id]
        try:
            enrolment = await _judged(session, acting, wish, child, activity, dossier, now)
            await _add(session, enrolment)
            outcomes[place] = enrolment
        except Problem as refused:
            outcomes[place] = refused
    enrolled = [one for one in outcomes.values() if isinstance(one, Enrolment)]
    await publish(session, *map(event_of, enrolled), *notices.enrolled(enrolled, children, activities))
    return [outcomes[place] for place in range(len(wishes))]


async def _children(session: AsyncSession, acting: Acting, ids: set[UUID]) -> dict[UUID, Child]:
    """By id, locked for sharing. Raises NotFound unless all are of the dossier acted for."""
    mine = Child.dossier_ids.contains([acting.dossier_id])
    query = select(Child).where(Child.id.in_(ids), mine).order_by(Child.id).with_for_update(read=True)
    found = {child.id: child for child in await session.scalars(query)}
    if found.keys() != ids:
        raise NotFound
    return found


async def _judged(
    session: AsyncSession,
    acting: Acting,
    wish: Wish,
    child: Child,
    activity: Activity,
    dossier: Dossier | None,
    now: datetime,
) -> Enrolment:
    """The enrolment that may be. Raises Malformed, AlreadyEnrolled, NotOpen."""
    today = day_in_paris(now)
    year = await (school_years.of(session, wish.first) if wish.first else school_years.current(session, today))
    before = await _newest(session, wish, year)
    if before and before.status is EnrolmentStatus.ACTIVE:
        raise AlreadyEnrolled
    earliest = first_day(year, before, today) if year else None
    if wish.first and (refused := first_day_refusal(wish.first, year, earliest)):
        raise Malformed(errors=[{"pointer": "/from", "detail": refused}])
    first = wish.first or earliest
    accepted = year is not None and await house_rules.accepted(session, acting.dossier_id, year.name)
    refusal = enrolment_refusal(activity, child, dossier, year, now, accepted=accepted, first=first)
    if refusal:
        _pass_over(refusal, acting, known=year is not None)
    if year is None or first is None:
        raise LookupError("Without a school year every enrolment is refused.")
    enrolment = Enrolment(
        id=new_id(),
        child_id=child.id,
        dossier_id=acting.dossier_id,
        activity_id=activity.id,
        site_id=site_of(activity.site_id, child, year.name),
        school_year=year.name,
        valid_from=first,
        valid_to=year.last_day,
        status=EnrolmentStatus.ACTIVE,
        usual_weeks=(),
        created_at=now,
        created_by=actor(acting),
        version=1,
    )
    if wish.usual_week is not None:
        enrolment.usual_weeks = (numbered(enrolment, wish.usual_week, acting, "/usual_week", now),)
    return enrolment


def _pass_over(refusal: Refusal, acting: Acting, *, known: bool) -> None:
    """The desk may, where a school year is known, with a reason. Raises NotOpen."""
    may = acting.at_desk and known and refusal.why in DESK_MAY_BYPASS
    if may and acting.override_reason:
        return
    raise NotOpen(f"{refusal.detail} {DESK_MAY}" if may else refusal.detail, reason_code=refusal.why)


async def _newest(session: AsyncSession, wish: Wish, year: SchoolYear | None) -> Enrolment | None:
    """The child's last enrolment in the activity in that school year."""
    query = select(Enrolment).where(
        Enrolment.child_id == wish.child_id,
        Enrolment.activity_id == wish.activity_id,
        Enrolment.school_year == (year.name if year else None),
    )
    return await session.scalar(query.order_by(Enrolment.valid_to.desc()).limit(1))


async def _add(session: AsyncSession, enrolment: Enrolment) -> None:
    """Raises AlreadyEnrolled; the database decides between those who come at the same moment."""
    row = {name: getattr(enrolment, name) for name in Enrolment.__table__.columns.keys()}  # noqa: SIM118 -- no dict
    added = insert(Enrolment).values(row).on_conflict_do_nothing().returning(Enrolment.id)
    if await session.scalar(added) is None:
        raise AlreadyEnrolled
