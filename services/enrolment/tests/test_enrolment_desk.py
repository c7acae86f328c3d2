"""What an agent books for a family: payable for days, past a rule with a reason that is kept, never over the places."""

from datetime import datetime, time, timedelta
from typing import Any
from uuid import UUID

import pytest
from chassis import clock
from chassis.editing import Seen, etag
from chassis.identifiers import new_id
from chassis.reach import Reach
from enrolment.bookings.models import Booking
from enrolment.catalogue.models import Activity, HolidayWeek
from enrolment.holiday_weeks import editing
from french.calendar import DAY, is_working_day
from french.paris import at, day_in_paris
from french.wording import moment
from sqlalchemy.dialects.postgresql import Range

from services.enrolment.tests.enrolment_scene import FIRST_MONDAY

REASON = "Urgence signalée par l'assistante sociale"


async def at_desk(town: Any, dossier_id: UUID, *lines: tuple[UUID, UUID], **more: Any) -> tuple[int, Any]:
    status, answer = await town.post(None, *lines, dossier_id=str(dossier_id), **more)
    return status, answer


async def overrides(town: Any, booking: dict[str, Any]) -> list[dict[str, Any]]:
    async with town.database.sessions() as session:
        return list((await session.get_one(Booking, UUID(booking["id"]))).overrides)


def instant(written: str) -> datetime:
    return datetime.fromisoformat(written)


async def test_a_desk_booking_is_held_then_payable_until_the_end_that_the_agent_gave_and_the_family_is_told(
    town: Any,
) -> None:
    dossier_id, (ines,) = await town.family(9)
    week_id, pay_by = await town.week(), clock.now() + 5 * DAY
    status, booking = await at_desk(town, dossier_id, (ines, week_id), pay_by=pay_by.isoformat())
    assert (status, instant(booking["pay_by"]), booking["override_reason"]) == (201, pay_by, None)
    assert instant(booking["hold_expires_at"]) < clock.now() + timedelta(minutes=21)  # until it is confirmed
    assert await town.booking(dossier_id, booking["id"]) == booking
    assert await town.published() == []
    quote_id = new_id()
    for _ in range(2):
        assert (await town.confirm(None, booking["id"], quote_id))[0] == 202
    (event,) = await town.published("booking_confirmed")
    assert event.pay_by == pay_by
    (notice,) = await town.published("notice_written")
    assert (notice.dossier_id, notice.link) == (dossier_id, f"/reservations/{booking['id']}")
    assert "Inès : Vacances d'essai" in notice.paragraphs[0]
    assert moment(pay_by) in notice.paragraphs[1]


async def test_what_a_family_confirms_itself_needs_no_telling(town: Any) -> None:
    dossier_id, (ines,) = await town.family(9)
    booking = await town.confirmed(dossier_id, (ines, await town.week()))
    assert booking["pay_by"] is None
    (event,) = await town.published()
    assert (event.type, event.pay_by) == ("enrolment.booking_confirmed", None)


async def test_unpaid_at_its_end_the_place_goes_to_whoever_waits_and_the_family_is_told(town: Any) -> None:
    dossier_id, (ines,) = await town.family(9)
    other, (awa,) = await town.family(9)
    week_id = await town.week(places=1)
    pay_by = clock.now() + 5 * DAY
    _, booking = await at_desk(town, dossier_id, (ines, week_id), pay_by=pay_by.isoformat())
    _, booking = await town.confirm(None, booking["id"])
    entry_id = await town.waits(other, (awa, week_id))
    billing = town.billing(booking)
    await town.hear(billing.opened.model_copy(update={"payable_until": pay_by}))
    booking = await town.booking(dossier_id, booking["id"])
    assert (booking["status"], instant(booking["payable_until"])) == ("confirmed", pay_by)
    assert (await town.entry(other, entry_id))["status"] == "waiting"
    await town.hear(billing.lapsed)
    assert (await town.booking(dossier_id, booking["id"]))["status"] == "expired"
    assert (await town.entry(other, entry_id))["status"] == "offered"
    assert await town.taken(week_id) == [1]
    told = [one.title for one in await town.published("notice_written") if one.dossier_id == dossier_id]
    assert told == ["Le guichet a réservé pour votre famille", "Votre réservation a expiré"]


@pytest.mark.parametrize("pay_by", ["past", "now", "number", "naive", "never", "day"])
async def test_an_end_for_paying_that_cannot_be_is_malformed(pay_by: str, town: Any) -> None:
    dossier_id, (ines,) = await town.family(9)
    week_id, now = await town.week(), clock.now()
    wrong = {
        "past": (now - DAY).isoformat(),
        "now": now.isoformat(),
        "number": 1_800_000_000,
        "naive": (now + DAY).replace(tzinfo=None).isoformat(),
        "never": "9999-12-31T23:59:59-12:00",
        "day": "2027-02-30T12:00:00Z",
    }[pay_by]
    status, problem = await at_desk(town, dossier_id, (ines, week_id), pay_by=wrong)
    assert (status, [one["pointer"] for one in problem["errors"]]) == (422, ["/pay_by"])
    assert await town.taken(week_id) == [0]


