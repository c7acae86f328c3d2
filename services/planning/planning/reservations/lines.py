"""Reading what decides on the days of children: one row a child, activity and month, in one query."""

import json
from collections.abc import Iterable, Sequence
from datetime import date
from functools import lru_cache
from typing import Any
from uuid import UUID

from contracts.dossier import Custody

from planning.deadlines.rules import Rules, TownCalendar
from planning.reservations.rules import Enrolled, Held, Line

#: Of each row of `asked (child_id, activity_id, month)`, which stands before it in the query.
LINES = """
    SELECT asked.child_id, child.first_name, child.birth_date, child.dossier_ids,
           child.custody::text,
           asked.activity_id, activity.name, activity.kind, activity.status = 'open' AS is_open,
           rules.weekdays, rules.booking_deadline::text, rules.cancellation_deadline::text, rules.bands::text,
           asked.month, enrolled.firsts, enrolled.lasts, enrolled.sites AS enrolled_at,
           held.days, held.dossiers, held.sites, held.bands, coalesce((
               SELECT max(version) FROM entries
               WHERE child_id = asked.child_id AND activity_id = asked.activity_id AND month = asked.month
           ), 0) AS version
    FROM asked
    LEFT JOIN children child ON child.id = asked.child_id
    LEFT JOIN activities activity ON activity.id = asked.activity_id
    LEFT JOIN activity_rules rules ON rules.activity_id = asked.activity_id
    LEFT JOIN LATERAL (
        SELECT array_agg(valid_from ORDER BY valid_from, id) AS firsts,
               array_agg(valid_to ORDER BY valid_from, id) AS lasts,
               array_agg(site_id ORDER BY valid_from, id) AS sites
        FROM enrolments WHERE child_id = asked.child_id AND activity_id = asked.activity_id
    ) AS enrolled ON true
    LEFT JOIN LATERAL (
        SELECT array_agg(day ORDER BY day) AS days, array_agg(dossier_id ORDER BY day) AS dossiers,
               array_agg(site_id ORDER BY day) AS sites, array_agg(band ORDER BY day) AS bands
        FROM reservations
        WHERE child_id = asked.child_id AND activity_id = asked.activity_id AND status = 'reserved'
          AND day >= asked.month AND day < asked.month + interval '1 month'
    ) AS held ON true
"""

#: How many columns they are.
LINE_WIDTH = 22

CALENDAR = """
    SELECT school_zone, ARRAY(SELECT day FROM closed_days ORDER BY day) AS closed,
           ARRAY(SELECT name FROM closed_days ORDER BY day) AS names
    FROM calendar
"""


def calendar(school_zone: str | None, days: Sequence[date] | None, names: Sequence[str] | None) -> TownCalendar:
    """Of a row of `CALENDAR`, or of none: then no activity has any day."""
    return TownCalendar(school_zone or "", dict(zip(days or (), names or (), strict=True)))


def read(row: Iterable[Any], dossier_id: UUID) -> Line | None:
    """Of a row of `LINES`, for that family; none where the child or the activity is not known."""
    child_id, first_name, birth_date, dossier_ids, custody, activity_id, name, kind, is_open, *more = row
    if first_name is None or name is None:
        return None
    weekdays, booking, cancellation, bands, month, *arrays, version = more
    firsts, lasts, sites, days, dossiers, held_sites, held_bands = (one or () for one in arrays)
    return Line(
        child_id=child_id,
        first_name=first_name,
        birth_date=birth_date,
        dossier_ids=dossier_ids,
        custody=custody_of(custody),
        activity_id=activity_id,
        activity_name=name,
        kind=kind,
        is_open=is_open,
        rules=None if weekdays is None else _rules(tuple(weekdays), booking, cancellation, bands),
        month=month,
        enrolled=list(map(Enrolled, firsts, lasts, sites)),
        held=dict(zip(days, map(Held, dossiers, held_sites, held_bands), strict=True)),
        version=version,
        family=dossier_id,
    )


@lru_cache(1000)
def custody_of(said: str | None) -> Custody | None:
    """As it is stored."""
    return None if said is None else Custody.model_validate_json(said)


@lru_cache(1000)
def _rules(weekdays: tuple[str, ...], *said: str) -> Rules:
    """As they are stored: the same text is the same rules."""
    names = ("booking_deadline", "cancellation_deadline", "bands")
    return Rules.model_validate({"weekdays": weekdays} | dict(zip(names, map(json.loads, said), strict=True)))
