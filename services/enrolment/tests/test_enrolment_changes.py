"""Changing what is held: what is kept keeps its place, the rest is all or none, and nobody's change is lost."""

from collections.abc import Callable
from datetime import timedelta
from typing import Any
from uuid import UUID

import pytest
from chassis import clock
from chassis.database import Database
from chassis.identifiers import new_id
from enrolment.bookings.bookings import expire_holds

Line = tuple[UUID, UUID]


def standing(booking: dict[str, Any]) -> list[tuple[int, UUID, UUID]]:
    """Position, child and week of each line that stands."""
    return [
        (line["position"], UUID(line["child_id"]), UUID(line["holiday_week_id"]))
        for line in booking["lines"]
        if line["status"] == "active"
    ]


async def test_kept_lines_keep_place_and_position_new_ones_take_and_dropped_ones_free(town: Any) -> None:
    dossier_id, (ines, lea) = await town.family(9, 9)
    first, second, third = [await town.week(after=n, places=2) for n in range(3)]
    booking = await town.held(dossier_id, (ines, first), (lea, first), (ines, second))
    assert await town.taken(first, second, third) == [2, 1, 0]
    status, changed = await town.change(dossier_id, booking, (lea, third), (lea, first), (ines, second))
    assert status == 200, changed
    assert standing(changed) == [(1, lea, first), (2, ines, second), (3, lea, third)]
    assert [(line["position"], line["status"]) for line in changed["lines"]] == [
        (0, "cancelled"), (1, "active"), (2, "active"), (3, "active"),
    ]  # fmt: skip
    assert (changed["status"], changed["version"], changed["refused"]) == ("held", 2, [])
    assert changed["hold_expires_at"] == booking["hold_expires_at"]
    assert await town.taken(first, second, third) == [1, 1, 1]
    assert await town.booking(dossier_id, booking["id"]) == changed
    assert await town.published() == []  # what is only held is nobody else's affair

    status, again = await town.change(dossier_id, changed, (ines, first))
    assert (status, standing(again)) == (200, [(0, ines, first)])  # back at its position
    assert await town.taken(first, second, third) == [1, 0, 0]
    status, confirmed = await town.confirm(dossier_id, booking["id"])
    assert (status, [line["position"] for line in confirmed["lines"]]) == (202, [0])


async def test_the_same_lines_again_change_nothing(town: Any) -> None:
    dossier_id, (ines, lea) = await town.family(9, 9)
    week_id = await town.week()
    booking = await town.held(dossier_id, (ines, week_id), (lea, week_id))
    assert await town.change(dossier_id, booking, (lea, week_id), (ines, week_id)) == (200, booking)
    assert await town.taken(week_id) == [2]


async def test_what_is_kept_stays_though_the_week_is_full_and_closed_by_now(
    town: Any, hours_later: Callable[[float], None]
) -> None:
    dossier_id, (ines, lea) = await town.family(9, 9)
    closing = await town.week(places=1, booking_closes_at=clock.now() + timedelta(minutes=5))
    later = await town.week(after=1)
    booking = await town.held(dossier_id, (ines, closing))
    hours_later(0.1)
    status, problem = await town.change(dossier_id, booking, (ines, closing), (lea, closing))
    assert (status, problem["type"]) == (409, "urn:problem:enrolment:not-eligible")
    assert [one["pointer"] for one in problem["errors"]] == ["/lines/1"]
    status, changed = await town.change(dossier_id, booking, (lea, later), (ines, closing))
    assert (status, standing(changed)) == (200, [(0, ines, closing), (1, lea, later)])
    assert await town.taken(closing, later) == [1, 1]