async def test_nobody_pays_once_a_week_has_begun(town: Any) -> None:
    dossier_id, (ines, lea) = await town.family(9, 9)
    first, second = await town.week(), await town.week(after=1)
    midnight = at(FIRST_MONDAY, time.min)
    status, problem = await at_desk(town, dossier_id, (ines, second), (lea, first), pay_by=midnight.isoformat())
    assert (status, problem["type"]) == (409, "urn:problem:enrolment:not-eligible")
    assert [one["pointer"] for one in problem["errors"]] == ["/lines/1"]
    before = (midnight - timedelta(seconds=1)).isoformat()
    assert (await at_desk(town, dossier_id, (lea, first), pay_by=before))[0] == 201
    status, booking = await at_desk(town, dossier_id, (ines, second), pay_by=midnight.isoformat())
    assert status == 201
    status, problem = await town.change(None, booking, (ines, second), (ines, first))
    assert (status, [one["pointer"] for one in problem["errors"]]) == (409, ["/lines/1"])
    assert await town.taken(first, second) == [1, 1]


async def test_an_offer_that_the_desk_accepts_by_telephone_is_payable_until_the_end_it_gives(town: Any) -> None:
    week_id, ((booked, booking_id),) = await town.full()
    dossier_id, (awa,) = await town.family(9)
    entry_id = await town.waits(dossier_id, (awa, week_id))
    await town.cancel(booked, booking_id)
    pay_by = clock.now() + 5 * DAY
    for whose, wrong in ((dossier_id, pay_by), (None, clock.now()), (None, 1_800_000_000)):
        given = wrong if isinstance(wrong, int) else wrong.isoformat()
        status, problem = await town.accept(whose, entry_id, pay_by=given)
        assert (status, [one["pointer"] for one in problem["errors"]]) == (422, ["/pay_by"])
    status, problem = await town.accept(None, entry_id, pay_by=at(FIRST_MONDAY, time.min).isoformat())
    assert (status, problem["type"]) == (409, "urn:problem:enrolment:cannot-accept")
    assert (await town.entry(dossier_id, entry_id))["status"] == "offered"

    status, booking = await town.accept(None, entry_id, pay_by=pay_by.isoformat())
    assert (status, booking["status"], instant(booking["pay_by"])) == (201, "held", pay_by)
    assert (await town.confirm(None, booking["id"]))[0] == 202
    assert (await town.published("booking_confirmed"))[-1].pay_by == pay_by
    assert (await town.published("notice_written"))[-1].title == "Le guichet a réservé pour votre famille"


RULES = {
    "age": "accueille les enfants de 3 à 5 ans",
    "closed": "closes depuis",
    "opening": "ouvrent le",
    "dossier": "incomplet",
}


@pytest.mark.parametrize("rule", RULES)
async def test_a_rule_is_passed_over_with_a_reason_which_is_kept(rule: str, town: Any) -> None:
    missing = ("quotient",) if rule == "dossier" else ()
    dossier_id, (ines,) = await town.family(9, missing=missing)
    soon, now = clock.now() + 50 * DAY, clock.now()
    week_id = await town.week(
        ages=(3, 5) if rule == "age" else (6, 11),
        booking_closes_at=now - timedelta(minutes=1) if rule == "closed" else soon,
        booking_opens_at=now + DAY if rule == "opening" else None,
    )
    status, problem = await town.post(dossier_id, (ines, week_id))
    assert (status, problem["type"]) == (409, "urn:problem:enrolment:not-eligible")
    assert "passer outre" not in problem["errors"][0]["detail"]
    status, problem = await at_desk(town, dossier_id, (ines, week_id))
    assert (status, problem["type"]) == (409, "urn:problem:enrolment:not-eligible")
    assert problem["errors"][0]["detail"].endswith("Le guichet peut passer outre en indiquant un motif.")
    assert await town.taken(week_id) == [0]

    status, booking = await at_desk(town, dossier_id, (ines, week_id), override_reason=REASON)
    assert (status, booking["override_reason"]) == (201, REASON)
    assert await town.booking(dossier_id, booking["id"]) == booking
    (kept,) = await overrides(town, booking)
    assert (kept["account_id"], kept["role"], kept["reason"]) == (str(town.agent_id), "agent", REASON)
    ((line),) = kept["passed_over"]
    assert (line["child_id"], line["holiday_week_id"]) == (str(ines), str(week_id))
    assert RULES[rule] in line["detail"]
    assert await town.taken(week_id) == [1]


async def test_a_reason_that_passes_over_nothing_is_not_kept(town: Any) -> None:
    dossier_id, (ines, tom) = await town.family(9, 4)
    free, full = await town.week(), await town.week(places=0)
    status, booking = await at_desk(town, dossier_id, (ines, free), override_reason=REASON)
    assert (status, booking["override_reason"], await overrides(town, booking)) == (201, None, [])
    status, booking = await at_desk(
        town, dossier_id, (tom, full), (tom, free), override_reason=REASON, keep_available=True
    )
    assert (status, len(booking["refused"])) == (201, 1)
    (kept,) = await overrides(town, booking)  # of what it is held for
    assert [one["holiday_week_id"] for one in kept["passed_over"]] == [str(free)]


