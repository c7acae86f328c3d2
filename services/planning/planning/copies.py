"""Tables of what others own, each with the version of the event it came from. None refers to another."""

from collections.abc import Sequence
from datetime import date, datetime
from enum import StrEnum
from typing import Any
from uuid import UUID

from chassis import clock
from chassis.copies import keep_copies
from chassis.law import COPY, impersonal, part_of, personal
from chassis.schema import may
from chassis.states import state
from contracts import enrolment as contract
from contracts.dossier import Adult, DossierChanged
from sqlalchemy import ARRAY, ColumnElement, Date, ForeignKey, Index, Text, Uuid, delete, insert, select
from sqlalchemy.dialects.postgresql import JSONB
from sqlalchemy.dialects.postgresql import insert as upsert
from sqlalchemy.ext.asyncio import AsyncSession
from sqlalchemy.orm import InstrumentedAttribute, Mapped, mapped_column

from planning.models import Base


class BookingStatus(StrEnum):
    CONFIRMED = "confirmed"
    PAID = "paid"
    EXPIRED = "expired"
    CANCELLED = "cancelled"


#: Bookings whose days are reserved. Revival makes an expired one confirmed again: only the version tells what is true.
STANDING = frozenset({BookingStatus.CONFIRMED, BookingStatus.PAID})


class Dossier(Base):
    """Of a dossier, its number and legal guardians: nobody while it is archived."""

    __tablename__ = "dossiers"
    __table_args__ = may("UPDATE", law=personal("Dossiers", dossier="id", unexported=COPY))

    id: Mapped[UUID] = mapped_column(primary_key=True)
    version: Mapped[int]
    number: Mapped[str]
    guardian_ids: Mapped[list[UUID]] = mapped_column(ARRAY(Uuid()))
    guardian_names: Mapped[list[str]] = mapped_column(ARRAY(Text()))


def guardians(event: DossierChanged) -> list[UUID]:
    """Its legal guardians, without the other adults."""
    return [one.adult_id for one in _guardians(event)]


def names_of_guardians(event: DossierChanged) -> list[str]:
    """In the same order."""
    return [f"{one.first_name} {one.last_name}" for one in _guardians(event)]


def _guardians(event: DossierChanged) -> list[Adult]:
    return [one for one in event.adults if event.status == "active" and "legal_guardian" in one.roles]


def is_guardian(
    guardian_id: InstrumentedAttribute[UUID], dossier_id: InstrumentedAttribute[UUID]
) -> ColumnElement[bool]:
    """Whether the row's guardian is known to be one of its dossier."""
    return select(Dossier.id).where(Dossier.id == dossier_id, guardian_id == Dossier.guardian_ids.any_()).exists()


class Child(Base):
    """`custody` is contracts.dossier.Custody."""

    __tablename__ = "children"
    __table_args__ = (
        Index(None, "dossier_ids", postgresql_using="gin"),
        may("UPDATE", law=personal("Enfants", child="id", dossier="dossier_ids", unexported=COPY)),
    )

    id: Mapped[UUID] = mapped_column(primary_key=True)
    version: Mapped[int]
    dossier_ids: Mapped[list[UUID]] = mapped_column(ARRAY(Uuid()))
    first_name: Mapped[str]
    birth_date: Mapped[date]
    custody: Mapped[dict[str, Any] | None] = mapped_column(JSONB(none_as_null=True))


class Site(Base):
    __tablename__ = "sites"
    __table_args__ = may("UPDATE", law=impersonal("as long as the site"))

    id: Mapped[UUID] = mapped_column(primary_key=True)
    version: Mapped[int]
    code: Mapped[str]
    kind: Mapped[str]
    name: Mapped[str]


class Activity(Base):
    __tablename__ = "activities"
    __table_args__ = may("UPDATE", law=impersonal("as long as the activity"))

    id: Mapped[UUID] = mapped_column(primary_key=True)
    version: Mapped[int]
    name: Mapped[str]
    kind: Mapped[str]
    status: Mapped[str]


class HolidayWeek(Base):
    __tablename__ = "holiday_weeks"
    __table_args__ = may("UPDATE", law=impersonal("as long as the week"))

    id: Mapped[UUID] = mapped_column(primary_key=True)
    version: Mapped[int]
    activity_id: Mapped[UUID]
    name: Mapped[str]
    dates: Mapped[list[date]] = mapped_column(ARRAY(Date()))
    booking_closes_at: Mapped[datetime]
    cancellation_closes_at: Mapped[datetime]


