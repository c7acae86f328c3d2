"""Who has tried what how often, who is known where, and who waits."""

from datetime import datetime, timedelta
from uuid import UUID

from chassis.law import AT_ONCE, impersonal, personal
from chassis.schema import may
from sqlalchemy import Index
from sqlalchemy.orm import Mapped, mapped_column

from identity.models import Base

#: After so long without a word a guess that waits is taken for gone.
GONE = timedelta(seconds=4)
#: How long an address is known after its last sign-in.
KEPT = timedelta(days=90)


class Tries(Base):
    """Tries counted until the end of their ten minutes, under the digest of what they were at."""

    __tablename__ = "tries"
    __table_args__ = may("UPDATE", "DELETE", law=impersonal(("ends_at", AT_ONCE)))

    key: Mapped[bytes] = mapped_column(primary_key=True)
    tried: Mapped[int]
    ends_at: Mapped[datetime]


class KnownAddress(Base):
    """An address, by a keyed digest, from which an account or a client has signed in."""

    __tablename__ = "known_addresses"
    __table_args__ = (
        Index("ix_known_addresses_seen_at", "seen_at"),
        may(
            "UPDATE",
            "DELETE",
            law=personal("Appareils connus", account="owner_id", hidden=("digest",), kept=("seen_at", KEPT)),
        ),
    )

    owner_id: Mapped[UUID] = mapped_column(primary_key=True)
    digest: Mapped[bytes] = mapped_column(primary_key=True)
    seen_at: Mapped[datetime]


class Lane(Base):
    """Strangers' guesses at one login: one under way until `busy_until`, the next one not before `next_at`."""

    __tablename__ = "lanes"
    __table_args__ = may("UPDATE", "DELETE", law=impersonal(("greatest(ends_at, busy_until)", AT_ONCE)))

    key: Mapped[bytes] = mapped_column(primary_key=True)
    wrong: Mapped[int]
    next_at: Mapped[datetime]
    busy_until: Mapped[datetime]
    ends_at: Mapped[datetime]


class Ticket(Base):
    """A guess that waits for its turn in a lane; one that was not seen for some seconds has left."""

    __tablename__ = "tickets"
    __table_args__ = (Index("ix_tickets_lane", "lane"), may("UPDATE", "DELETE", law=impersonal(("seen_at", GONE))))

    id: Mapped[UUID] = mapped_column(primary_key=True)
    lane: Mapped[bytes]
    network: Mapped[bytes]
    rank: Mapped[int]
    seen_at: Mapped[datetime]
