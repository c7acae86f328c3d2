"""The holiday weeks that a child may want, a hot path, each with what stands in the way of booking it."""

from dataclasses import dataclass
from datetime import date, datetime
from typing import Any
from uuid import UUID

from asyncpg import Connection
from chassis.database import fetch
from chassis.problems import NotFound
from chassis.reach import Acting

from enrolment.bookings.places import WEEK, Child, Dossier, Week
from enrolment.catalogue.rules import refusal


@dataclass(frozen=True)
class Offer:
    """A week for one child; `reason` says in French why it cannot be booked (none: it can)."""

    week: Week
    reason: str | None

    @property
    def bookable(self) -> bool:
        return self.reason is None


#: A row without a week where the child has none to come.
_WEEKS = f"""
    SELECT child.first_name, child.birth_date, child.resident, dossier.status, dossier.missing, week.*
    FROM children child
    LEFT JOIN dossiers dossier ON dossier.id = $2
    LEFT JOIN LATERAL (
        SELECT EXISTS (
            SELECT FROM booking_lines line
            WHERE line.child_id = child.id AND line.active AND line.period && week.period
        ) AS busy, {WEEK}
        FROM holiday_weeks week JOIN activities activity ON activity.id = week.activity_id
        WHERE lower(week.period) >= $3
          AND date_part('year', age(lower(week.period), child.birth_date)) BETWEEN week.min_age AND week.max_age
          AND ($4::uuid IS NULL OR (lower(week.period), week.centre, week.id) > (
              SELECT lower(period), centre, id FROM holiday_weeks WHERE id = $4
          ))
        ORDER BY lower(week.period), week.centre, week.id LIMIT $5
    ) AS week ON true
    WHERE child.id = $1 AND child.dossier_ids @> ARRAY[$2::uuid]
"""  # noqa: S608 -- made of constants alone


async def weeks(
    connection: Connection,
    acting: Acting,
    child_id: UUID,
    since: date,
    cursor: UUID | None,
    limit: int,
    now: datetime,
) -> list[Offer]:
    """The weeks of the child's age that begin from `since` on, by date and centre, after the one named by `cursor`.

    Raises NotFound unless the child is of the dossier acted for.
    """
    rows = await fetch(connection, _WEEKS, child_id, acting.dossier_id, since, cursor, limit)
    if not rows:
        raise NotFound
    return [_offer(now, *row) for row in rows if row["busy"] is not None]


def _offer(now: datetime, *row: Any) -> Offer:
    first_name, birth_date, resident, status, missing, busy, *columns = row
    week, child = Week(*columns), Child(first_name, birth_date, resident)
    dossier = None if status is None else Dossier(status, missing)
    return Offer(week, _reason(week, child, dossier, busy, now))


def _reason(week: Week, child: Child, dossier: Dossier | None, busy: bool, now: datetime) -> str | None:
    if why := refusal(week, child, dossier, now):
        return why
    if busy:
        return f"{child.first_name} a déjà une réservation à ces dates."
    if week.places_left <= 0:
        return "Cette semaine est complète : inscrivez-vous sur la liste d'attente, ou choisissez une autre semaine."
    return None
