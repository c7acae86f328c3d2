"""Tables of what others own: the adults' accounts, the sites, of which schools are some, and who attends where."""

from datetime import date
from typing import Any
from uuid import UUID

from chassis.copies import keep
from chassis.law import COPY, impersonal, part_of, personal
from chassis.schema import may
from contracts.enrolment import Booking as BookingEvent
from contracts.identity import AccountActivated, AccountClosed
from sqlalchemy import Index, Uuid, tuple_
from sqlalchemy.dialects.postgresql import ARRAY, JSONB, insert
from sqlalchemy.ext.asyncio import AsyncSession
from sqlalchemy.orm import Mapped, mapped_column

from dossier.models import Base


class Account(Base):
    """The account of an adult, which may be heard of before the adult is loaded; without an email once it is closed."""

    __tablename__ = "accounts"
    __table_args__ = may("UPDATE", law=part_of("adults", "Comptes", by="guardian_id", unexported=COPY))

    guardian_id: Mapped[UUID] = mapped_column(primary_key=True)
    account_id: Mapped[UUID]
    email: Mapped[str | None]
    version: Mapped[int]


async def keep_account(session: AsyncSession, event: AccountActivated | AccountClosed) -> bool:
    """Of two accounts of one adult the one made last counts, their ids being in that order; whether it was stored."""
    account = insert(Account).values(
        guardian_id=event.guardian_id,
        account_id=event.account_id,
        email=event.email if isinstance(event, AccountActivated) else None,
        version=event.version,
    )
    given = account.excluded
    newer = account.on_conflict_do_update(
        index_elements=[Account.guardian_id],
        set_={"account_id": given.account_id, "email": given.email, "version": given.version},
        where=tuple_(Account.account_id, Account.version) < tuple_(given.account_id, given.version),
    )
    return await session.scalar(newer.returning(Account.guardian_id)) is not None


class Site(Base):
    __tablename__ = "sites"
    __table_args__ = may("UPDATE", law=impersonal("as long as the site"))

    id: Mapped[UUID] = mapped_column(primary_key=True)
    version: Mapped[int]
    code: Mapped[str]
    kind: Mapped[str]
    name: Mapped[str]


class Enrolment(Base):
    """A child in an activity at a site (none: not known), from the first to the last day."""

    __tablename__ = "enrolments"
    __table_args__ = may("UPDATE", law=personal("Inscriptions", child="child_id", unexported=COPY))

    id: Mapped[UUID] = mapped_column(primary_key=True)
    version: Mapped[int]
    child_id: Mapped[UUID] = mapped_column(index=True)
    site_id: Mapped[UUID | None]
    valid_from: Mapped[date]
    valid_to: Mapped[date]


class Booking(Base):
    """A booking of holiday weeks; `lines` as its event has them, `child_ids` whose they are."""

    __tablename__ = "bookings"
    __table_args__ = (
        Index(None, "child_ids", postgresql_using="gin"),
        may("UPDATE", law=personal("Réservations", dossier="dossier_id", unexported=COPY)),
    )

    id: Mapped[UUID] = mapped_column(primary_key=True)
    version: Mapped[int]
    dossier_id: Mapped[UUID]
    status: Mapped[str]
    lines: Mapped[list[Any]] = mapped_column(JSONB)
    child_ids: Mapped[list[UUID]] = mapped_column(ARRAY(Uuid()))


def _children(event: BookingEvent) -> list[UUID]:
    return sorted({line.child_id for line in event.lines})


#: Of any event of a booking: each has all of it.
keep_booking = keep(Booking, child_ids=_children)
