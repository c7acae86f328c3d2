import asyncio
from collections.abc import Callable
from datetime import datetime
from typing import Any

import pytest
from chassis import clock
from chassis.database import Database
from chassis.idempotency import Once
from chassis.identifiers import new_id
from chassis.states import IllegalMove
from enrolment.bookings.bookings import expire_holds
from enrolment.bookings.models import Booking
from enrolment.bookings.rules import TRANSITIONS, BookingStatus
from enrolment.catalogue.models import HolidayWeek
from fastapi import Response
from french.calendar import DAY

from services.enrolment.tests.enrolment_scene import FIRST_MONDAY


async def expire(database: Database) -> None:
    async with database.sessions.begin() as session:
        await expire_holds(session, clock.now())


def test_only_the_moves_of_the_table_are_possible() -> None:
    for start in BookingStatus:
        for end in BookingStatus:
            booking = Booking(status=start, version=4)
            if end in TRANSITIONS[start]:
                booking.move(end)
                assert (booking.status, booking.version) == (end, 5)
            else:
                with pytest.raises(IllegalMove):
                    booking.move(end)


async def test_holding_takes_a_place_for_each_line_for_twenty_minutes(town: Any) -> None:
    dossier_id, (ines, tom) = await town.family(9, 5)
    big, small = await town.week(), await town.week(ages=(3, 5))
    booking = await town.held(dossier_id, (ines, big), (tom, small))
    assert booking["status"] == "held"
    assert booking["dossier_id"] == str(dossier_id)
    assert [(line["child_id"], line["holiday_week_id"]) for line in booking["lines"]] == [
        (str(ines), str(big)),
        (str(tom), str(small)),
    ]
    assert booking["lines"][0]["centre"] == "Accueil de loisirs La Bièvre"
    assert len(booking["lines"][0]["dates"]) == 5
    assert {booking[name] for name in ("quote_id", "confirmed_at", "invoice_id", "amount_cents", "payable_until")} == {
        None
    }
    held_for = datetime.fromisoformat(booking["hold_expires_at"]) - datetime.fromisoformat(booking["created_at"])
    assert held_for.total_seconds() == 20 * 60
    assert await town.taken(big, small) == [1, 1]
    assert await town.booking(dossier_id, booking["id"]) == booking
    assert await town.published() == []


async def test_a_full_line_holds_nothing_and_is_named(town: Any) -> None:
    dossier_id, (ines, tom) = await town.family(9, 5)
    free, full = await town.week(), await town.week(ages=(3, 5), places=0)
    status, problem = await town.post(dossier_id, (ines, free), (tom, full))
    assert (status, problem["type"]) == (409, "urn:problem:enrolment:week-full")
    assert [(one["pointer"], one["holiday_week_id"]) for one in problem["errors"]] == [("/lines/1", str(full))]
    assert await town.taken(free, full) == [0, 0]
    assert (await town.call("GET", "/v1/bookings", dossier_id))[1]["items"] == []


async def test_siblings_who_want_the_last_place_are_refused_together(town: Any) -> None:
    dossier_id, (ines, lea) = await town.family(9, 8)
    week_id = await town.week(places=1)
    status, problem = await town.post(dossier_id, (ines, week_id), (lea, week_id))
    assert (status, [one["pointer"] for one in problem["errors"]]) == (409, ["/lines/1"])
    assert await town.taken(week_id) == [0]


async def test_what_is_available_is_kept_on_request(town: Any) -> None:
    dossier_id, (ines, tom) = await town.family(9, 5)
    free, full = await town.week(), await town.week(ages=(3, 5), places=0)
    status, booking = await town.post(dossier_id, (tom, full), (ines, free), keep_available=True)
    assert status == 201
    assert [line["child_id"] for line in booking["lines"]] == [str(ines)]
    assert [(one["child_id"], one["holiday_week_id"]) for one in booking["refused"]] == [(str(tom), str(full))]
    assert await town.taken(free, full) == [1, 0]
    status, problem = await town.post(dossier_id, (tom, full), keep_available=True)
    assert (status, problem["type"]) == (409, "urn:problem:enrolment:week-full")


