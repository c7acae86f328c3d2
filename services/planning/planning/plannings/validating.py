"""« Valider », a hot path: all of the changes or none, judged by the moment at which they were first asked for."""

from collections.abc import Mapping, Sequence
from datetime import date, datetime
from uuid import UUID

from asyncpg import Connection
from chassis.editing import Seen
from chassis.problems import NotFound, Problem
from chassis.reach import Acting
from contracts.enrolment import Actor

from planning.reservations import changing
from planning.reservations.changing import Locked, Outcome, Refused
from planning.reservations.rules import UNKNOWN, Change


class CellsRefused(Problem):
    """`errors` names each cell, and why; `attempt_id` keeps the moment for those that are asked for again."""

    type = "urn:problem:planning:cells-refused"
    title = "Cases refusées"
    detail = (
        "Au moins une case ne peut pas être changée : voyez pourquoi au détail de chacune. Rien n'est changé. "
        "Retirez-la, puis validez les autres : elles gardent l'heure de cette demande pendant dix minutes."
    )

    def __init__(self, changes: Sequence[Change], refused: Sequence[Refused]) -> None:
        self.changes = changes
        places = {change: number for number, change in enumerate(changes)}
        super().__init__(
            errors=[
                {
                    "pointer": f"/changes/{places[one.change]}",
                    "detail": one.reason,
                    "child_id": str(one.change.child_id),
                    "activity_id": str(one.change.activity_id),
                    "date": str(one.change.day),
                }
                for one in sorted(refused, key=lambda one: places[one.change])
            ]
        )

    def attempted(self, attempt_id: UUID) -> "CellsRefused":
        self.extra["attempt_id"] = str(attempt_id)
        return self


async def judge(
    connection: Connection,
    acting: Acting,
    seen: Seen,
    month: date,
    changes: Sequence[Change],
    earlier: Mapping[Change, datetime],
    now: datetime,
) -> tuple[Locked, Outcome]:
    """What the changes of that month (its first day) come to, under its lock.

    Raises NotFound (a child that is not the family's, or an activity that is not known), Stale, CellsRefused.
    """
    locked = await changing.lock(connection, acting.dossier_id, changes)
    if unknown := [number for number, change in enumerate(changes) if not _is_known(locked, change)]:
        raise NotFound(errors=[{"pointer": f"/changes/{number}", "detail": UNKNOWN} for number in unknown])
    seen.refuse_if_older(version(locked, month))
    late = acting.override_reason is not None
    outcome = await changing.judge(connection, locked, changes, now, earlier, late=late)
    if outcome.refused:
        raise CellsRefused(changes, outcome.refused)
    return locked, outcome


def _is_known(locked: Locked, change: Change) -> bool:
    line = locked.line(change)
    return line is not None and locked.dossier_id in line.dossier_ids


def version(locked: Locked, month: date) -> int:
    """The month's, before the changes."""
    return locked.versions[locked.dossier_id, month]


def actor(acting: Acting) -> Actor:
    by = acting.by
    return Actor(
        account_id=by.sub,
        guardian_id=by.guardian_id,
        role=by.role,
        name=by.name,
        reason=acting.override_reason,
    )