@pytest.mark.parametrize("firm", ["begun", "activity", "archived", "overlap", "regie", "full"])
async def test_no_reason_passes_over_what_cannot_be(firm: str, town: Any) -> None:
    facts = {"status": "archived"} if firm == "archived" else {}
    dossier_id, (ines, lea) = await town.family(9, 9, **facts)
    today = day_in_paris(clock.now())
    begun = {"dates": [today], "period": Range(today, today, bounds="[]")} if firm == "begun" else {}
    week_id = await town.week(places=0 if firm == "full" else 10, **begun)
    lines = [(ines, week_id)]
    if firm == "overlap":
        await town.held(dossier_id, (ines, await town.week(centre="Le Moulin")))
    elif firm == "regie":
        lines = [(lea, await town.week(after=1, regie="sports")), (ines, week_id)]
    elif firm == "activity":
        async with town.database.sessions.begin() as session:
            week = await session.get_one(HolidayWeek, week_id)
            (await session.get_one(Activity, week.activity_id)).status = "closed"
    status, problem = await at_desk(town, dossier_id, *lines, override_reason=REASON)
    kind = {"overlap": "overlapping-week", "regie": "several-regies", "full": "week-full"}.get(firm, "not-eligible")
    assert (status, problem["type"]) == (409, f"urn:problem:enrolment:{kind}")
    assert "passer outre" not in problem["errors"][0]["detail"]
    assert await town.taken(week_id) == [0]


async def test_the_desk_books_past_the_places_only_when_an_administrator_has_raised_them(town: Any) -> None:
    dossier_id, (ines,) = await town.family(9)
    working = next(day for day in (FIRST_MONDAY + n * DAY for n in range(7)) if is_working_day(day))
    week_id, _ = await town.full(dates=[working], period=Range(working, working, bounds="[]"))
    status, problem = await at_desk(town, dossier_id, (ines, week_id), override_reason=REASON)
    assert (status, problem["type"]) == (409, "urn:problem:enrolment:week-full")
    administrator, more = Reach(sub=new_id(), role="administrator"), {"places": 2}
    async with town.database.sessions.begin() as session:
        seen, why = Seen(etag(1)), "Une animatrice de plus"
        await editing.change(session, administrator, seen, week_id, more, why, clock.now())
    assert (await at_desk(town, dossier_id, (ines, week_id)))[0] == 201
    assert await town.taken(week_id) == [2]


async def test_lines_of_a_hold_are_changed_past_a_rule_with_a_reason_too(town: Any) -> None:
    dossier_id, (ines, tom) = await town.family(9, 4)
    week_id = await town.week()
    _, booking = await at_desk(town, dossier_id, (ines, week_id))
    status, problem = await town.change(None, booking, (ines, week_id), (tom, week_id))
    assert (status, problem["errors"][0]["pointer"]) == (409, "/lines/1")
    status, changed = await town.change(None, booking, (ines, week_id), (tom, week_id), override_reason=REASON)
    assert (status, changed["override_reason"]) == (200, REASON)
    ((line),) = (await overrides(town, booking))[0]["passed_over"]
    assert line["child_id"] == str(tom)
    # What was granted stays when the family changes the rest itself.
    status, changed = await town.change(dossier_id, changed, (tom, week_id))
    assert (status, changed["override_reason"], len(await overrides(town, booking))) == (200, REASON, 1)


async def test_a_family_neither_gives_itself_an_end_nor_a_reason(town: Any) -> None:
    dossier_id, (ines,) = await town.family(9)
    week_id, later = await town.week(), (clock.now() + DAY).isoformat()
    for name, value in (("pay_by", later), ("override_reason", REASON), ("overrides", [])):
        status, problem = await town.post(dossier_id, (ines, week_id), **{name: value})
        assert (status, [one["pointer"] for one in problem["errors"]]) == (422, [f"/{name}"])
    booking = await town.held(dossier_id, (ines, week_id))
    for name, value in (("pay_by", later), ("override_reason", REASON)):
        status, problem = await town.change(dossier_id, booking, (ines, week_id), **{name: value})
        assert (status, [one["pointer"] for one in problem["errors"]]) == (422, [f"/{name}"])
    assert await town.booking(dossier_id, booking["id"]) == booking


@pytest.mark.parametrize("reason", ["", "   ", "x" * 501, 7, ["motif"], "motif\0"])
async def test_a_reason_says_something_in_five_hundred_characters(reason: Any, town: Any) -> None:
    dossier_id, (tom,) = await town.family(4)
    week_id = await town.week()
    status, problem = await at_desk(town, dossier_id, (tom, week_id), override_reason=reason)
    assert (status, [one["pointer"] for one in problem["errors"]]) == (422, ["/override_reason"])
    assert (await at_desk(town, dossier_id, (tom, week_id), override_reason="Oui"))[0] == 201
