"""What is reserved, counted anew by an activity's new bands: nobody loses a day by them."""

from collections.abc import Sequence
from datetime import date
from typing import Any
from uuid import UUID

from chassis.database import fetch
from chassis.problems import Problem
from french import wording
from pydantic_core import to_json
from sqlalchemy.ext.asyncio import AsyncSession

from planning.slots.rules import NOWHERE, Band

_BANDS = """
    WITH band AS (
        SELECT number - 1 AS number, (said->'ages'->>0)::integer AS youngest, (said->'ages'->>1)::integer AS oldest,
               concat_ws('-', said->'ages'->>0, said->'ages'->>1) AS key, (said->>'places')::integer AS places,
               (said->>'site_id')::uuid AS site_id
        FROM jsonb_array_elements($2::text::jsonb) WITH ORDINALITY AS given (said, number)
    )
"""

# Each reserved day from $3 with the band that `band_of` finds for it (none: its place is not counted).
_COUNTED = f"""
    {_BANDS}, reserved AS (
        SELECT reserved.child_id, reserved.day, coalesce(reserved.site_id, '{NOWHERE}') AS site_id,
               reserved.band AS key_before, found.*
        FROM reservations reserved JOIN children child ON child.id = reserved.child_id
        LEFT JOIN LATERAL (
            SELECT number, key, places FROM band
            WHERE coalesce(band.site_id = reserved.site_id, band.site_id IS NULL)
              AND extract(year FROM age(reserved.day, child.birth_date)) BETWEEN youngest AND oldest
            ORDER BY band.site_id IS NULL LIMIT 1
        ) AS found ON true
        WHERE reserved.activity_id = $1 AND reserved.status = 'reserved' AND reserved.day >= $3
    ), slot AS (
        SELECT site_id, day, key, number, places, count(*)::integer AS taken FROM reserved WHERE key IS NOT NULL
        GROUP BY site_id, day, key, number, places
    )
"""  # noqa: S608 -- made of constants alone

# The slots that there are, each with its band of the same ages.
_SAME = """
    SELECT number, places FROM band
    WHERE band.key = slots.band AND coalesce(band.site_id = slots.site_id, band.site_id IS NULL)
    ORDER BY band.site_id IS NULL LIMIT 1
"""
_KEPT = f"""
    {_BANDS}, slot AS (
        SELECT same.number, same.places, slots.taken, slots.day FROM slots JOIN LATERAL ({_SAME}) AS same ON true
        WHERE slots.activity_id = $1 AND slots.day >= $3
    )
"""  # noqa: S608 -- made of constants alone

_TOO_FEW = "SELECT DISTINCT ON (number) number, taken, day FROM slot WHERE taken > places ORDER BY 1, 2 DESC, 3"

_RECOUNT = f"""
    {_COUNTED}, moved AS (
        UPDATE reservations SET band = reserved.key FROM reserved
        WHERE (reservations.child_id, reservations.day) = (reserved.child_id, reserved.day)
          AND reservations.activity_id = $1 AND reserved.key IS DISTINCT FROM key_before
    ), left_empty AS (
        UPDATE slots SET taken = 0, places = coalesce((SELECT places FROM ({_SAME}) AS same), slots.places)
        WHERE activity_id = $1 AND day >= $3
          AND NOT EXISTS (SELECT FROM slot WHERE (site_id, day, key) = (slots.site_id, slots.day, slots.band))
    )
    INSERT INTO slots (activity_id, site_id, day, band, places, taken)
    SELECT $1, site_id, day, key, places, taken FROM slot ORDER BY site_id, day, key
    ON CONFLICT (activity_id, site_id, day, band) DO UPDATE SET places = excluded.places, taken = excluded.taken
"""  # noqa: S608 -- made of constants alone

_RESIZE = f"""
    {_BANDS} UPDATE slots SET places = coalesce((SELECT places FROM ({_SAME}) AS same), slots.places)
    WHERE activity_id = $1 AND day >= $3
"""  # noqa: S608 -- made of constants alone


class PlacesTaken(Problem):
    """`errors` names each band that has fewer places than are taken on a day, and that day."""

    type = "urn:problem:planning:places-taken"
    title = "Places déjà prises"
    detail = "Une activité ne peut pas avoir moins de places que de jours déjà réservés : rien n'est changé."

    def __init__(self, too_few: Sequence[tuple[int, int, date]]) -> None:
        super().__init__(
            errors=[
                {
                    "pointer": f"/bands/{number}/places",
                    "detail": f"Places déjà prises le {wording.day(day)} : {taken}. Gardez-en au moins autant.",
                }
                for number, taken, day in too_few
            ]
        )


async def refuse_too_few(
    session: AsyncSession, activity_id: UUID, before: Sequence[Band], after: Sequence[Band], first: date
) -> None:
    """Raises PlacesTaken where more days are reserved, from the first one on, than the bands after have places for."""
    counted = _KEPT if _same_children(before, after) else _COUNTED
    too_few = await fetch(session, f"{counted} {_TOO_FEW}", *_arguments(activity_id, after, first))
    if too_few:
        raise PlacesTaken([(number, taken, day) for number, taken, day in too_few])


async def recount(
    session: AsyncSession, activity_id: UUID, before: Sequence[Band], after: Sequence[Band], first: date
) -> None:
    """The slots of the days from the first one on are those of the bands after, which have places enough.

    Nobody else changes reserved days meanwhile (`deadlines.locking.alone`).
    """
    statement = _RESIZE if _same_children(before, after) else _RECOUNT
    await fetch(session, statement, *_arguments(activity_id, after, first))


def _same_children(before: Sequence[Band], after: Sequence[Band]) -> bool:
    """Whether each child stays in its band, so that nothing needs to be counted but places."""
    old, new = ({(band.key, band.site_id) for band in bands} for bands in (before, after))
    return old == new


def _arguments(activity_id: UUID, bands: Sequence[Band], first: date) -> tuple[Any, ...]:
    return activity_id, to_json(bands).decode(), first
