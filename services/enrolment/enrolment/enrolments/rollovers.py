"""Roll-over: who is enrolled in a school year is enrolled in the next one, by the administrator, once looked at.

Nobody is enrolled twice: not who already is, nor who was and has left. The children's copies are locked for sharing, as
where families enrol, so that a change of school that is heard meanwhile finds what was added.
"""

from collections import Counter, defaultdict
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime
from uuid import UUID

from chassis.database import fetch
from chassis.identifiers import new_id
from chassis.outbox import publish
from chassis.problems import Malformed
from chassis.reach import Reach
from contracts.enrolment import Actor, NoticeWritten, UsualWeek
from french.paris import day_in_paris
from pydantic_core import to_json
from sqlalchemy import exists, select
from sqlalchemy.ext.asyncio import AsyncSession
from sqlalchemy.orm import aliased

from enrolment.catalogue.models import Activity, SchoolYear
from enrolment.catalogue.rules import Refusal, enrolment_refusal
from enrolment.copies import Child, Dossier
from enrolment.enrolments import notices
from enrolment.enrolments.enrolments import event_of, site_of
from enrolment.enrolments.models import Enrolment
from enrolment.enrolments.rules import EnrolmentStatus, previous_year

#: Rows of one statement.
BATCH = 5000

# The table says their types.
_ADD = """
    INSERT INTO enrolments ({columns}) SELECT {columns} FROM jsonb_populate_recordset(NULL::enrolments, $1)
    ON CONFLICT DO NOTHING RETURNING id
"""


@dataclass(frozen=True)
class Renewal:
    """What comes of one enrolment: a new one, or why there is none."""

    child: Child
    activity: Activity
    dossier_id: UUID
    outcome: Enrolment | Refusal


@dataclass
class Rollover:
    """What comes of all of them; `already`: how many, by activity, that were enrolled in the next year before."""

    school_year: str
    activities: list[Activity] = field(default_factory=list)
    renewals: list[Renewal] = field(default_factory=list)
    already: Counter[UUID] = field(default_factory=Counter)

    @property
    def refused(self) -> list[tuple[Renewal, Refusal]]:
        return [(one, one.outcome) for one in self.renewals if isinstance(one.outcome, Refusal)]

    @property
    def enrolments(self) -> list[Enrolment]:
        return [one.outcome for one in self.renewals if isinstance(one.outcome, Enrolment)]


async def roll_over(
    session: AsyncSession, by: Reach, school_year: str, now: datetime, *, usual_weeks: bool, preview: bool
) -> Rollover:
    """Into that school year, with the usual weeks that last until the end of the one before, where it is said.

    Raises Malformed. A preview stores nothing. The families are told what was renewed, and what was not and why.
    """
    year = await session.get(SchoolYear, school_year)
    if year is None:
        raise Malformed(errors=[_fault("Cette année scolaire n'est pas connue.")])
    if year.last_day < day_in_paris(now):
        raise Malformed(errors=[_fault("Cette année scolaire est terminée.")])
    administrator = Actor(account_id=by.sub, role="administrator", name=by.name)
    rollover = Rollover(year.name)
    dossiers = {one.id: one for one in await session.scalars(select(Dossier))}
    found = await _last_years(session, year)
    rollover.activities = sorted({activity for _, _, activity, _ in found}, key=lambda one: (one.name, one.id))
    for enrolment, child, activity, standing in found:
        if standing:
            rollover.already[activity.id] += 1
        elif dossier := _family(enrolment, child, dossiers):
            outcome = _judged(enrolment, child, activity, dossier, year, administrator, now, usual_weeks=usual_weeks)
            rollover.renewals.append(Renewal(child, activity, dossier.id, outcome))
    if not preview:
        await _add(session, rollover)
    return rollover


def _fault(detail: str) -> dict[str, str]:
    return {"pointer": "/school_year", "detail": detail}


