"""Events as the golden samples have them, but for what a test changes."""

from pathlib import Path
from typing import Any, TypeVar

from chassis.database import Database
from contracts import Envelope, Event
from contracts.enrolment import Booking, BookingCancelled, BookingConfirmed, BookingExpired, BookingPaid
from contracts.envelope import Fact
from sqlalchemy import text

SAMPLES = Path(__file__).parent / "contracts" / "samples"
#: By the status that each has for good.
BOOKINGS: dict[str, type[Booking]] = {
    "confirmed": BookingConfirmed,
    "paid": BookingPaid,
    "cancelled": BookingCancelled,
    "expired": BookingExpired,
}
F = TypeVar("F", bound=Fact)
E = TypeVar("E", bound=Event)


def changed(fact: F, /, **changes: Any) -> F:
    """That fact with these of its fields instead, validated as if it had come over the wire."""
    assert not (unknown := changes.keys() - type(fact).model_fields), unknown  # which a model would ignore
    return type(fact).model_validate(dict(fact) | changes)


def sample(kind: type[E], /, **changes: Any) -> E:
    """`sample(BookingConfirmed, version=3)`: the golden sample of that type, about the same family everywhere."""
    wrapped = Envelope.model_validate_json((SAMPLES / f"{kind.type}.json").read_bytes())
    return changed(kind.model_validate(wrapped.data), **changes)


async def published(database: Database, kind: type[E]) -> list[E]:
    """The events of that type in the outbox, in order."""
    async with database.sessions() as session:
        bodies = await session.scalars(
            text("SELECT body FROM outbox WHERE type = :type ORDER BY id"), {"type": kind.type}
        )
        return [kind.model_validate(Envelope.model_validate_json(body).data) for body in bodies]
