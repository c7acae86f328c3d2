"""What goes wrong while places are held, through the gateway and against the real counters."""

import asyncio
from typing import Any

import asyncpg
import pytest
from chassis.identifiers import new_id

from deploy.local.portal import Portal, RefusedError
from tests.actors import Clock, Family


async def places(database: asyncpg.Connection, week_id: str) -> tuple[int, int]:
    """(places, taken) of that week."""
    row = await database.fetchrow("SELECT places, taken FROM holiday_weeks WHERE id = $1", week_id)
    return row["places"], row["taken"]


async def test_a_child_has_no_second_week_over_the_same_days(family: Family) -> None:
    child_id, week_id = await family.line()
    booking = await family.portal.book([(child_id, week_id)])
    dates = booking["lines"][0]["dates"]
    other = next(
        w["id"] for w in await family.portal.holiday_weeks(child_id) if w["dates"] == dates and w["id"] != week_id
    )
    with pytest.raises(RefusedError) as refused:
        await family.portal.book([(child_id, other)])
    assert (refused.value.status, refused.value.type) == (409, "urn:problem:enrolment:overlapping-week")


async def test_the_last_place_wanted_by_fifty_at_once_goes_to_one(
    agent: Portal, enrolment_database: asyncpg.Connection
) -> None:
    week = await enrolment_database.fetchrow(
        "SELECT id, min_age, max_age, dates[1] AS first FROM holiday_weeks"
        " WHERE taken = 0 AND min_age = 6 ORDER BY dates[1] DESC, id LIMIT 1"
    )
    children = await enrolment_database.fetch(
        """
        SELECT children.id::text, dossier_ids[1]::text AS dossier_id FROM children
        WHERE extract(year FROM age($1::date, birth_date)) BETWEEN $2 AND $3 ORDER BY children.id LIMIT 50
        """,
        week["first"], week["min_age"], week["max_age"],
    )  # fmt: skip
    assert len(children) == 50
    week_id = str(week["id"])
    await enrolment_database.execute("UPDATE holiday_weeks SET places = 1 WHERE id = $1", week["id"])

    async def try_to_book(child: asyncpg.Record) -> str:
        body = {
            "dossier_id": child["dossier_id"],
            "lines": [{"child_id": child["id"], "holiday_week_id": week_id}],
        }
        try:
            answer = await agent.post("/enrolment/v1/bookings", body)
        except RefusedError as refused:
            return refused.type
        return str(answer["status"])

    outcomes = await asyncio.gather(*map(try_to_book, children))
    assert sorted(outcomes) == ["held"] + ["urn:problem:enrolment:week-full"] * 49
    assert await places(enrolment_database, week_id) == (1, 1)


async def test_a_siblings_full_week_leaves_nothing_held(family: Family, enrolment_database: asyncpg.Connection) -> None:
    first, (sibling, _) = await family.line(0), await family.line(1)
    # A week of nobody: in any other one a hold may run out meanwhile, and leave its place.
    offered = [week["id"] for week in await family.portal.weeks(sibling) if week["id"] != first[1]]
    empty, there_were = await enrolment_database.fetchrow(
        "SELECT id::text, places FROM holiday_weeks WHERE taken = 0 AND id = ANY($1) ORDER BY id LIMIT 1", offered
    )
    await enrolment_database.execute("UPDATE holiday_weeks SET places = 0 WHERE id = $1", empty)
    try:
        with pytest.raises(RefusedError) as refused:
            await family.portal.book([first, (sibling, empty)])
        assert (refused.value.status, refused.value.type) == (409, "urn:problem:enrolment:week-full")
        assert [error["pointer"] for error in refused.value.problem["errors"]] == ["/lines/1"]
        taken, booked, theirs = await enrolment_database.fetchrow(
            "SELECT taken, (SELECT count(*) FROM booking_lines WHERE holiday_week_id = $1 AND active),"
            " (SELECT count(*) FROM booking_lines WHERE holiday_week_id = $1 AND active AND child_id = $2)"
            " FROM holiday_weeks WHERE id = $1",
            first[1],
            first[0],
        )
        assert (taken, theirs) == (booked, 0)
        assert (await family.portal.get("/enrolment/v1/bookings"))["items"] == []
    finally:
        await enrolment_database.execute("UPDATE holiday_weeks SET places = $2 WHERE id = $1", empty, there_were)


