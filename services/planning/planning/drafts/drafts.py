"""Keeping a guardian's draft of a month, reading it back, and dropping what has been validated."""

import json
from collections.abc import Iterable, Mapping, Sequence
from datetime import date, datetime
from typing import Any
from uuid import UUID

from asyncpg import Connection
from chassis.database import fetch
from chassis.problems import Forbidden, Problem
from chassis.reach import Acting, Reach
from sqlalchemy import delete
from sqlalchemy.ext.asyncio import AsyncSession

from planning.drafts.models import Draft
from planning.reservations.rules import Change

_KEEP = """
    INSERT INTO drafts AS draft (account_id, month, dossier_id, guardian_id, changes, kept_at, look_at, reminded)
    VALUES ($1, $2, $3, $4, $5::jsonb, $6, $6, '{}')
    ON CONFLICT (account_id, month) DO UPDATE
    SET dossier_id = excluded.dossier_id, guardian_id = excluded.guardian_id, changes = excluded.changes,
        kept_at = excluded.kept_at, look_at = excluded.look_at,
        reminded = CASE WHEN draft.dossier_id = excluded.dossier_id THEN draft.reminded ELSE '{}' END
"""
_READ = "SELECT changes::text FROM drafts WHERE account_id = $1 AND month = $2 AND dossier_id = $3"

# Wishes for other children are left over. What was kept meanwhile has not been validated ($4: as it was read).
_VALIDATED = """
    WITH draft AS (
        SELECT changes AS whole, (
            SELECT jsonb_agg(wish ORDER BY number)
            FROM jsonb_array_elements(changes) WITH ORDINALITY AS wish (wish, number)
            WHERE wish ->> 'child_id' <> ALL($3::text[])
        ) AS left_over
        FROM drafts WHERE account_id = $1 AND month = $2 AND changes = coalesce($4::jsonb, changes)
    ), gone AS (
        DELETE FROM drafts USING draft
        WHERE account_id = $1 AND month = $2 AND changes = whole AND left_over IS NULL
    )
    UPDATE drafts SET changes = left_over FROM draft
    WHERE account_id = $1 AND month = $2 AND changes = whole AND left_over IS NOT NULL
"""


class NoDraft(Problem):
    type = "urn:problem:planning:no-draft"
    title = "Pas de brouillon"
    detail = "Vous n'avez pas de brouillon pour ce mois : indiquez les cases à réserver ou à annuler (changes)."


async def keep(connection: Connection, reach: Reach, month: date, changes: Sequence[Change], now: datetime) -> None:
    """The account's draft of that month (its first day), in place of the one before.

    Raises Forbidden for a guardian of no dossier.
    """
    if reach.dossier_id is None or reach.guardian_id is None:
        raise Forbidden
    who = reach.sub, month, reach.dossier_id, reach.guardian_id
    await fetch(connection, _KEEP, *who, written(changes), now)


async def drop(session: AsyncSession, reach: Reach, month: date) -> None:
    """Forget the account's draft of that month, if there is one."""
    await session.execute(delete(Draft).where(Draft.account_id == reach.sub, Draft.month == month))


async def of(connection: Connection, acting: Acting, month: date) -> list[Change]:
    """What the caller's draft of that month asks for. Raises NoDraft: of another dossier it is as if it were none."""
    found = await fetch(connection, _READ, acting.by.sub, month, acting.dossier_id)
    if not found:
        raise NoDraft
    return read(found[0][0])


async def validated(
    connection: Connection, acting: Acting, month: date, changes: Iterable[Change], draft: Sequence[Change] = ()
) -> None:
    """The caller's draft of that month is over for the children of these changes, which have been made.

    With `draft` it was what was validated: one kept since is left alone. Its row is locked after the month's.
    """
    if not acting.at_desk:
        children = sorted({str(change.child_id) for change in changes})
        await fetch(connection, _VALIDATED, acting.by.sub, month, children, written(draft) if draft else None)


def written(changes: Iterable[Change]) -> str:
    """As they are stored."""
    return json.dumps(
        [
            {
                "child_id": str(one.child_id),
                "activity_id": str(one.activity_id),
                "date": str(one.day),
                "reserve": one.reserve,
            }
            for one in changes
        ]
    )


def read(stored: str) -> list[Change]:
    """Of what is stored, in the order in which it was asked for."""
    return [change(one) for one in json.loads(stored)]


def change(stored: Mapping[str, Any]) -> Change:
    return Change(
        child_id=UUID(stored["child_id"]),
        activity_id=UUID(stored["activity_id"]),
        day=date.fromisoformat(stored["date"]),
        reserve=stored["reserve"],
    )