async def test_a_week_with_a_public_holiday_is_booked_and_told_by_its_days(town: Any) -> None:
    dossier_id, (ines,) = await town.family(9)
    days = [FIRST_MONDAY + n * DAY for n in (0, 1, 3, 4)]
    week_id, beside = await town.week(dates=days), await town.week(dates=[FIRST_MONDAY + 2 * DAY], centre="Le Moulin")
    _, page = await town.call("GET", f"/v1/holiday-weeks?child_id={ines}", dossier_id)
    assert [one["dates"] for one in page["items"] if one["id"] == str(week_id)] == [[str(day) for day in days]]
    booking = await town.confirmed(dossier_id, (ines, week_id))
    assert booking["lines"][0]["dates"] == [str(day) for day in days]
    (event,) = await town.published("booking_confirmed")
    assert event.lines[0].dates == tuple(days)
    assert (await town.post(dossier_id, (ines, beside)))[0] == 409  # the week is the child's, its holiday too


async def test_a_child_has_no_two_overlapping_weeks(town: Any) -> None:
    dossier_id, (ines,) = await town.family(9)
    here, there, later = await town.week(), await town.week(centre="Le Moulin"), await town.week(after=1)
    await town.held(dossier_id, (ines, here))
    status, problem = await town.post(dossier_id, (ines, later), (ines, there))
    assert (status, problem["type"]) == (409, "urn:problem:enrolment:overlapping-week")
    (error,) = problem["errors"]
    assert (error["pointer"], error["child_id"], error["holiday_week_id"]) == ("/lines/1", str(ines), str(there))
    assert "Inès" in error["detail"]
    assert await town.taken(here, there, later) == [1, 0, 0]
    await town.held(dossier_id, (ines, later))


async def test_overlapping_weeks_in_one_request_are_refused_too(town: Any) -> None:
    dossier_id, (ines,) = await town.family(9)
    here, there = await town.week(), await town.week(centre="Le Moulin")
    status, problem = await town.post(dossier_id, (ines, here), (ines, there))
    assert (status, problem["type"]) == (409, "urn:problem:enrolment:overlapping-week")
    assert len(problem["errors"]) == 1
    assert await town.taken(here, there) == [0, 0]


async def test_weeks_of_two_regies_are_refused_together_and_held_apart(town: Any) -> None:
    dossier_id, (ines, lea) = await town.family(9, 9)
    here, there = await town.week(), await town.week(after=1, regie="jeunesse", centre="Le Moulin")
    for keep_available in (False, True):
        lines = (ines, here), (ines, there), (lea, here), (lea, there)
        status, problem = await town.post(dossier_id, *lines, keep_available=keep_available)
        assert (status, problem["type"]) == (409, "urn:problem:enrolment:several-regies")
        assert [one["pointer"] for one in problem["errors"]] == ["/lines/1", "/lines/3"]
        assert problem["errors"][0]["detail"].startswith("Le Moulin, Vacances d'essai, semaine 1 : ")
        assert await town.taken(here, there) == [0, 0]
    await town.held(dossier_id, (ines, here), (lea, here))
    await town.held(dossier_id, (ines, there), (lea, there))


async def test_ineligible_lines_are_all_named_with_their_reasons(town: Any) -> None:
    dossier_id, (ines, tom) = await town.family(9, 5)
    week_id, closed = await town.week(), await town.week(after=1, booking_closes_at=clock.now())
    status, problem = await town.post(dossier_id, (tom, week_id), (ines, week_id), (ines, closed))
    assert (status, problem["type"]) == (409, "urn:problem:enrolment:not-eligible")
    assert [one["pointer"] for one in problem["errors"]] == ["/lines/0", "/lines/2"]
    assert "de 6 à 11 ans" in problem["errors"][0]["detail"]
    assert "closes" in problem["errors"][1]["detail"]
    incomplete, (lea,) = await town.family(9, missing=("quotient",))
    status, problem = await town.post(incomplete, (lea, week_id))
    assert (status, problem["type"]) == (409, "urn:problem:enrolment:not-eligible")
    assert await town.taken(week_id, closed) == [0, 0]


