"""Giving a guardian the secret address of their feed, taking it back, and what is read there."""

import secrets
from datetime import date, datetime
from hashlib import sha256
from typing import Any
from uuid import UUID

from chassis.problems import Forbidden, NotFound
from chassis.reach import Reach
from contracts.dossier import Custody
from french.paris import day_in_paris
from sqlalchemy import CompoundSelect, Select, case, cast, delete, null, select, union_all
from sqlalchemy.dialects.postgresql import JSONB, insert
from sqlalchemy.ext.asyncio import AsyncSession

from planning.copies import Activity, BookedDay, Booking, Child, GivenUpDay, is_guardian
from planning.feeds.models import Feed
from planning.feeds.rules import SHOWN, Cell, FeedDay, Trace, told
from planning.reservations.models import Reservation, ReservationStatus
from planning.reservations.rules import is_others

SECRET_BYTES = 32


def _hashed(secret: str) -> bytes:
    # 256 random bits: nothing that could be guessed, so nothing that must be slow.
    return sha256(secret.encode()).digest()


async def renew(session: AsyncSession, reach: Reach, now: datetime) -> str:
    """The secret of a new feed of the guardian's dossier, told this once; the one they had is dead.

    Raises Forbidden for a guardian of no dossier.
    """
    if reach.dossier_id is None or reach.guardian_id is None:
        raise Forbidden
    secret = secrets.token_urlsafe(SECRET_BYTES)
    row = {
        "dossier_id": reach.dossier_id,
        "guardian_id": reach.guardian_id,
        "secret_hash": _hashed(secret),
        "made_at": now,
    }
    made = insert(Feed).values(account_id=reach.sub, **row)
    await session.execute(made.on_conflict_do_update(index_elements=["account_id"], set_=row))
    return secret


async def made_at(session: AsyncSession, reach: Reach) -> datetime | None:
    """Since when the guardian's dossier has the feed they gave out; none: they have none."""
    own = select(Feed.made_at).where(Feed.account_id == reach.sub, Feed.dossier_id == reach.dossier_id)
    return await session.scalar(own.where(is_guardian(Feed.guardian_id, Feed.dossier_id)))


async def revoke(session: AsyncSession, reach: Reach) -> None:
    """The guardian's feed is dead, if there was one."""
    await session.execute(delete(Feed).where(Feed.account_id == reach.sub))


async def read(session: AsyncSession, secret: str, now: datetime) -> list[FeedDay]:
    """What is reserved for the children of the feed's dossier, or was until lately.

    Raises NotFound for a secret of no feed, and for one of somebody who is no guardian of that dossier any more.
    """
    own = select(Feed.dossier_id).where(Feed.secret_hash == _hashed(secret))
    dossier_id = await session.scalar(own.where(is_guardian(Feed.guardian_id, Feed.dossier_id)))
    if dossier_id is None:
        raise NotFound
    since = day_in_paris(now - SHOWN)
    days = [
        (Cell(*day[:5]), Trace(*day[5:]))
        for custody, *day in await session.execute(_days(dossier_id, since))
        if custody is None or not is_others(Custody.model_validate(custody), day[4], dossier_id)
    ]
    return list(told(days, now))


def _days(dossier_id: UUID, since: date) -> CompoundSelect[*tuple[Any, ...]]:
    """Each day of the dossier's children that is reserved, or booked by it, or was: a cell, and its trace.

    Before them the child's custody, by which the day may be the other family's; what it has booked itself is its own.
    """
    own = Child.dossier_ids.any_() == dossier_id

    def booked(day: type[BookedDay | GivenUpDay], given_up_at: Any) -> Select[*tuple[Any, ...]]:
        return (
            select(
                cast(null(), JSONB),
                day.child_id,
                Child.first_name,
                day.activity_id,
                Activity.name,
                day.day,
                day.booking_id,
                Booking.version,
                given_up_at,
            )
            .join(Booking, Booking.id == day.booking_id)
            .join(Child, Child.id == day.child_id)
            .join(Activity, Activity.id == day.activity_id)
            .where(day.day >= since, Booking.dossier_id == dossier_id, own)
        )

    reserved = (
        select(
            Child.custody,
            Reservation.child_id,
            Child.first_name,
            Reservation.activity_id,
            Activity.name,
            Reservation.day,
            null(),
            Reservation.version,
            case((Reservation.status == ReservationStatus.CANCELLED, Reservation.changed_at)),
        )
        .join(Child, Child.id == Reservation.child_id)
        .join(Activity, Activity.id == Reservation.activity_id)
        .where(Reservation.day >= since, own)
    )
    return union_all(booked(BookedDay, null()), booked(GivenUpDay, GivenUpDay.given_up_at), reserved)
