"""A family that is erased gives back places and offers, which go to those who wait; billing hears of its bookings."""

from typing import Any

import pytest
from chassis.database import Database
from contracts.dossier import ChildErased, DossierErased
from sqlalchemy import text


async def left(database: Database, dossier_id: Any) -> dict[str, int]:
    """How many rows name the dossier."""
    keys = {"dossiers": "id", "bookings": "dossier_id", "waiting_entries": "dossier_id"}
    async with database.sessions() as session:
        return {
            table: int(
                await session.scalar(text(f"SELECT count(*) FROM {table} WHERE {key} = :id"), {"id": dossier_id}) or 0
            )
            for table, key in keys.items()
        }


@pytest.mark.parametrize("whole", [True, False], ids=["the dossier first", "the child first"])
async def test_its_place_is_offered_at_once_and_billing_is_told(town: Any, database: Database, whole: bool) -> None:
    week_id = await town.week(places=1)
    gone, (ines,) = await town.family(9)
    booking = await town.confirmed(gone, (ines, week_id))
    waiting, (lea,) = await town.family(9)
    entry_id = await town.waits(waiting, (lea, week_id))
    events = [DossierErased(dossier_id=gone, version=9), ChildErased(child_id=ines, version=9)]
    for event in events if whole else reversed(events):
        await town.hear(event)
        await town.hear(event)
    assert await left(database, gone) == dict.fromkeys(("dossiers", "bookings", "waiting_entries"), 0)
    [cancelled] = await town.published("booking_cancelled")
    assert str(cancelled.booking_id) == booking["id"]
    assert await town.taken(week_id) == [1]
    assert (await town.entry(waiting, entry_id))["status"] == "offered"
    assert await left(database, waiting) == {"dossiers": 1, "bookings": 0, "waiting_entries": 1}


async def test_what_it_was_offered_passes_on(town: Any, database: Database) -> None:
    week_id, [(holder, booking_id)] = await town.full()
    gone, (ines,) = await town.family(9)
    next_one, (lea,) = await town.family(9)
    await town.waits(gone, (ines, week_id))
    entry_id = await town.waits(next_one, (lea, week_id))
    await town.cancel(holder, booking_id)
    assert (await town.entry(next_one, entry_id))["status"] == "waiting"
    await town.hear(DossierErased(dossier_id=gone, version=9))
    assert (await town.entry(next_one, entry_id))["status"] == "offered"
    assert await town.taken(week_id) == [1]
    assert (await left(database, gone))["waiting_entries"] == 0
