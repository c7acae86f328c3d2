"""Reading the planning of a family's month."""

from dataclasses import dataclass
from datetime import date, datetime
from uuid import UUID

from asyncpg import Connection
from chassis.database import fetch
from chassis.problems import Malformed, NotFound
from chassis.reach import Reach
from french.calendar import last_day

from planning.drafts import drafts
from planning.plannings.rules import BookedDay, Draft, Place, Row, drafted, is_in_month, rows
from planning.reservations.lines import CALENDAR, LINE_WIDTH, LINES, calendar, read
from planning.reservations.rules import UNKNOWN
from planning.slots.rules import NOWHERE

# By its own copy, and by the bookings it is in: these may arrive before.
_DOSSIERS_OF = """
    SELECT unnest(dossier_ids) FROM children WHERE id = $1
    UNION
    SELECT dossier_id FROM bookings JOIN booking_days ON booking_id = id WHERE child_id = $1
"""

# A line for each enrolment of the month, for what is reserved without one (any more), and for what is drafted. Without
# a line there is one row all the same: the version of the month, and the draft.
_LINES = f"""
    WITH draft AS (
        SELECT changes, kept_at FROM drafts WHERE account_id = $5 AND month = $3 AND dossier_id = $1
    ), child AS (
        SELECT id FROM children WHERE dossier_ids @> ARRAY[$1::uuid] AND id = coalesce($2::uuid, id)
    ), asked AS (
        SELECT child_id, activity_id, $3::date AS month
        FROM child JOIN enrolments ON child_id = child.id
        WHERE valid_from <= $4 AND valid_to >= $3 AND valid_from <= valid_to
        UNION
        SELECT child_id, activity_id, $3
        FROM child JOIN reservations ON child_id = child.id
        WHERE status = 'reserved' AND day BETWEEN $3 AND $4
        UNION
        SELECT wish.child_id, wish.activity_id, $3
        FROM draft, jsonb_to_recordset(changes) AS wish (child_id uuid, activity_id uuid)
        JOIN child ON child.id = wish.child_id
    )
    SELECT (SELECT version FROM planning_months WHERE dossier_id = $1 AND month = $3),
           (SELECT kept_at FROM draft), (SELECT changes::text FROM draft),
           calendar.*, line.*, gone.days, gone.sites, gone.bands
    FROM (SELECT) AS here
    LEFT JOIN ({CALENDAR}) AS calendar ON true
    LEFT JOIN ({LINES}) AS line ON true
    LEFT JOIN LATERAL (
        SELECT array_agg(day) AS days, array_agg(site_id) AS sites, array_agg(band) AS bands
        FROM unnest(line.enrolled_at) AS site JOIN slots ON site_id = coalesce(site, '{NOWHERE}')
        WHERE slots.activity_id = line.activity_id AND day BETWEEN $3 AND $4 AND taken = places
    ) AS gone ON true
"""  # noqa: S608 -- made of constants alone

_BOOKED = """
    SELECT day.child_id, child.first_name, day.activity_id, activity.name, day.day, day.booking_id, booking.status,
           week.cancellation_closes_at
    FROM bookings booking
    JOIN booking_days day ON day.booking_id = booking.id
    LEFT JOIN children child ON child.id = day.child_id
    LEFT JOIN activities activity ON activity.id = day.activity_id
    LEFT JOIN holiday_weeks week ON week.id = day.holiday_week_id
    WHERE booking.dossier_id = $1 AND day.child_id = coalesce($2::uuid, day.child_id) AND day.day BETWEEN $3 AND $4
"""


@dataclass(frozen=True)
class Planning:
    """A month of a dossier, of all its children or one; `version` is the whole month's, whatever is shown of it.

    The draft is the caller's own; none: they have none.
    """

    dossier_id: UUID
    version: int
    rows: list[Row]
    draft: Draft | None


async def planning(
    connection: Connection, reach: Reach, first: date, dossier_id: UUID | None, child_id: UUID | None, now: datetime
) -> Planning:
    """The month that begins on `first`, at that moment: three queries at most, whatever the family's size.

    Raises NotFound for whoever is unknown, or nobody's that the caller may see; Malformed where the child has several
    dossiers, and none is said.
    """
    own = await whose(connection, reach, dossier_id, child_id)
    last = last_day(first)
    found = await fetch(connection, _LINES, own, child_id, first, last, reach.sub)
    booked = await fetch(connection, _BOOKED, own, child_id, first, last)
    lines = []
    for row in found:
        if line := read(row[6 : 6 + LINE_WIDTH], own):
            days, sites, bands = (column or () for column in row[-3:])
            known = (None if site == NOWHERE else site for site in sites)
            lines.append((line, set(map(Place, days, known, bands))))
    version, kept_at, wishes, *town = found[0][:6]
    works = calendar(*town)
    shown = rows(first, [one for one in lines if is_in_month(one[0])], [BookedDay(*row) for row in booked], works, now)
    draft = None
    if wishes is not None:
        changes = [one for one in drafts.read(wishes) if child_id in (None, one.child_id)]
        draft = Draft(kept_at, drafted(changes, lines, works, now))
    return Planning(own, version or 0, shown, draft)


async def draft(connection: Connection, reach: Reach, first: date, now: datetime) -> Draft:
    """The caller's draft of the month that begins on `first`, which they have, as it stands at that moment.

    Raises NotFound, naming each wish for a child that is not the family's, or an activity that is not known.
    """
    found = (await planning(connection, reach, first, None, None, now)).draft
    if found is None:
        raise NotFound
    if errors := [
        {"pointer": f"/changes/{number}", "detail": UNKNOWN}
        for number, one in enumerate(found.changes)
        if one.reason == UNKNOWN
    ]:
        raise NotFound(errors=errors)
    return found


async def whose(connection: Connection, reach: Reach, dossier_id: UUID | None, child_id: UUID | None) -> UUID:
    """The dossier whose month is asked for: the one that is named, else the guardian's own, else the child's.

    Raises NotFound, Malformed (nobody is named, or the child has several dossiers).
    """
    dossier_id = dossier_id or reach.dossier_id
    if reach.role == "agent" and dossier_id is None and child_id is None:
        need = "Indiquez le dossier (dossier_id) ou l'enfant (child_id)."
        raise Malformed(errors=[{"pointer": "/query/dossier_id", "detail": need}])
    of_child = {dossier_id} if child_id is None else {one for (one,) in await fetch(connection, _DOSSIERS_OF, child_id)}
    covered = [one for one in of_child if one is not None and reach.covers(one) and dossier_id in (None, one)]
    if not covered:
        raise NotFound
    if len(covered) > 1:
        several = "Cet enfant dépend de deux dossiers : indiquez lequel."
        raise Malformed(errors=[{"pointer": "/query/dossier_id", "detail": several}])
    return covered[0]
