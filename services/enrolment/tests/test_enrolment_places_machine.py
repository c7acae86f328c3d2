"""Whatever is done in whatever order, the service agrees with a small model of the truth; with a fault, it does not."""

import asyncio
from collections.abc import Callable

import asyncpg
import pytest
from chassis.testing import Databases
from enrolment.bookings import places
from enrolment.waiting_list import offers

from services.enrolment.tests.places_machine import drive


def test_the_service_agrees_with_the_truth_in_any_order(databases: Databases, monkeypatch: pytest.MonkeyPatch) -> None:
    drive(databases, monkeypatch, examples=30)


def without_the_guard_of_places(monkeypatch: pytest.MonkeyPatch) -> None:
    guard = "AND taken + locked.count <= places"
    assert guard in places._TAKE
    monkeypatch.setattr(places, "_TAKE", places._TAKE.replace(guard, ""))


def offers_take_no_place(monkeypatch: pytest.MonkeyPatch) -> None:
    async def nothing(*_: object) -> None:
        pass

    monkeypatch.setattr(offers, "count", nothing)


@pytest.mark.parametrize(
    "fault",
    [without_the_guard_of_places, offers_take_no_place],
    ids=lambda fault: fault.__name__,
)
def test_a_fault_is_found(
    databases: Databases, monkeypatch: pytest.MonkeyPatch, fault: Callable[[pytest.MonkeyPatch], None]
) -> None:
    async def nothing_else_guards() -> None:
        connection = await asyncpg.connect(databases.owner_url)
        await connection.execute("ALTER TABLE holiday_weeks DROP CONSTRAINT ck_holiday_weeks_places")
        await connection.close()

    asyncio.run(nothing_else_guards())
    fault(monkeypatch)
    with pytest.raises(AssertionError):
        drive(databases, monkeypatch, examples=300, shrink=False)
