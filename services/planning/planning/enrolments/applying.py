"""Applying what enrolments ask: each usual week, withdrawal and change of school once, in the order of versions.

Two enrolments of a child in an activity never overlap where they are made: a copy that does is of one whose withdrawal
has yet to be heard, and is waited for.
"""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import date
from typing import Literal, NamedTuple
from uuid import UUID

from chassis import clock
from chassis.copies import keep
from chassis.database import fetch
from chassis.outbox import is_republished, publish
from chassis.parking import NotYetKnown
from contracts.enrolment import EnrolmentChanged
from contracts.planning import EnrolmentApplied, NoticeWritten, RefusedDay
from french.paris import day_in_paris
from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncSession

from planning.copies import Activity, Child, Dossier, Enrolment, Site
from planning.enrolments import notices, rules
from planning.enrolments.rules import Applied, Step
from planning.reservations import changing
from planning.reservations.changing import Locked, Outcome
from planning.reservations.rules import Change

_keep = keep(Enrolment)

# Whoever comes second reads what the first has made: within one statement it would not.
_ALONE = "SELECT pg_advisory_xact_lock(hashtextextended($1::uuid::text || ' ' || $2::uuid::text, 0))"


class Verdict(NamedTuple):
    """What became of a day that was asked for; `reason` of a refused one, in French."""

    outcome: Literal["reserved", "refused", "cancelled", "still_due"]
    reason: str = ""


async def apply(session: AsyncSession, event: EnrolmentChanged) -> None:
    """Keep the enrolment, make what it asks anew of the days, answer, and tell the families.

    Of one that is told again, and of which nothing is known any more, only the copy is kept.
    Raises NotYetKnown: the child, the activity, another enrolment's end, and for the desk the dossier.
    """
    await fetch(session, _ALONE, event.child_id, event.activity_id)
    known = await _known(session, event)
    before = known.pop(event.enrolment_id, None)
    if before and before.version >= event.version:
        return
    for other in known.values():
        if max(other.valid_from, event.valid_from) <= min(other.valid_to, event.valid_to):
            raise NotYetKnown(Enrolment, other.id)
    await _keep(session, event)
    if before is None and is_republished(session):
        return  # what it asked for was made of the days once, and they may have changed since
    now = clock.now()
    verdicts, told = await _make(session, event, rules.steps(event, _applied(before), now, day_in_paris(now)))
    await publish(session, _answer(event, verdicts), *told)


async def _known(session: AsyncSession, event: EnrolmentChanged) -> dict[UUID, Enrolment]:
    """The child's enrolments in the activity, by id, as they are kept."""
    query = select(Enrolment).where(Enrolment.child_id == event.child_id, Enrolment.activity_id == event.activity_id)
    return {one.id: one for one in await session.scalars(query.order_by(Enrolment.id))}


def _applied(before: Enrolment | None) -> Applied | None:
    if before is None:
        return None
    number = max((week["number"] for week in before.usual_weeks), default=0)
    return Applied(number, before.site_id, before.withdrawn_at)


async def _make(
    session: AsyncSession, event: EnrolmentChanged, steps: Sequence[Step]
) -> tuple[dict[date, Verdict], list[NoticeWritten]]:
    """What became of each day that is asked for, and what is told of it. In the history it stands when it was asked."""
    verdicts: dict[date, Verdict] = {}
    told: list[NoticeWritten] = []
    months = {(event.child_id, event.activity_id, month) for step in steps for month in step.months()}
    for step in steps:
        dossier_id = step.by.dossier_id or event.dossier_id
        locked = await changing.lock_months(session, dossier_id, months)
        if not locked.lines:
            raise await _unknown(session, event)
        if step is steps[0] and len(steps) > 1:
            await changing.hold_places(session, [_asked(each, locked, event) for each in steps])
        asked, changes = _asked(step, locked, event)
        late = step.by.reason is not None  # with a reason the desk passes over deadlines
        outcome = await changing.judge(session, asked, changes, step.moment, late=late, moving=step.moving)
        if outcome.done:
            await changing.write(session, asked, outcome, step.by, step.moment)
        line = next(iter(locked.lines.values()))
        if outcome.done or outcome.refused:
            site = await session.get(Site, event.site_id) if event.site_id else None
            told += notices.told(dossier_id, line, site.name if site else None, step, outcome)
        if step.moving:
            if stuck := [one.change.day for one in outcome.refused]:
                told.append(notices.overflow(event.dossier_id, await _number(session, event), line, stuck))
        else:
            verdicts = _told_before(verdicts, step) | _verdicts(changes, outcome)
    return verdicts, told


async def _unknown(session: AsyncSession, event: EnrolmentChanged) -> NotYetKnown:
    if await session.get(Child, event.child_id) is None:
        return NotYetKnown(Child, event.child_id)
    return NotYetKnown(Activity, event.activity_id)


def _asked(step: Step, locked: Locked, event: EnrolmentChanged) -> tuple[Locked, list[Change]]:
    """The changes, and the lines by which they are judged."""
    changes = [
        change
        for line in locked.lines.values()
        for change in rules.changes(step, line, locked.calendar, event.valid_to)
    ]
    lines = {key: rules.as_asked(step, line, event.site_id) for key, line in locked.lines.items()}
    return replace(locked, lines=lines), changes


def _told_before(verdicts: Mapping[date, Verdict], step: Step) -> dict[date, Verdict]:
    """What earlier steps came to, without the days that could not be had and are no longer asked for."""
    return {day: one for day, one in verdicts.items() if one.outcome != "refused" or not step.first <= day <= step.last}


def _verdicts(changes: Sequence[Change], outcome: Outcome) -> dict[date, Verdict]:
    refused = {one.change: one.reason for one in outcome.refused}
    found = {}
    for change in changes:
        if change.reserve:
            found[change.day] = Verdict("refused", refused[change]) if change in refused else Verdict("reserved")
        else:
            found[change.day] = Verdict("still_due" if change in refused else "cancelled")
    return found


def _answer(event: EnrolmentChanged, verdicts: Mapping[date, Verdict]) -> EnrolmentApplied:
    days = sorted(verdicts.items())
    return EnrolmentApplied(
        version=event.version,
        enrolment_id=event.enrolment_id,
        reserved=tuple(day for day, one in days if one.outcome == "reserved"),
        refused=tuple(RefusedDay(date=day, reason=one.reason) for day, one in days if one.outcome == "refused"),
        cancelled=tuple(day for day, one in days if one.outcome == "cancelled"),
        still_due=tuple(day for day, one in days if one.outcome == "still_due"),
    )


async def _number(session: AsyncSession, event: EnrolmentChanged) -> str:
    """By which the desk finds the family."""
    dossier = await session.get(Dossier, event.dossier_id)
    if dossier is None:
        raise NotYetKnown(Dossier, event.dossier_id)
    return dossier.number
