"""Refused validations: what is asked again of one, soon after, is judged by the moment at which it first was."""

import json
from collections.abc import Iterable, Mapping
from datetime import date, datetime
from uuid import UUID

from asyncpg import Connection
from chassis.database import fetch
from chassis.identifiers import new_id
from chassis.reach import Acting

from planning.plannings.models import LASTS
from planning.reservations.rules import Change

_READ = """
    SELECT cells::text FROM attempts WHERE id = $1 AND account_id = $2 AND dossier_id = $3 AND month = $4
"""
# Whoever tries again no longer needs what is older than it lasts.
_KEEP = """
    WITH gone AS (DELETE FROM attempts WHERE account_id = $2 AND at <= $7)
    INSERT INTO attempts (id, account_id, dossier_id, month, at, cells) VALUES ($1, $2, $3, $4, $5, $6::jsonb)
"""


async def moments(
    connection: Connection, acting: Acting, month: date, attempt_id: UUID | None, now: datetime
) -> dict[Change, datetime]:
    """The earlier moments by which cells are judged: none but those of an attempt of the same caller, dossier and month
    (its first day) which still lasts. Any other is as if it had not been named.
    """
    if attempt_id is None:
        return {}
    rows = await fetch(connection, _READ, attempt_id, acting.by.sub, acting.dossier_id, month)
    cells = [
        (Change(UUID(child), UUID(activity), date.fromisoformat(day), reserve), datetime.fromisoformat(at))
        for (text,) in rows
        for child, activity, day, reserve, at in json.loads(text)
    ]
    return {change: at for change, at in cells if now - LASTS < at <= now}


async def keep(
    connection: Connection,
    acting: Acting,
    month: date,
    changes: Iterable[Change],
    earlier: Mapping[Change, datetime],
    now: datetime,
) -> UUID:
    """Of a refused validation of that month; each cell keeps the moment by which it was judged."""
    attempt_id = new_id()
    cells = [
        (str(one.child_id), str(one.activity_id), str(one.day), one.reserve, earlier.get(one, now).isoformat())
        for one in changes
    ]
    await fetch(
        connection,
        _KEEP,
        *(attempt_id, acting.by.sub, acting.dossier_id, month, now, json.dumps(cells), now - LASTS),
    )
    return attempt_id