async def _last_years(session: AsyncSession, year: SchoolYear) -> list[tuple[Enrolment, Child, Activity, bool]]:
    """Who is enrolled in the year before, by child and activity; and whether it has been in this one."""
    later = aliased(Enrolment)
    standing = exists().where(
        later.child_id == Enrolment.child_id,
        later.activity_id == Enrolment.activity_id,
        later.school_year == year.name,
    )
    query = (
        select(Enrolment, Child, Activity, standing)
        .join(Child, Child.id == Enrolment.child_id)
        .join(Activity, Activity.id == Enrolment.activity_id)
        .where(Enrolment.school_year == previous_year(year.name), Enrolment.status == EnrolmentStatus.ACTIVE)
        .order_by(Enrolment.child_id, Enrolment.activity_id)
        .with_for_update(of=Child, read=True)
    )
    found = await session.execute(query)
    return [(enrolment, child, activity, bool(there)) for enrolment, child, activity, there in found]


def _family(enrolment: Enrolment, child: Child, dossiers: dict[UUID, Dossier]) -> Dossier | None:
    """The one that enrolled the child where it still is of it, else another of the child's."""
    ids = sorted(child.dossier_ids, key=lambda one: one != enrolment.dossier_id)
    return next((dossiers[one] for one in ids if one in dossiers), None)


def _judged(
    last: Enrolment,
    child: Child,
    activity: Activity,
    dossier: Dossier,
    year: SchoolYear,
    administrator: Actor,
    now: datetime,
    *,
    usual_weeks: bool,
) -> Enrolment | Refusal:
    first = max(year.first_day, day_in_paris(now))
    if refused := enrolment_refusal(activity, child, dossier, year, now, accepted=False, first=first, renewed=True):
        return refused
    week = last.usual_weeks[-1] if usual_weeks and last.usual_weeks else None
    weeks: tuple[UsualWeek, ...] = ()
    if week and week.valid_to == last.valid_to:
        weeks = (
            UsualWeek(
                number=1,
                valid_from=first,
                valid_to=year.last_day,
                days=week.days,
                asked_at=now,
                asked_by=administrator,
            ),
        )
    return Enrolment(
        id=new_id(),
        child_id=child.id,
        dossier_id=dossier.id,
        activity_id=activity.id,
        site_id=site_of(activity.site_id, child, year.name),
        school_year=year.name,
        valid_from=first,
        valid_to=year.last_day,
        status=EnrolmentStatus.ACTIVE,
        usual_weeks=weeks,
        created_at=now,
        created_by=administrator,
        version=1,
    )


async def _add(session: AsyncSession, rollover: Rollover) -> None:
    """Whom a family has enrolled meanwhile is there already."""
    names, added = Enrolment.__table__.columns.keys(), set[UUID]()
    rows = [{name: getattr(one, name) for name in names} for one in rollover.enrolments]
    statement = _ADD.format(columns=", ".join(names))
    for start in range(0, len(rows), BATCH):
        some = to_json(rows[start : start + BATCH]).decode()
        added |= {enrolment_id for (enrolment_id,) in await fetch(session, statement, some)}
    rollover.already.update(one.activity_id for one in rollover.enrolments if one.id not in added)
    rollover.renewals = [
        one for one in rollover.renewals if isinstance(one.outcome, Refusal) or one.outcome.id in added
    ]
    families: dict[UUID, list[Renewal]] = defaultdict(list)
    for renewal in rollover.renewals:
        for dossier_id in renewal.child.dossier_ids:
            families[dossier_id].append(renewal)
    told = [_told(dossier_id, renewals, rollover.school_year) for dossier_id, renewals in families.items()]
    await publish(session, *map(event_of, rollover.enrolments), *told)


def _told(dossier_id: UUID, renewals: Sequence[Renewal], school_year: str) -> NoticeWritten:
    done, refused = [], []
    for one in renewals:
        name = f"{one.child.first_name} : {one.activity.name}"
        if isinstance(one.outcome, Refusal):
            refused.append(f"{name}. {one.outcome.detail}")
        else:
            done.append(name)
    weeks = any(isinstance(one.outcome, Enrolment) and one.outcome.usual_weeks for one in renewals)
    return notices.renewed(dossier_id, school_year, done, refused, weeks=weeks)
