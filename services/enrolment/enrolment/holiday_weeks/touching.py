"""Whom an edit of a holiday week touches: bookings that stay all the same, and what becomes of those who wait."""

from collections.abc import Mapping
from datetime import datetime
from typing import Any
from uuid import UUID

from chassis import touched
from chassis.bodies import Paging
from chassis.database import fetch
from chassis.editing import Seen
from chassis.reach import Reach
from chassis.touched import Touched, Words
from sqlalchemy.ext.asyncio import AsyncSession

from enrolment.catalogue.rules import moment
from enrolment.catalogue.touching import DAYS
from enrolment.holiday_weeks import editing
from enrolment.holiday_weeks.editing import Edition
from enrolment.waiting_list import offers

WORDS = {
    "booked": Words("semaine réservée ne serait plus acceptée", "semaines réservées ne seraient plus acceptées"),
    "deadline": Words(
        "semaine réservée a un autre délai d'annulation", "semaines réservées ont un autre délai d'annulation"
    ),
    "offered": Words("attente reçoit une proposition", "attentes reçoivent une proposition"),
    "ended": Words("attente prend fin", "attentes prennent fin"),
    "moved": Words("attente porte sur d'autres jours", "attentes portent sur d'autres jours"),
    "fewer": Words("attente garde son rang, pour moins de places", "attentes gardent leur rang, pour moins de places"),
}
SAID = (
    "Aucune réservation n'est annulée.",
    "Qui attend et reçoit une proposition, ou n'attend plus, en est prévenu dès l'enregistrement.",
)

#: Who waits for the week, with the whole of their groups, before the change.
_STANDING = """
    SELECT id FROM waiting_entries WHERE status IN ('waiting', 'offered') AND group_id IN (
        SELECT group_id FROM waiting_entries WHERE holiday_week_id = $1 AND status IN ('waiting', 'offered')
    )
"""

# Read while the change is made, the places that it frees are offered, and who cannot wait any more has left the list.
_FOUND = """
    WITH booked AS (
        SELECT week.id AS week_id, dossier_id, line.child_id,
            years BETWEEN $3 AND $4 AND years NOT BETWEEN min_age AND max_age AS unfit
        FROM holiday_weeks week JOIN booking_lines line ON line.holiday_week_id = week.id
        JOIN bookings ON bookings.id = booking_id JOIN children child ON child.id = line.child_id
        CROSS JOIN LATERAL (SELECT extract(year FROM age(dates[1], birth_date)) AS years) AS aged
        WHERE week.id = $1 AND line.active
    ), touch AS (
        SELECT 'booked' AS touch, 'age' AS why, week_id, dossier_id, child_id FROM booked WHERE unfit
        UNION ALL
        SELECT 'deadline', 'deadline', week_id, dossier_id, child_id FROM booked WHERE $5
        UNION ALL
        SELECT CASE
                WHEN entry.status IN ('closed', 'lapsed') THEN 'ended'
                WHEN entry.status = 'offered' AND offered_at = $8 THEN 'offered'
                WHEN $6 AND holiday_week_id = $1 THEN 'moved'
                WHEN $7 AND holiday_week_id = $1 AND entry.status = 'waiting' THEN 'fewer'
            END, reason, holiday_week_id, dossier_id, child_id
        FROM waiting_entries entry WHERE id = ANY($2)
    ), found AS MATERIALIZED (
        SELECT touch, why, activity_id, site_id, dossier_id, child_id, count(*)::integer AS count,
            array_agg(week_id) AS weeks
        FROM touch JOIN holiday_weeks week ON week.id = week_id WHERE touch IS NOT NULL
        GROUP BY touch, why, activity_id, site_id, dossier_id, child_id
    )
"""


async def change(
    session: AsyncSession,
    reach: Reach,
    seen: Seen,
    week_id: UUID,
    asked: Mapping[str, Any],
    reason: str | None,
    now: datetime,
    paging: Paging,
) -> tuple[Edition, Touched]:
    """The week with that change made, and whom it touches. Raises as `editing.change`."""
    await offers.lock(session, [week_id])
    week = (await editing.read(session, week_id)).week
    ages, dates, closes_at, places = week.ages, week.dates, week.cancellation_closes_at, week.places
    standing = [row["id"] for row in await fetch(session, _STANDING, week_id)]
    edition = await editing.change(session, reach, seen, week_id, asked, reason, now)
    week = edition.week
    moved = week.cancellation_closes_at != closes_at
    arguments = (week_id, standing, *ages, moved, week.dates != dates, week.places < places, now)
    reasons = {
        "age": f"Elle accueille les enfants de {week.min_age} à {week.max_age} ans.",
        "deadline": f"Remboursée si elle est annulée jusqu'au {moment(week.cancellation_closes_at)}.",
    }
    return edition, await touched.read(session, _FOUND, DAYS, arguments, paging, WORDS, reasons, SAID)