async def test_a_full_line_is_named_and_nothing_changes(town: Any) -> None:
    dossier_id, (ines, lea) = await town.family(9, 9)
    first, full = await town.week(), await town.week(after=1, places=1)
    booking = await town.held(dossier_id, (ines, first))
    status, problem = await town.change(dossier_id, booking, (lea, first), (ines, full), (lea, full))
    assert (status, problem["type"]) == (409, "urn:problem:enrolment:week-full")
    assert [(one["pointer"], one["child_id"]) for one in problem["errors"]] == [("/lines/2", str(lea))]
    assert await town.booking(dossier_id, booking["id"]) == booking
    assert await town.taken(first, full) == [1, 0]
    status, changed = await town.change(dossier_id, booking, (lea, first), (ines, full))
    assert (status, standing(changed)) == (200, [(1, lea, first), (2, ines, full)])
    assert await town.taken(first, full) == [1, 1]


async def test_a_full_weeks_place_passes_from_one_sibling_to_the_other(town: Any) -> None:
    dossier_id, (ines, lea) = await town.family(9, 9)
    week_id = await town.week(places=1)
    booking = await town.held(dossier_id, (ines, week_id))
    status, changed = await town.change(dossier_id, booking, (lea, week_id))
    assert (status, standing(changed)) == (200, [(1, lea, week_id)])
    assert await town.taken(week_id) == [1]


async def test_a_dropped_place_goes_to_the_one_who_waits_for_it_and_the_hold_ends_when_it_would_have(town: Any) -> None:
    dossier_id, (ines, lea) = await town.family(9, 9)
    other, (awa,) = await town.family(9)
    full, free = await town.week(places=1), await town.week(after=1)
    booking = await town.held(dossier_id, (ines, full))
    entry_id = await town.waits(other, (awa, full))
    status, problem = await town.change(dossier_id, booking, (lea, full))  # not theirs to pass on any more
    assert (status, problem["type"]) == (409, "urn:problem:enrolment:week-full")
    assert await town.booking(dossier_id, booking["id"]) == booking
    assert (await town.entry(other, entry_id))["status"] == "waiting"

    status, changed = await town.change(dossier_id, booking, (ines, free))
    assert (status, standing(changed)) == (200, [(1, ines, free)])
    assert changed["hold_expires_at"] == booking["hold_expires_at"]
    assert (await town.entry(other, entry_id))["status"] == "offered"
    assert await town.taken(full, free) == [1, 1]
    assert (await town.change(dossier_id, changed, (ines, free), (ines, full)))[0] == 409  # nobody slips in between
    assert (await town.accept(other, entry_id))[0] == 201
    assert await town.taken(full, free) == [1, 1]


async def test_what_is_available_is_kept_on_request_and_the_rest_named(town: Any) -> None:
    dossier_id, (ines, lea) = await town.family(9, 9)
    first, free = await town.week(), await town.week(after=1)
    full = await town.week(after=2, places=0)
    booking = await town.held(dossier_id, (ines, first))
    status, changed = await town.change(
        dossier_id, booking, (ines, full), (lea, free), (ines, first), keep_available=True
    )
    assert (status, standing(changed)) == (200, [(0, ines, first), (1, lea, free)])
    assert [(one["child_id"], one["holiday_week_id"]) for one in changed["refused"]] == [(str(ines), str(full))]
    assert (await town.booking(dossier_id, booking["id"]))["refused"] == []
    # What is kept may be all that is left; nothing at all is no answer.
    status, changed = await town.change(dossier_id, changed, (ines, full), (lea, free), keep_available=True)
    assert (status, standing(changed), len(changed["refused"])) == (200, [(1, lea, free)], 1)
    assert await town.taken(first, free, full) == [0, 1, 0]
    status, problem = await town.change(dossier_id, changed, (ines, full), keep_available=True)
    assert (status, problem["type"]) == (409, "urn:problem:enrolment:week-full")
    assert await town.taken(first, free, full) == [0, 1, 0]


