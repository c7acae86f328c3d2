"""What all events have in common."""

import pytest
from contracts import EVENTS, Envelope, Event, billing, dossier, enrolment, identity, planning
from contracts.dossier import QuotientChanged
from pydantic import ValidationError

ENVELOPE = {
    "specversion": "1.0",
    "id": "01a2094f-0004-7c01-8a4e-5f0d3c2b1004",
    "source": "/espace/dossier",
    "type": "dossier.quotient_changed",
    "subject": "019b76da-a800-7c76-81b3-ada678d06b80",
    "time": "2026-11-25T18:30:12Z",
    "data": {},
}


@pytest.mark.parametrize("module", [identity, dossier, enrolment, planning, billing])
def test_a_type_is_named_after_its_publisher_and_belongs_to_one_event(module: object) -> None:
    name = str(getattr(module, "__name__", "")).rpartition(".")[2]
    events: tuple[type[Event], ...] = getattr(module, "EVENTS", ())
    assert events
    for event in events:
        assert event.type.partition(".")[0] == name
        assert EVENTS[event.type] is event
        assert event.subject_field in event.model_fields


def test_the_version_of_an_aggregate_begins_at_one() -> None:
    data = {"dossier_id": ENVELOPE["subject"], "quotients": []}
    assert QuotientChanged.model_validate(data | {"version": 1}).subject == Envelope.model_validate(ENVELOPE).subject
    with pytest.raises(ValidationError):
        QuotientChanged.model_validate(data | {"version": 0})


def test_an_event_cannot_be_changed() -> None:
    event = QuotientChanged.model_validate({"dossier_id": ENVELOPE["subject"], "quotients": [], "version": 1})
    with pytest.raises(ValidationError):
        event.version = 2  # type: ignore[misc] # the very thing that is refused


@pytest.mark.parametrize(
    "wrong", [{"specversion": "0.3"}, {"id": "one"}, {"time": "2026-11-25T18:30:12"}, {"subject": None}], ids=str
)
def test_an_envelope_is_cloudevents_1_0_with_our_identifiers_and_an_aware_time(wrong: dict[str, object]) -> None:
    with pytest.raises(ValidationError):
        Envelope.model_validate(ENVELOPE | wrong)
