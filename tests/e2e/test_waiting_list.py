"""A full week, waited for by one family and given up by another, through the gateway and by mail."""

from datetime import datetime, timedelta
from typing import Any

import asyncpg
import pytest

from deploy.local.portal import Portal, RefusedError, until
from tests.actors import Clock, Family, Others


async def refused(family: Family, line: tuple[str, str]) -> str:
    with pytest.raises(RefusedError) as problem:
        await family.portal.book([line])
    return problem.value.type


async def test_a_place_that_another_family_gives_up_is_offered_by_mail_accepted_and_confirmed(
    family: Family,
    agent: Portal,
    moving_clock: Clock,
    enrolment_database: asyncpg.Connection,
    last_week: tuple[str, str],
) -> None:
    await family.sign_in_again()
    (child_id, week_id), portal = last_week, family.portal
    wish = {"child_id": child_id, "holiday_week_id": week_id}
    with pytest.raises(RefusedError) as there_is_one:
        await portal.post("/enrolment/v1/waiting-list", wish)
    assert there_is_one.value.type == "urn:problem:enrolment:places-left"

    others = Others(agent, enrolment_database, family.dossier_id)
    booking_id = await others.book(week_id)
    assert await refused(family, last_week) == "urn:problem:enrolment:week-full"
    (week,) = [one for one in await portal.holiday_weeks(child_id) if one["id"] == week_id]
    assert (week["bookable"], "liste d'attente" in week["reason"]) == (False, True)
    entry = await portal.post("/enrolment/v1/waiting-list", wish)
    assert (entry["status"], entry["rank"]) == ("waiting", 1)
    assert [one["code"] for one in entry["criteria"]] == ["handicap", "parents-en-activite", "habitant", "fratrie"]
    assert "rang 1" in (await portal.mail(family.guardian.email, "Vous êtes sur la liste d'attente"))["text"]

    await agent.cancel(booking_id)
    assert await refused(family, last_week) == "urn:problem:enrolment:week-full"  # not even by themselves
    mail = await portal.mail(family.guardian.email, "une place est gardée pour vous")
    assert "/inscriptions" in mail["text"]

    held = await portal.post(f"/enrolment/v1/waiting-list/{entry['id']}/accept")
    assert (held["status"], held["lines"][0]["holiday_week_id"]) == ("held", week_id)
    quote = await portal.quote([last_week])
    confirmed: dict[str, Any] = await portal.confirm(held["id"], quote["quote_id"])
    assert confirmed["status"] == "confirmed"
    assert (await portal.invoiced(held["id"]))["amount_cents"] == quote["total_cents"]
    (seen,) = (await portal.get("/enrolment/v1/waiting-list"))["items"]
    assert (seen["status"], seen["booking_id"]) == ("accepted", held["id"])


async def test_what_the_desk_books_is_payable_until_its_end_and_then_offered_to_who_waits(
    family: Family,
    agent: Portal,
    moving_clock: Clock,
    enrolment_database: asyncpg.Connection,
    last_week: tuple[str, str],
) -> None:
    await family.sign_in_again()
    (child_id, week_id), portal = last_week, family.portal
    pay_by = moving_clock.now() + timedelta(hours=1)
    others = Others(agent, enrolment_database, family.dossier_id)
    booking = await others.book_payable_until(week_id, pay_by)
    assert datetime.fromisoformat(booking["payable_until"]) == pay_by
    # Whatever else has lapsed in that week meanwhile.
    await enrolment_database.execute("UPDATE holiday_weeks SET places = taken WHERE id = $1", week_id)
    entry = await portal.post("/enrolment/v1/waiting-list", {"child_id": child_id, "holiday_week_id": week_id})
    assert entry["status"] == "waiting"

    async def expired() -> bool | None:
        status = await enrolment_database.fetchval("SELECT status FROM bookings WHERE id = $1", booking["id"])
        return status == "expired" or None

    moving_clock.advance(minutes=61)
    await until(expired, "the desk's booking has lapsed")
    await portal.mail(family.guardian.email, "une place est gardée pour vous")
    await family.sign_in_again()
    (seen,) = (await portal.get("/enrolment/v1/waiting-list"))["items"]
    assert seen["status"] == "offered"
