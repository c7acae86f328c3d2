"""What the suite of enrolment has short, at length: 2,000 clients for 300 places, and thousands of orders of events."""

from collections.abc import Callable

import pytest
from chassis.database import Database
from chassis.service import Service
from chassis.testing import Databases
from enrolment.main import SERVICE

from services.enrolment.tests.conftest import hours_later, town
from services.enrolment.tests.enrolment_scene import Town
from services.enrolment.tests.places_machine import drive
from services.enrolment.tests.rush import all_is_sold

__all__ = ["hours_later", "town"]  # fixtures

pytestmark = pytest.mark.lab


@pytest.fixture(scope="session")
def service() -> Service:
    return SERVICE


@pytest.mark.parametrize("seed", range(1, 21))
async def test_two_thousand_families_get_three_hundred_places_and_no_more(
    town: Town,
    database: Database,
    hours_later: Callable[[float], None],
    seed: int,
) -> None:
    await all_is_sold(town, database, hours_later, families=2_000, places=150, seed=seed)


def test_the_service_agrees_with_the_truth_in_thousands_of_orders(
    databases: Databases, monkeypatch: pytest.MonkeyPatch
) -> None:
    drive(databases, monkeypatch, examples=2_000)