async def test_a_hold_that_is_over_cannot_be_confirmed_and_its_places_are_free_again(
    family: Family, moving_clock: Clock, enrolment_database: asyncpg.Connection
) -> None:
    line = await family.line()
    booking, quote = await family.portal.book([line]), await family.portal.quote([line])
    moving_clock.advance(minutes=20, seconds=1)
    await family.sign_in_again()
    with pytest.raises(RefusedError) as refused:
        await family.portal.confirm(booking["id"], quote["quote_id"])
    assert refused.value.status == 409
    await family.portal.in_status(booking["id"], "expired")
    # Other tests' holds run out with the clock as well: what is counted must be what is still booked.
    booked = await enrolment_database.fetch(
        "SELECT booking_id::text FROM booking_lines WHERE holiday_week_id = $1 AND active", line[1]
    )
    assert booking["id"] not in {row["booking_id"] for row in booked}
    assert (await places(enrolment_database, line[1]))[1] == len(booked)
    assert (await family.portal.book([line]))["status"] == "held"


async def test_the_same_booking_sent_fifty_times_at_once_and_later_is_one(
    family: Family, enrolment_database: asyncpg.Connection
) -> None:
    line, key = await family.line(), str(new_id())
    before = await places(enrolment_database, line[1])

    async def send() -> str:
        try:
            return str((await family.portal.book([line], key=key))["id"])
        except RefusedError as refused:
            assert refused.type == "urn:problem:idempotency-twin-running"  # noqa: PT017
            return "twin"

    answers = set(await asyncio.gather(*(send() for _ in range(50)))) - {"twin"}
    assert answers == {(await family.portal.book([line], key=key))["id"]}
    assert await places(enrolment_database, line[1]) == (before[0], before[1] + 1)
    with pytest.raises(RefusedError) as refused:
        await family.portal.book([await family.line(week=1)], key=key)
    assert refused.value.status == 422


async def test_the_same_confirmation_sent_thirty_times_at_once_and_later_is_one(family: Family) -> None:
    line, key = await family.line(), str(new_id())
    booking, quote = await family.portal.book([line]), await family.portal.quote([line])

    async def send() -> int | str:
        try:
            return int((await family.portal.confirm(booking["id"], quote["quote_id"], key=key))["version"])
        except RefusedError as refused:
            assert refused.type == "urn:problem:idempotency-twin-running"  # noqa: PT017
            return "twin"

    answers = set(await asyncio.gather(*(send() for _ in range(30)))) - {"twin"}
    assert answers == {booking["version"] + 1}
    assert (await family.portal.confirm(booking["id"], quote["quote_id"], key=key))["version"] in answers
    with pytest.raises(RefusedError) as refused:
        await family.portal.confirm(booking["id"], str(new_id()), key=key)
    assert refused.value.status == 422

    billed = await family.portal.invoiced(booking["id"])
    invoices = (await family.portal.get("/billing/v1/invoices"))["items"]
    assert [one["id"] for one in invoices] == [billed["invoice_id"]]


async def invoice_confirmed_with(family: Family, line: tuple[str, str], quote_id: str) -> dict[str, Any]:
    booking = await family.portal.book([line])
    await family.portal.confirm(booking["id"], quote_id)
    booking = await family.portal.invoiced(booking["id"])
    invoice: dict[str, Any] = await family.portal.get(f"/billing/v1/invoices/{booking['invoice_id']}")
    return invoice


async def test_a_quote_is_honoured_as_long_as_it_was_valid_at_confirmation(family: Family) -> None:
    line = await family.line()
    quote = await family.portal.quote([line])
    invoice = await invoice_confirmed_with(family, line, quote["quote_id"])
    assert (invoice["amount_cents"], invoice["repriced"]) == (quote["total_cents"], False)


async def test_a_quote_past_its_end_is_priced_anew_and_the_family_told(family: Family, moving_clock: Clock) -> None:
    line = await family.line()
    quote = await family.portal.quote([line])
    moving_clock.advance(minutes=30, seconds=1)
    await family.sign_in_again()
    invoice = await invoice_confirmed_with(family, line, quote["quote_id"])
    assert invoice["repriced"] is True
    assert await family.portal.mail(family.guardian.email, "recalculé")


async def test_a_quote_for_other_lines_is_priced_anew(family: Family) -> None:
    line, other = await family.line(), await family.line(week=1)
    right, quote = await family.portal.quote([line]), await family.portal.quote([other])
    invoice = await invoice_confirmed_with(family, line, quote["quote_id"])
    assert (invoice["amount_cents"], invoice["repriced"]) == (right["total_cents"], True)
