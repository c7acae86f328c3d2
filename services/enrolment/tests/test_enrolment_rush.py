"""A rush in two halves: without the guard places are sold twice, with it each once and none stays. Short; the lab has
the long one."""

from collections.abc import Callable

import pytest
from chassis.database import Database
from chassis.testing import Databases

from services.enrolment.tests.enrolment_scene import Town
from services.enrolment.tests.racing import AT_ONCE, drop_constraint
from services.enrolment.tests.rush import Rush, all_is_sold, so_many_read_before_any_takes
from services.enrolment.tests.test_enrolment_races import without


async def test_after_a_rush_every_place_is_sold_and_nobody_waits_while_one_is_free(
    town: Town, database: Database, hours_later: Callable[[float], None], monkeypatch: pytest.MonkeyPatch
) -> None:
    so_many_read_before_any_takes(monkeypatch)
    await all_is_sold(town, database, hours_later, families=100, places=7, seed=1)


async def test_without_the_guard_a_rush_oversells(
    town: Town, database: Database, databases: Databases, monkeypatch: pytest.MonkeyPatch
) -> None:
    await drop_constraint(databases, "holiday_weeks", "ck_holiday_weeks_places")
    without("AND taken + locked.count <= places", monkeypatch)
    so_many_read_before_any_takes(monkeypatch)
    rush = Rush(town, database, seed=1)
    await rush.begin(families=AT_ONCE, places=AT_ONCE - 1)
    await rush.together(
        *(town.post(dossier_id, (children[0], rush.weeks[0])) for dossier_id, children in rush.families)
    )
    assert await town.taken(*rush.weeks) == [AT_ONCE, 0]
