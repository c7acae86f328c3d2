"""The history of a family's month: who changed what, when, and at the desk why."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any, Literal
from uuid import UUID

from asyncpg import Connection
from chassis.bodies import Paging
from chassis.database import fetch
from chassis.reach import Reach

from planning.reservations.lines import custody_of
from planning.reservations.rules import is_others

# What was done for the family, and what else became of its children's days. Only the months have few rows: an entry has
# no id but what it is named by, which is made here.
_ENTRIES = """
    WITH child AS (
        SELECT id FROM children WHERE dossier_ids @> ARRAY[$1::uuid]
    ), entry AS (
        SELECT entries.* FROM entries JOIN child ON child.id = child_id WHERE month = $2
        UNION
        SELECT * FROM entries WHERE dossier_id = $1 AND month = $2
    ), named AS (
        SELECT md5(concat_ws(' ', child_id, activity_id, month, version))::uuid AS id, *
        FROM entry WHERE child_id = coalesce($3::uuid, child_id)
    )
    SELECT child.custody::text, named.id, at, child_id, first_name, activity_id, activity.name, reserved, cancelled,
           dossier_id, account_id, role, named.name, reason
    FROM named
    LEFT JOIN children child ON child.id = child_id
    LEFT JOIN activities activity ON activity.id = activity_id
    WHERE $4::uuid IS NULL OR (at, named.id) < (SELECT at, id FROM named WHERE id = $4)
    ORDER BY at DESC, named.id DESC
    LIMIT $5
"""

By = Literal["you", "family", "other_family", "desk", "town"]


@dataclass(frozen=True)
class Entry:
    """What was changed at once of a child's days in an activity.

    `by` says who, as the caller sees it: themselves, their family, the other family of the child, the desk, or nobody
    (`town`: it followed from the reason). What is done by or for the other family is told without name and reason; of
    its days by the child's custody nothing is.
    Names of child and activity are none until their copies have arrived.
    """

    id: UUID
    at: datetime
    child_id: UUID
    child_first_name: str | None
    activity_id: UUID
    activity_name: str | None
    reserved: list[date]
    cancelled: list[date]
    by: By
    name: str | None
    reason: str | None


async def entries(
    connection: Connection, reach: Reach, dossier_id: UUID, month: date, child_id: UUID | None, paging: Paging
) -> list[Entry]:
    """Those of a dossier's month (its first day), the newest first, and one more than the page has."""
    found: list[Entry] = []
    cursor, most = paging.cursor, paging.limit + 1
    while rows := await fetch(connection, _ENTRIES, dossier_id, month, child_id, cursor, most):
        found += [one for row in rows if (one := _entry(reach, dossier_id, row))]
        if len(found) >= most or len(rows) < most:
            break
        cursor = rows[-1]["id"]
    return found[:most]


def _entry(reach: Reach, own: UUID, row: Sequence[Any]) -> Entry | None:
    """None: it is of the other family's days."""
    custody, *about, reserved, cancelled, dossier_id, account_id, role, name, reason = row
    calendar = custody_of(custody)
    what = [*about, *([day for day in some if not is_others(calendar, day, own)] for some in (reserved, cancelled))]
    if calendar and not any(what[-2:]):
        return None
    by: By = "family" if dossier_id == own else "other_family"
    if role == "town":
        return Entry(*[*what, "town", None, reason])
    if role != "guardian":
        by = "desk"
    elif account_id == reach.sub:
        by = "you"
    told = [name, reason] if dossier_id == own else [None, None]
    return Entry(*[*what, by, *told])
