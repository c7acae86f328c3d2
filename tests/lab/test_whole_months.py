"""Many families validate whole months at once on days too small for all: each day full, none over, nothing by half."""

import asyncio
import random
from collections import Counter
from collections.abc import Sequence
from datetime import date
from typing import Any

import pytest
from chassis.service import Service
from planning.main import SERVICE
from sqlalchemy import text

from services.planning.tests.conftest import desk
from services.planning.tests.families import Household
from services.planning.tests.town import CANTEEN, Desk

__all__ = ["desk"]  # a fixture

DAYS = [date(2026, 12, day) for day in (3, 4, 7, 8, 10, 11, 14, 15, 17, 18)]


@pytest.fixture(scope="session")
def service() -> Service:
    return SERVICE


async def what_is_left(family: Household, wanted: Sequence[date]) -> set[date]:
    """Validate these days, then, as « Valider les autres » does, those not refused; the days had in the end."""
    days = list(wanted)
    while days:
        changes = [family.wish(name, CANTEEN, day) for day in days for name in family.children]
        status, answer = await family.validate(*changes)
        if status == 200:
            return set(days)
        assert status == 409, answer
        refused = {changes[int(one["pointer"].split("/")[2])]["date"] for one in answer["errors"]}
        assert refused, answer
        days = [day for day in days if str(day) not in refused]
    return set()


@pytest.mark.parametrize(
    ("families", "places", "seed"),
    [(12, 5, 0), *(pytest.param(200, 60, seed, marks=pytest.mark.lab) for seed in range(1, 6))],
)
async def test_each_day_is_given_out_exactly(desk: Desk, families: int, places: int, seed: int) -> None:
    dice = random.Random(seed)
    await desk.places(CANTEEN, {"ages": [3, 11], "places": places})
    first = await Household.enrolled(desk, "Awa")
    school = [first, *[await Household.enrolled(desk, "Tom", site_id=first.site_id) for _ in range(families - 1)]]
    wanted = [dice.sample(DAYS, dice.randint(5, len(DAYS))) for _ in school]
    got = await asyncio.gather(*(what_is_left(one, days) for one, days in zip(school, wanted, strict=True)))
    full = {day: min(places, number) for day, number in Counter(day for days in wanted for day in days).items()}
    assert Counter(day for days in got for day in days) == full
    async with desk.database.sessions() as session:
        rows: Any = await session.execute(text("SELECT day, taken FROM slots WHERE activity_id = :id"), {"id": CANTEEN})
        assert dict(iter(rows)) == full
        rows = await session.execute(
            text("SELECT day, count(*) FROM reservations WHERE status = 'reserved' GROUP BY day")
        )
        assert dict(iter(rows)) == full