async def test_new_lines_overlap_neither_what_is_kept_nor_another_booking_nor_each_other(town: Any) -> None:
    dossier_id, (ines, lea) = await town.family(9, 9)
    here, there, later = await town.week(), await town.week(centre="Le Moulin"), await town.week(after=1)
    elsewhere = await town.week(after=1, centre="Le Moulin")
    booking = await town.held(dossier_id, (ines, here))
    await town.held(dossier_id, (lea, later))
    for lines, pointer in (
        (((ines, there), (ines, here)), "/lines/0"),
        (((ines, here), (lea, elsewhere)), "/lines/1"),
    ):
        status, problem = await town.change(dossier_id, booking, *lines)
        assert (status, problem["type"]) == (409, "urn:problem:enrolment:overlapping-week")
        assert [one["pointer"] for one in problem["errors"]] == [pointer]
    status, problem = await town.change(dossier_id, booking, (ines, later), (ines, elsewhere))
    assert (status, problem["type"], len(problem["errors"])) == (409, "urn:problem:enrolment:overlapping-week", 1)
    assert await town.taken(here, there, later, elsewhere) == [1, 0, 1, 0]
    status, changed = await town.change(dossier_id, booking, (ines, there))  # in the place of what it overlaps
    assert (status, standing(changed)) == (200, [(1, ines, there)])
    assert await town.taken(here, there) == [0, 1]


async def test_what_is_added_is_collected_by_the_regie_of_what_is_kept(town: Any) -> None:
    dossier_id, (ines,) = await town.family(9)
    first, other = await town.week(), await town.week(after=1, regie="jeunesse")
    booking = await town.held(dossier_id, (ines, first))
    status, problem = await town.change(dossier_id, booking, (ines, other), (ines, first))
    assert (status, problem["type"]) == (409, "urn:problem:enrolment:several-regies")
    assert [one["pointer"] for one in problem["errors"]] == ["/lines/0"]
    assert (await town.change(dossier_id, booking, (ines, other)))[0] == 200
    assert await town.taken(first, other) == [0, 1]


@pytest.mark.parametrize("job_has_run", [False, True])
async def test_a_hold_that_is_over_is_not_changed(
    job_has_run: bool, town: Any, database: Database, hours_later: Callable[[float], None]
) -> None:
    dossier_id, (ines, lea) = await town.family(9, 9)
    week_id = await town.week()
    booking = await town.held(dossier_id, (ines, week_id))
    hours_later(20 / 60)
    if job_has_run:
        async with database.sessions.begin() as session:
            await expire_holds(session, clock.now())
    status, problem = await town.change(dossier_id, booking, (lea, week_id))
    assert (status, problem["type"]) == (409, "urn:problem:enrolment:hold-expired")
    assert await town.taken(week_id) == [0 if job_has_run else 1]


@pytest.mark.parametrize("state", ["confirmed", "paid", "expired", "cancelled"])
async def test_what_was_confirmed_or_cancelled_is_not_changed(state: str, town: Any) -> None:
    dossier_id, (ines, lea) = await town.family(9, 9)
    week_id = await town.week()
    booking = await town.confirmed(dossier_id, (ines, week_id))
    billing = town.billing(booking)
    if state == "cancelled":
        await town.cancel(dossier_id, booking["id"])
    elif state != "confirmed":
        await town.hear(billing.settled if state == "paid" else billing.lapsed)
    booking = await town.booking(dossier_id, booking["id"])
    assert booking["status"] == state
    status, problem = await town.change(dossier_id, booking, (ines, week_id), (lea, week_id))
    assert (status, problem["type"]) == (409, "urn:problem:enrolment:lines-fixed")
    assert await town.taken(week_id) == [1 if state in ("confirmed", "paid") else 0]