class Enrolment(Base):
    """A child in an activity from the first to the last day; `usual_weeks` are all that were asked for, in order."""

    __tablename__ = "enrolments"
    __table_args__ = (
        Index(None, "child_id", "activity_id"),
        may("UPDATE", law=personal("Inscriptions", dossier="dossier_id", child="child_id", unexported=COPY)),
    )

    id: Mapped[UUID] = mapped_column(primary_key=True)
    version: Mapped[int]
    child_id: Mapped[UUID]
    dossier_id: Mapped[UUID]
    activity_id: Mapped[UUID]
    site_id: Mapped[UUID | None]
    school_year: Mapped[str]
    valid_from: Mapped[date]
    valid_to: Mapped[date]
    status: Mapped[str]
    usual_weeks: Mapped[list[Any]] = mapped_column(JSONB)
    withdrawn_at: Mapped[datetime | None]
    withdrawn_by: Mapped[dict[str, Any] | None] = mapped_column(JSONB)


class Booking(Base):
    __tablename__ = "bookings"
    __table_args__ = may("UPDATE", law=personal("Réservations de semaines", dossier="dossier_id", unexported=COPY))

    id: Mapped[UUID] = mapped_column(primary_key=True)
    version: Mapped[int]
    dossier_id: Mapped[UUID] = mapped_column(index=True)
    status: Mapped[BookingStatus] = state(BookingStatus)


class BookedDay(Base):
    """A day of a line that stands, of a booking that does; a cancelled line has none, nor has an expired booking."""

    __tablename__ = "booking_days"
    __table_args__ = (
        Index(None, "child_id", "day"),
        may("DELETE", law=part_of("bookings", "Jours de ces semaines", child="child_id", unexported=COPY)),
    )

    booking_id: Mapped[UUID] = mapped_column(ForeignKey("bookings.id"), primary_key=True)
    child_id: Mapped[UUID] = mapped_column(primary_key=True)
    holiday_week_id: Mapped[UUID] = mapped_column(primary_key=True)
    day: Mapped[date] = mapped_column(primary_key=True)
    activity_id: Mapped[UUID]


class GivenUpDay(Base):
    """A day of a booking that stood, and since `given_up_at` no longer does, or did not for a while."""

    __tablename__ = "given_up_days"
    __table_args__ = (
        Index(None, "child_id", "day"),
        may(
            "UPDATE",
            "DELETE",
            law=personal(
                "Jours abandonnés",
                child="child_id",
                unexported=COPY,
                kept="until it has left the calendar feeds (planning.retention)",
            ),
        ),
    )

    booking_id: Mapped[UUID] = mapped_column(primary_key=True)
    child_id: Mapped[UUID] = mapped_column(primary_key=True)
    holiday_week_id: Mapped[UUID] = mapped_column(primary_key=True)
    day: Mapped[date] = mapped_column(primary_key=True)
    activity_id: Mapped[UUID]
    given_up_at: Mapped[datetime]


async def keep_bookings(session: AsyncSession, events: Sequence[contract.Booking]) -> set[tuple[UUID, date]]:
    """The bookings' states, and the days of the lines that stand in place of those they had.

    Answers whose months (dossier and first day) are no longer what they were.
    """
    rows = [
        {"id": one.booking_id, "version": one.version, "dossier_id": one.dossier_id, "status": one.status}
        for one in events
    ]
    kept = await keep_copies(session, Booking, rows)
    newest = {one.booking_id: one for one in sorted(events, key=lambda one: one.version) if one.booking_id in kept}
    if not newest:
        return set()
    names = ("booking_id", "child_id", "holiday_week_id", "day", "activity_id")
    gone = delete(BookedDay).where(BookedDay.booking_id.in_(newest))
    stood = {tuple(row) for row in await session.execute(gone.returning(*(getattr(BookedDay, name) for name in names)))}
    stand = {
        (one.booking_id, line.child_id, line.holiday_week_id, day, line.activity_id)
        for one in newest.values()
        if one.status in STANDING
        for line in one.lines
        if line.status == "active"
        for day in line.dates
    }
    if stand:
        await session.execute(insert(BookedDay), [dict(zip(names, day, strict=True)) for day in sorted(stand)])
    if given_up := stood - stand:
        now = clock.now()
        stored = upsert(GivenUpDay).values(
            [dict(zip(names, day, strict=True)) | {"given_up_at": now} for day in sorted(given_up)]
        )
        again = {"given_up_at": stored.excluded.given_up_at}
        await session.execute(stored.on_conflict_do_update(index_elements=GivenUpDay.__table__.primary_key, set_=again))
    return {(newest[one[0]].dossier_id, one[3].replace(day=1)) for one in stood | stand}
