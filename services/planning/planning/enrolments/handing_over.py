"""Reserved days of a child whose custody or dossiers have changed: each is charged to the family that has the child."""

from collections.abc import Iterable, Sequence
from dataclasses import replace
from datetime import date
from uuid import UUID

from chassis import clock
from chassis.database import fetch
from chassis.identifiers import new_id
from chassis.outbox import publish
from contracts.dossier import ChildChanged
from contracts.planning import NoticeWritten
from french.paris import day_in_paris
from french.wording import by_month
from sqlalchemy.ext.asyncio import AsyncSession

from planning.reservations import changing
from planning.reservations.changing import Done, Locked
from planning.reservations.notices import counted
from planning.reservations.rules import Change, Itself

CUSTODY_CHANGED = Itself("Calendrier de garde, ou dossier de l'enfant, modifié")

# Of days to come: today's meals are ordered.
_MONTHS = """
    SELECT DISTINCT child.id, activity_id, date_trunc('month', day)::date, dossier_ids[1]
    FROM children child JOIN reservations ON child_id = child.id
    WHERE child.id = ANY($1) AND status = 'reserved' AND day > $2
      AND (custody IS NOT NULL OR dossier_id <> ALL (dossier_ids)) AND dossier_ids <> '{}'
"""


async def hand_over(session: AsyncSession, events: Sequence[ChildChanged]) -> None:
    """Of these children, whose copies are locked, all at once: their months are locked in one order."""
    today, now = day_in_paris(clock.now()), clock.now()
    wanted = await fetch(session, _MONTHS, [one.child_id for one in events], today)
    if not wanted:
        return
    families = {child_id: dossier_id for child_id, *_, dossier_id in wanted}
    locked = await changing.lock_months(session, wanted[0][3], [tuple(row)[:3] for row in wanted])
    shares = [(share, _days(share, today)) for share in (_share(locked, *one) for one in sorted(families.items()))]
    await changing.hold_places(session, shares)
    for share, days in shares:
        outcome = await changing.judge(session, share, days, now, moving=True)
        if outcome.done:
            await changing.write(session, share, outcome, CUSTODY_CHANGED, now)
            await publish(session, *_told(outcome.done))


def _share(locked: Locked, child_id: UUID, dossier_id: UUID) -> Locked:
    """What is locked of that child, for all its families."""
    lines = {key: replace(line, family=None) for key, line in locked.lines.items() if line.child_id == child_id}
    return replace(locked, dossier_id=dossier_id, lines=lines)


def _days(locked: Locked, today: date) -> list[Change]:
    return [
        Change(line.child_id, line.activity_id, day, True)
        for line in locked.lines.values()
        for day in line.held
        if day > today
    ]


def _told(done: Iterable[Done]) -> list[NoticeWritten]:
    """To the family that is charged with days from now on, and to the one that no longer is."""
    days: dict[tuple[UUID, str, bool], list[Done]] = {}
    for one in done:
        if one.before and one.after and one.before.dossier_id != one.after.dossier_id:
            child = one.line.first_name
            days.setdefault((one.after.dossier_id, child, True), []).append(one)
            days.setdefault((one.before.dossier_id, child, False), []).append(one)
    return [_notice(*of, some) for of, some in days.items()]


def _notice(dossier_id: UUID, child: str, theirs: bool, done: Sequence[Done]) -> NoticeWritten:
    by_activity: dict[str, list[date]] = {}
    for one in done:
        by_activity.setdefault(one.line.activity_name, []).append(one.change.day)
    whose = "à votre charge" if theirs else "à la charge de l'autre dossier de l'enfant"
    first = min(one.change.day for one in done)
    return NoticeWritten(
        notice_id=new_id(),
        dossier_id=dossier_id,
        title=f"Garde de {child} : {counted(done, 'réservé')}, désormais {whose}",
        paragraphs=(
            f"Le calendrier de garde de {child}, ou son dossier, a changé. Ces jours réservés sont désormais {whose} :",
            *(f"{name} : {by_month(some)}." for name, some in sorted(by_activity.items())),
        ),
        link=f"/planning/{first:%Y-%m}",
    )