async def test_bodies_that_say_too_little_or_too_much_are_malformed(town: Any) -> None:
    dossier_id, (ines,) = await town.family(9)
    week_id = await town.week()
    line = {"child_id": str(ines), "holiday_week_id": str(week_id)}
    bodies: tuple[dict[str, Any], ...] = (
        {},
        {"lines": []},
        {"lines": [line] * 21},
        {"lines": [line], "status": "paid"},
        {"lines": [line | {"amount_cents": 1}]},
        {"lines": [line], "dossier_id": str(dossier_id)},
    )
    for body in bodies:
        assert (await town.call("POST", "/v1/bookings", dossier_id, body))[0] == 422, body
    assert (await town.post(None, (ines, week_id)))[0] == 422
    assert await town.taken(week_id) == [0]


async def test_the_desk_books_for_the_family_it_names(town: Any) -> None:
    dossier_id, (ines,) = await town.family(9)
    other, _ = await town.family(9)
    week_id = await town.week()
    assert (await town.post(None, (ines, week_id), dossier_id=str(other)))[0] == 404
    status, booking = await town.post(None, (ines, week_id), dossier_id=str(dossier_id))
    assert (status, booking["dossier_id"]) == (201, str(dossier_id))
    assert (await town.call("GET", f"/v1/bookings/{booking['id']}", None))[0] == 200
    assert (await town.call("GET", f"/v1/bookings?dossier_id={dossier_id}", None))[1]["items"] == [booking]


async def test_another_familys_things_are_not_found(town: Any) -> None:
    dossier_id, (ines,) = await town.family(9)
    stranger, (lea,) = await town.family(9)
    week_id = await town.week()
    booking = await town.held(dossier_id, (ines, week_id))
    path = f"/v1/bookings/{booking['id']}"
    assert (await town.call("GET", path, stranger))[0] == 404
    assert (await town.confirm(stranger, booking["id"]))[0] == 404
    assert (await town.call("DELETE", path, stranger))[0] == 404
    assert (await town.post(stranger, (lea, week_id), (ines, week_id)))[0] == 404
    assert (await town.post(stranger, (lea, new_id())))[0] == 404
    assert (await town.call("GET", "/v1/bookings", stranger))[1]["items"] == []
    assert (await town.booking(dossier_id, booking["id"]))["status"] == "held"


async def test_bookings_come_newest_first_and_page_by_page(town: Any) -> None:
    dossier_id, (ines,) = await town.family(9)
    made = [await town.held(dossier_id, (ines, await town.week(after=after))) for after in range(3)]
    _, first = await town.call("GET", "/v1/bookings?limit=2", dossier_id)
    _, second = await town.call("GET", f"/v1/bookings?limit=2&cursor={first['next_cursor']}", dossier_id)
    assert first["items"] + second["items"] == made[::-1]
    assert second["next_cursor"] is None


