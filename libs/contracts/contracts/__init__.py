"""What the services say to each other: envelope, one module of events a publisher, and a token's caller. No logic."""

from contracts import billing, dossier, enrolment, identity, planning
from contracts.envelope import Envelope, Event

#: Every event of the system by its type: what a consumer decodes with and the tests enumerate.
EVENTS: dict[str, type[Event]] = {
    event.type: event for module in (identity, dossier, enrolment, planning, billing) for event in module.EVENTS
}

__all__ = ["EVENTS", "Envelope", "Event"]
