"""Golden samples, kept for ever: what once went over the wire is understood by whoever hears it, today and later."""

import asyncio
import json
from collections.abc import Iterator
from typing import get_args

import pytest
from chassis import inbox
from chassis.database import Database
from chassis.law import law_of
from chassis.service import Service
from contracts import EVENTS, Envelope
from pydantic import BaseModel
from sqlalchemy import MetaData, text

from deploy.local.prepare import services
from tests.builders import SAMPLES as FOLDER

#: One file for each type and change: `<type>.json`, then `<type>-<what changed>.json`.
SAMPLES = {path.stem: path.read_bytes() for path in sorted(FOLDER.glob("*.json"))}

#: Parts of words that no field of an event may bear: such data stays where it is needed, or is a secret.
FORBIDDEN = ("health", "allerg", "pai", "medic", "disab", "handicap", "doctor", "password", "token", "secret", "hash")


def sample_type(name: str) -> str:
    return name.partition("-")[0]


def fields(model: type[BaseModel]) -> Iterator[str]:
    """Names of all fields of a model and of those within it."""
    for name, field in model.model_fields.items():
        yield name
        within = [field.annotation, *get_args(field.annotation)]
        for part in within:
            if isinstance(part, type) and issubclass(part, BaseModel):
                yield from fields(part)


def test_each_event_has_a_sample_and_each_sample_an_event() -> None:
    assert {sample_type(name) for name in SAMPLES} == set(EVENTS)


@pytest.mark.parametrize("name", SAMPLES)
def test_a_sample_is_understood_whole_and_written_again_as_it_was(name: str) -> None:
    envelope = Envelope.model_validate_json(SAMPLES[name])
    event = EVENTS[envelope.type].model_validate(envelope.data)
    assert envelope.type == sample_type(name)
    assert envelope.source == "/espace/" + envelope.type.partition(".")[0]
    assert envelope.subject == event.subject
    assert json.loads(event.model_dump_json(exclude_unset=True)) == envelope.data
    assert json.loads(envelope.model_dump_json()) == json.loads(SAMPLES[name])


@pytest.mark.parametrize("name", SAMPLES)
def test_a_field_added_later_does_not_disturb_who_does_not_know_it(name: str) -> None:
    envelope = Envelope.model_validate_json(SAMPLES[name])
    kind = EVENTS[envelope.type]
    assert kind.model_validate(envelope.data | {"added_later": 1}) == kind.model_validate(envelope.data)


@pytest.mark.parametrize("kind", EVENTS.values(), ids=EVENTS)
def test_no_event_bears_health_data_or_secrets(kind: type[BaseModel]) -> None:
    assert [name for name in fields(kind) if any(part in name for part in FORBIDDEN)] == []


@pytest.fixture(scope="module", params=services(), ids=lambda service: service.name)
def service(request: pytest.FixtureRequest) -> Service:
    found: Service = request.param
    return found


@pytest.mark.parametrize("order", [1, -1], ids=["in order", "the other way round"])
async def test_a_service_handles_every_sample_of_what_it_hears_in_any_order_and_twice(
    service: Service, database: Database, order: int
) -> None:
    heard = {event.type for event in service.handlers}
    bodies = [body for name, body in SAMPLES.items() if sample_type(name) in heard][::order]
    assert bodies
    for body in bodies * 2:
        # What needs a copy that no sample brings is parked, which is done.
        assert await asyncio.wait_for(inbox.judge(database, [body], service.handlers), 10) == ["done"]


#: Who the samples speak of, as the dossier tells it.
NAMES = ("Moreau", "Inès", "claire.moreau@")
ERASED = ("dossier.dossier_erased", "dossier.child_erased", "identity.account_closed")


async def named_in(database: Database, metadata: MetaData) -> set[str]:
    """The tables in which one of them stands, but for what law keeps, and messages under way."""
    kept = {"outbox", "parked"} | {table.name for table in metadata.sorted_tables if law_of(table).stays}
    async with database.sessions() as session:
        return {
            name
            for name in metadata.tables.keys() - kept
            for word in NAMES
            if await session.scalar(text(f"SELECT EXISTS (SELECT FROM {name} one WHERE one::text LIKE '%{word}%')"))
        }


@pytest.mark.parametrize("place", ["first", "between", "last", "nowhere"])
async def test_an_erasure_leaves_no_name_whatever_comes_before_it_and_after(
    service: Service, database: Database, place: str
) -> None:
    heard = {event.type for event in service.handlers}
    told = [body for name, body in SAMPLES.items() if sample_type(name) in heard.difference(ERASED)]
    erasures = [SAMPLES[name] for name in ERASED if name in heard]
    cut = {"first": 0, "between": len(told) // 2, "last": len(told)}.get(place)
    for body in told if cut is None else [*told[:cut], *erasures, *told[cut:]]:
        await asyncio.wait_for(inbox.judge(database, [body], service.handlers), 10)
    found = await named_in(database, service.metadata)
    assert found == set() if place != "nowhere" else found or service.name == "dossier"