async def test_confirming_publishes_the_booking_once(town: Any) -> None:
    dossier_id, (ines,) = await town.family(9)
    week_id, quote_id = await town.week(), new_id()
    booking = await town.held(dossier_id, (ines, week_id))
    status, confirmed = await town.confirm(dossier_id, booking["id"], quote_id)
    assert (status, confirmed["status"], confirmed["quote_id"]) == (202, "confirmed", str(quote_id))
    assert (await town.confirm(dossier_id, booking["id"], quote_id))[1] == confirmed
    (event,) = await town.published()
    assert event.type == "enrolment.booking_confirmed"
    assert (str(event.booking_id), event.dossier_id, event.status, event.quote_id, event.version) == (
        booking["id"],
        dossier_id,
        "confirmed",
        quote_id,
        2,
    )
    assert event.confirmed_at.isoformat() == datetime.fromisoformat(confirmed["confirmed_at"]).isoformat()
    (line,) = event.lines
    assert (line.position, line.child_id, line.holiday_week_id, len(line.dates)) == (0, ines, week_id, 5)
    assert (line.status, line.refundable, event.confirmed_version) == ("active", False, 2)
    async with town.database.sessions() as session:
        assert line.site_id == (await session.get_one(HolidayWeek, week_id)).site_id
    status, problem = await town.confirm(dossier_id, booking["id"], new_id())
    assert (status, problem["type"]) == (409, "urn:problem:enrolment:not-held")


@pytest.mark.parametrize("job_has_run", [False, True])
async def test_a_hold_that_is_over_cannot_be_confirmed_and_its_places_are_free_again(
    job_has_run: bool, town: Any, database: Database, hours_later: Callable[[float], None]
) -> None:
    dossier_id, (ines,) = await town.family(9)
    week_id = await town.week(places=1)
    booking = await town.held(dossier_id, (ines, week_id))
    await expire(database)
    assert await town.taken(week_id) == [1]
    hours_later(20 / 60)
    if job_has_run:
        await expire(database)
    status, problem = await town.confirm(dossier_id, booking["id"])
    assert (status, problem["type"]) == (409, "urn:problem:enrolment:hold-expired")
    await expire(database)
    assert await town.taken(week_id) == [0]
    assert (await town.booking(dossier_id, booking["id"]))["status"] == "expired"
    assert await town.published() == []
    await town.held(dossier_id, (ines, week_id))


async def test_a_confirmed_booking_outlives_its_hold(
    town: Any, database: Database, hours_later: Callable[[float], None]
) -> None:
    dossier_id, (ines,) = await town.family(9)
    week_id = await town.week()
    booking = await town.confirmed(dossier_id, (ines, week_id))
    hours_later(1)
    await expire(database)
    assert (await town.booking(dossier_id, booking["id"]))["status"] == "confirmed"
    assert await town.taken(week_id) == [1]


async def test_the_same_request_twice_is_one_booking(town: Any) -> None:
    dossier_id, (ines,) = await town.family(9)
    week_id = await town.week()
    key = new_id().hex
    answers = await asyncio.gather(*(town.post(dossier_id, (ines, week_id), key=key) for _ in range(10)))
    first = next(body for status, body in answers if status == 201)
    assert all(
        (status, body) == (201, first) or (status, body["type"]) == (409, "urn:problem:idempotency-twin-running")
        for status, body in answers
    )
    assert await town.post(dossier_id, (ines, week_id), key=key) == (201, first)
    assert (await town.post(dossier_id, (ines, week_id), key=key, keep_available=True))[0] == 422
    assert await town.taken(week_id) == [1]


async def test_a_hold_refused_because_of_an_unseen_twin_is_answered_as_the_twin_was(
    town: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Its first look finds nothing, as when the twin ends between the statement's snapshot and its lock."""
    dossier_id, (ines,) = await town.family(9)
    week_id = await town.week()
    key = new_id().hex
    first = await town.post(dossier_id, (ines, week_id), key=key)
    stored, looked = Once.stored, set[Once]()

    async def look(once: Once, connection: Any) -> Response | None:
        answer = await stored(once, connection)
        if once in looked:
            return answer
        looked.add(once)
        return None

    monkeypatch.setattr(Once, "stored", look)
    assert await town.post(dossier_id, (ines, week_id), key=key) == first
    assert (await town.post(dossier_id, (ines, week_id)))[0] == 409
    assert await town.taken(week_id) == [1]
