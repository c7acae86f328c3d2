"""What keeps a day from being sold too often, taken away: so that a race is seen to be one."""

import asyncio
from typing import Any

import pytest
from planning.reservations import changing
from sqlalchemy import text

from services.planning.tests.town import Desk

_GUARD = "          AND slot.taken + change.taken BETWEEN 0 AND slot.places\n"


async def take_the_guards_away(desk: Desk, monkeypatch: pytest.MonkeyPatch, at_once: int) -> None:
    """Slots are neither locked nor held by a condition or a check, and all who come have looked before one writes."""
    async with desk.owner.sessions.begin() as session:
        await session.execute(text("ALTER TABLE slots DROP CONSTRAINT ck_slots_taken"))
    barrier, take = asyncio.Barrier(at_once), changing._take

    async def take_together(*arguments: Any) -> Any:
        taken = await take(*arguments)
        await barrier.wait()
        return taken

    unlocked = changing._SLOTS.replace("DO UPDATE SET taken = slot.taken", "DO NOTHING").replace(
        "RETURNING activity_id, site_id, day, band, places - taken",
        "RETURNING activity_id) SELECT activity_id, site_id, day, band, places - taken FROM slots",
    )
    assert unlocked.count("SELECT") == 2
    monkeypatch.setattr(changing, "_SLOTS", f"WITH added AS ({unlocked}")
    for name in ("WRITE", "WRITE_ONCE"):
        assert _GUARD in getattr(changing, name)
        monkeypatch.setattr(changing, name, getattr(changing, name).replace(_GUARD, ""))
    monkeypatch.setattr(changing, "_take", take_together)
