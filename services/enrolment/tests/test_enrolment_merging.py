"""A dossier that is merged into another: its family goes on with all it had, whatever is heard first."""

from typing import Any

import pytest
from contracts.dossier import ChildChanged, DossierChanged
from enrolment.merging import MERGING
from sqlalchemy import text

from tests.builders import sample


@pytest.mark.parametrize("whole", [True, False], ids=["the dossier first", "the child first"])
async def test_bookings_enrolments_and_places_in_line_are_the_other_dossiers(town: Any, whole: bool) -> None:
    await town.year()
    week_id, activity = await town.week(), await town.activity()
    gone, _ = await town.family()
    kept, _ = await town.family()
    child, other = await town.pupil(gone), await town.pupil(gone)
    full, _ = await town.full()
    entry_id = await town.waits(gone, (other, full))
    booking = await town.confirmed(gone, (child, week_id))
    enrolment = await town.enrolled(gone, child, activity)
    archived = sample(DossierChanged, dossier_id=gone, status="archived", adults=(), merged_into=kept, version=9)
    moved = sample(ChildChanged, child_id=child, dossier_ids=(kept,), version=9)
    for event in [archived, moved] if whole else [moved, archived]:
        await town.hear(event)
        await town.hear(event)
    assert (await town.booking(kept, booking["id"]))["status"] == "confirmed"
    assert [one["id"] for one in await town.enrolments(kept)] == [enrolment["id"]]
    assert (await town.entry(kept, entry_id))["status"] == "waiting"
    assert (await town.call("GET", f"/v1/bookings/{booking['id']}", gone))[0] == 404
    assert (await town.cancel(kept, booking["id"]))[0] < 300


async def test_what_was_under_way_at_that_moment_follows_as_does_a_chain(town: Any) -> None:
    week_id = await town.week()
    gone, (child,) = await town.family(9)
    between, _ = await town.family()
    kept, _ = await town.family()
    booking = await town.held(gone, (child, week_id))
    for one, into in ((between, kept), (gone, between)):  # the last merge is heard of first
        await town.hear(
            sample(DossierChanged, dossier_id=one, status="archived", adults=(), merged_into=into, version=9)
        )
    async with town.database.sessions.begin() as session:  # as if it had been written a moment later
        await session.execute(text("UPDATE bookings SET dossier_id = :gone"), {"gone": gone})
    await MERGING.sweep(town.database, None)
    assert (await town.booking(kept, booking["id"]))["status"] == "held"
    async with town.database.sessions() as session:
        assert set(await session.scalars(text("SELECT into_id FROM merged"))) == {kept}