async def test_only_who_has_seen_the_booking_as_it_is_changes_it(town: Any) -> None:
    dossier_id, (ines, lea) = await town.family(9, 9)
    first, second = await town.week(), await town.week(after=1)
    booking = await town.held(dossier_id, (ines, first))
    path, body = f"/v1/bookings/{booking['id']}", town.lines((lea, second))
    status, problem = await town.call("PUT", f"{path}/lines", dossier_id, body)
    assert (status, problem["type"]) == (428, "urn:problem:if-match-missing")
    assert (await town.change(dossier_id, booking, (ines, second), (lea, first)))[0] == 200
    status, problem = await town.change(dossier_id, booking, (lea, second))  # the other tab
    assert (status, problem["type"]) == (412, "urn:problem:stale")
    assert await town.taken(first, second) == [1, 1]
    booking = await town.booking(dossier_id, booking["id"])
    await town.cancel(dossier_id, booking["id"], 1)
    assert (await town.change(dossier_id, booking, (lea, second)))[0] == 412
    assert (await town.change(dossier_id, await town.booking(dossier_id, booking["id"]), (lea, second)))[0] == 200


async def test_each_answer_of_a_booking_tells_its_version(town: Any) -> None:
    dossier_id, (ines, lea) = await town.family(9, 9)
    week_id, key = await town.week(), new_id().hex
    for _ in range(2):  # replayed too
        _, booking = await town.post(dossier_id, (ines, week_id), (lea, week_id), key=key)
        assert town.etag == '"1"'
    await town.booking(dossier_id, booking["id"])
    assert town.etag == '"1"'
    await town.change(dossier_id, booking, (ines, week_id))
    assert town.etag == '"2"'
    await town.change(dossier_id, booking | {"version": 2}, (ines, week_id), (lea, week_id))
    await town.cancel(dossier_id, booking["id"], 0)
    assert town.etag == '"4"'
    await town.confirm(dossier_id, booking["id"])
    assert town.etag == '"5"'
    await town.cancel(dossier_id, booking["id"])
    assert town.etag == '"6"'


async def test_only_the_family_and_the_desk_change_a_booking_to_children_and_weeks_there_are(town: Any) -> None:
    dossier_id, (ines, lea) = await town.family(9, 9)
    stranger, (awa,) = await town.family(9)
    week_id = await town.week()
    booking = await town.held(dossier_id, (ines, week_id))
    assert (await town.change(stranger, booking, (awa, week_id)))[0] == 404
    assert (await town.change(dossier_id, booking, (ines, week_id), (awa, week_id)))[0] == 404
    assert (await town.change(dossier_id, booking, (ines, new_id())))[0] == 404
    assert (await town.change(dossier_id, booking | {"id": str(new_id())}, (lea, week_id)))[0] == 404
    assert await town.booking(dossier_id, booking["id"]) == booking
    status, changed = await town.change(None, booking, (lea, week_id))
    assert (status, standing(changed)) == (200, [(1, lea, week_id)])
    assert await town.taken(week_id) == [1]


async def test_bodies_that_say_nothing_or_the_same_twice_or_too_much_are_malformed(town: Any) -> None:
    dossier_id, (ines, lea) = await town.family(9, 9)
    week_id = await town.week()
    booking = await town.held(dossier_id, (ines, week_id))
    line = town.lines((lea, week_id))["lines"][0]
    for body, pointer in (
        ({}, "/lines"),
        ({"lines": []}, "/lines"),
        ({"lines": None}, "/lines"),
        ({"lines": [line] * 21}, "/lines"),
        ({"lines": [line, line]}, "/lines/1"),
        ({"lines": [line | {"position": 3}]}, "/lines/0/position"),
        ({"lines": [line], "hold_expires_at": "2030-01-01T00:00:00Z"}, "/hold_expires_at"),
    ):
        path = f"/v1/bookings/{booking['id']}/lines"
        status, problem = await town.call("PUT", path, dossier_id, body, seen=booking["version"])
        assert (status, [one["pointer"] for one in problem["errors"]]) == (422, [pointer]), body
        if body == {"lines": []}:
            assert "annulez la réservation" in problem["errors"][0]["detail"]
    assert await town.booking(dossier_id, booking["id"]) == booking
    assert await town.taken(week_id) == [1]
