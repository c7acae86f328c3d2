"""Copying a week: what would have to change for others to be like it. Nothing is changed."""

from collections.abc import Collection, Iterable
from datetime import date, datetime, timedelta
from uuid import UUID

from asyncpg import Connection
from chassis.database import fetch
from chassis.problems import NotFound
from chassis.reach import Acting

from planning.plannings import reading
from planning.plannings.rules import Copied, copied
from planning.reservations.rules import UNKNOWN_CHILD

_CHILDREN = "SELECT id FROM children WHERE id = ANY($1) AND dossier_ids @> ARRAY[$2::uuid]"


async def copy(
    connection: Connection, acting: Acting, children: Collection[UUID], week: date, to: Iterable[date], now: datetime
) -> Copied:
    """The week of that Monday for those children, as the caller's draft would have it, proposed for those of others.

    Raises NotFound, naming each child that is not the family's.
    """
    own = {child_id for (child_id,) in await fetch(connection, _CHILDREN, list(children), acting.dossier_id)}
    if unknown := [number for number, child in enumerate(children) if child not in own]:
        raise NotFound(errors=[{"pointer": f"/child_ids/{number}", "detail": UNKNOWN_CHILD} for number in unknown])
    mondays = [week, *to]
    months = sorted({day.replace(day=1) for monday in mondays for day in (monday, monday + timedelta(days=6))})
    found = [await reading.planning(connection, acting.by, one, acting.dossier_id, None, now) for one in months]
    rows = [row for one in found for row in one.rows if row.child_id in own]
    draft = [day for one in found if one.draft for day in one.draft.changes if day.child_id in own]
    return copied(rows, draft, mondays[0], mondays[1:])
