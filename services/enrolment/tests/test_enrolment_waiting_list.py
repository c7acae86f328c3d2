"""The waiting list: joined when a week is full, offered what is freed, taken, refused, run out."""

from collections.abc import Callable
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

import pytest
from chassis import clock, command
from chassis.database import Database
from chassis.identifiers import new_id
from chassis.testing import Databases
from contracts.dossier import Adult, ChildChanged, DossierChanged
from enrolment.bookings import bookings
from enrolment.main import SERVICE
from enrolment.waiting_list import offers, standings
from enrolment.waiting_list.models import WaitingRules
from enrolment.waiting_list.rules import order
from french.calendar import DAY
from french.paris import at, day_in_paris
from sqlalchemy import text

from services.enrolment.tests.enrolment_scene import FIRST_MONDAY
from services.enrolment.tests.test_enrolment_town import TOWN
from tests.builders import sample

CRITERIA = [
    {"code": "habitant", "kind": "resident", "points": 20, "explanation": "L'enfant habite la commune"},
    {"code": "fratrie", "kind": "sibling", "points": 10, "explanation": "Un frère ou une sœur"},
    {"code": "handicap", "kind": "certified", "points": 30, "explanation": "Attesté au guichet"},
]


@pytest.fixture
async def criteria(database: Database) -> None:
    async with database.sessions.begin() as session:
        session.add(WaitingRules(only_row=True, offer_hours=24, criteria=CRITERIA))


@pytest.fixture
def pass_on(database: Database) -> Callable[[], Any]:
    """What the worker does."""

    async def run() -> None:
        async with database.sessions.begin() as session:
            await offers.pass_on_due(session, clock.now())

    return run


async def told(town: Any, dossier_id: UUID) -> list[str]:
    notices = await town.published("notice_written")
    return [one.title for one in notices if one.dossier_id == dossier_id and not one.desk]


async def set_places(database: Database, week_id: UUID, places: int) -> None:
    async with database.sessions.begin() as session, offers.freeing(session, [week_id], clock.now()):
        await session.execute(text("UPDATE holiday_weeks SET places = :n WHERE id = :id"), {"n": places, "id": week_id})


# ---------------------------------------------------------------------- joining


async def test_a_full_week_is_waited_for_and_the_family_sees_its_rank(town: Any) -> None:
    week_id, _ = await town.full()
    (first, (ines,)), (second, (lea,)) = await town.family(9), await town.family(9)
    status, entry = await town.join(first, (ines, week_id))
    assert (status, entry["status"], entry["rank"], entry["points"], entry["criteria"]) == (201, "waiting", 1, 0, [])
    assert (entry["child_id"], entry["holiday_week_id"], entry["dossier_id"]) == (str(ines), str(week_id), str(first))
    assert entry["centre"] == "Accueil de loisirs La Bièvre"
    assert len(entry["dates"]) == 5
    _, behind = await town.join(second, (lea, week_id))
    assert behind["rank"] == 2
    assert await town.entries(second) == {behind["id"]: behind}
    assert await town.taken(week_id) == [1]
    (notice,) = [one for one in await town.published("notice_written") if one.dossier_id == second]
    assert notice.title == "Vous êtes sur la liste d'attente"
    assert "rang 2" in notice.paragraphs[0]
    assert notice.link == "/inscriptions"


async def test_a_week_that_has_places_is_booked_and_not_waited_for(town: Any) -> None:
    week_id = await town.week(places=1)
    dossier_id, (ines,) = await town.family(9)
    status, problem = await town.join(dossier_id, (ines, week_id))
    assert (status, problem["type"]) == (409, "urn:problem:enrolment:places-left")
    assert "Il reste des places" in problem["detail"]
    await town.held(dossier_id, (ines, week_id))
    assert await town.entries(dossier_id) == {}


async def test_one_waits_once_and_the_same_request_twice_is_one(town: Any) -> None:
    week_id, _ = await town.full()
    dossier_id, (ines,) = await town.family(9)
    key = new_id().hex
    first = await town.join(dossier_id, (ines, week_id), key=key)
    assert await town.join(dossier_id, (ines, week_id), key=key) == first
    status, problem = await town.join(dossier_id, (ines, week_id))
    assert (status, problem["type"]) == (409, "urn:problem:enrolment:already-waiting")
    assert problem["errors"][0]["pointer"] == "/child_id"
    assert len(await town.entries(dossier_id)) == 1
    assert len(await town.published("notice_written")) == 1


async def test_who_could_not_have_the_place_is_told_why_and_does_not_wait(town: Any) -> None:
    week_id, _ = await town.full()
    old, (grown,) = await town.family(15)
    incomplete, (lea,) = await town.family(9, missing=("insurance",))
    busy, (ines,) = await town.family(9)
    await town.held(busy, (ines, await town.week(centre="Le Moulin")))
    for dossier_id, child, words in (
        (old, grown, "de 6 à 11 ans"),
        (incomplete, lea, "dossier est incomplet"),
        (busy, ines, "a une autre réservation à ces dates"),
    ):
        status, problem = await town.join(dossier_id, (child, week_id))
        assert (status, problem["type"]) == (409, "urn:problem:enrolment:cannot-wait")
        assert words in problem["errors"][0]["detail"]
        assert await town.entries(dossier_id) == {}
    assert await town.published("notice_written") == []


async def test_what_is_not_there_or_not_theirs_is_not_found(town: Any) -> None:
    week_id, _ = await town.full()
    (dossier_id, (ines,)), (_, (stranger,)) = await town.family(9), await town.family(9)
    entry_id = await town.waits(dossier_id, (ines, week_id))
    other, (lea,) = await town.family(9)
    assert (await town.join(other, (ines, week_id)))[0] == 404
    assert (await town.join(other, (lea, new_id())))[0] == 404
    assert (await town.join(other, (lea, week_id), (stranger, week_id)))[0] == 404
    assert (await town.accept(other, entry_id))[0] == (await town.leave(other, entry_id))[0] == 404
    assert (await town.accept(other, str(new_id())))[0] == (await town.leave(other, str(new_id())))[0] == 404
    assert await town.entries(other) == {}
    assert (await town.entry(dossier_id, entry_id))["status"] == "waiting"


async def test_the_desk_waits_for_a_family(town: Any) -> None:
    week_id, ((booked, booking_id),) = await town.full()
    dossier_id, (ines,) = await town.family(9)
    assert (await town.join(None, (ines, week_id)))[0] == 422
    assert (await town.join(dossier_id, (ines, week_id), dossier_id=str(dossier_id)))[0] == 422
    status, entry = await town.join(None, (ines, week_id), dossier_id=str(dossier_id))
    assert status == 201
    await town.cancel(booked, booking_id)
    status, page = await town.call("GET", f"/v1/waiting-list?dossier_id={dossier_id}", None)
    assert [one["status"] for one in page["items"]] == ["offered"]
    status, booking = await town.accept(None, entry["id"])
    assert (status, booking["dossier_id"]) == (201, str(dossier_id))


async def test_bad_requests_name_their_field(town: Any) -> None:
    week_id, _ = await town.full()
    dossier_id, (ines, lea) = await town.family(9, 9)
    wish = {"child_id": str(ines), "holiday_week_id": str(week_id)}
    bodies: list[tuple[Any, list[str]]] = [
        ({}, ["/child_id", "/holiday_week_id"]),
        ([], [""]),
        (wish | {"child_id": "x"}, ["/child_id"]),
        (wish | {"holiday_week_id": 1_800_000_000}, ["/holiday_week_id"]),
        (wish | {"rank": 1}, ["/rank"]),
        (wish | {"together": wish}, ["/together"]),
        (wish | {"together": [wish, {"child_id": str(lea)}]}, ["/together/1/holiday_week_id"]),
        (wish | {"together": [{"child_id": lea.hex}] * 10_000}, ["/together"]),
    ]
    for body, pointers in bodies:
        status, problem = await town.call("POST", "/v1/waiting-list", dossier_id, body)
        assert (status, [one["pointer"] for one in problem["errors"]]) == (422, pointers)
    status, problem = await town.join(dossier_id, (ines, week_id), (lea, week_id), (ines, week_id))
    assert (status, [one["pointer"] for one in problem["errors"]]) == (422, ["/together/1/child_id"])
    assert (await town.join(dossier_id, *[(ines, week_id)] * 11))[0] == 422
    assert (await town.call("DELETE", "/v1/waiting-list/first", dossier_id))[0] == 422
    assert await town.entries(dossier_id) == {}


# ---------------------------------------------------------------------- offering


async def test_a_freed_place_is_offered_to_the_first_and_nobody_else_can_take_it(town: Any) -> None:
    week_id, ((booked, booking_id),) = await town.full()
    families = [await town.family(9) for _ in range(3)]
    waiting = [await town.waits(dossier_id, (child, week_id)) for dossier_id, (child,) in families]
    await town.cancel(booked, booking_id)
    (first, _), (second, _), _ = families
    entry = await town.entry(first, waiting[0])
    assert (entry["status"], entry["rank"]) == ("offered", None)
    assert datetime.fromisoformat(entry["offer_expires_at"]) >= datetime.fromisoformat(entry["offered_at"]) + DAY
    assert (await town.entry(second, waiting[1]))["rank"] == 1
    assert await town.taken(week_id) == [1]
    stranger, (tom,) = await town.family(9)
    status, problem = await town.post(stranger, (tom, week_id))
    assert (status, problem["type"]) == (409, "urn:problem:enrolment:week-full")
    title = (await told(town, first))[-1]
    assert title.startswith("Liste d'attente : une place est gardée pour vous jusqu'au ")
    assert await told(town, second) == ["Vous êtes sur la liste d'attente"]
    await town.nobody_waits_in_vain()


async def test_an_offer_that_is_accepted_is_a_held_booking_that_goes_on_as_any(town: Any) -> None:
    week_id, ((booked, booking_id),) = await town.full()
    dossier_id, (ines,) = await town.family(9)
    entry_id = await town.waits(dossier_id, (ines, week_id))
    status, problem = await town.accept(dossier_id, entry_id)
    assert (status, problem["type"]) == (409, "urn:problem:enrolment:no-offer")
    await town.cancel(booked, booking_id)
    key = new_id().hex
    status, booking = await town.accept(dossier_id, entry_id, key)
    assert (status, booking["status"], booking["version"]) == (201, "held", 1)
    assert [(line["child_id"], line["holiday_week_id"]) for line in booking["lines"]] == [(str(ines), str(week_id))]
    left = datetime.fromisoformat(booking["hold_expires_at"]) - clock.now()
    assert timedelta(minutes=19) < left <= timedelta(minutes=20)
    assert await town.accept(dossier_id, entry_id, key) == (201, booking)
    for call in (town.accept, town.leave):
        status, problem = await call(dossier_id, entry_id)
        assert (status, problem["type"]) == (409, "urn:problem:enrolment:offer-taken")
    entry = await town.entry(dossier_id, entry_id)
    assert (entry["status"], entry["booking_id"]) == ("accepted", booking["id"])
    assert await town.booking(dossier_id, booking["id"]) == booking
    assert await town.taken(week_id) == [1]
    status, booking = await town.confirm(dossier_id, booking["id"])
    assert (status, booking["status"]) == (202, "confirmed")


async def test_whoever_refuses_or_leaves_passes_on(town: Any) -> None:
    week_id, ((booked, booking_id),) = await town.full()
    families = [await town.family(9) for _ in range(4)]
    waiting = [await town.waits(dossier_id, (child, week_id)) for dossier_id, (child,) in families]
    (first, _), (second, _), (third, _), (fourth, _) = families
    status, left = await town.leave(second, waiting[1])
    assert (status, left["status"], left["rank"]) == (200, "left", None)
    assert await town.leave(second, waiting[1]) == (200, left)
    await town.cancel(booked, booking_id)
    status, refused = await town.leave(first, waiting[0])
    assert (status, refused["status"]) == (200, "refused")
    assert await town.leave(first, waiting[0]) == (200, refused)
    assert (await town.entry(third, waiting[2]))["status"] == "offered"
    assert (await town.entry(fourth, waiting[3]))["rank"] == 1
    status, problem = await town.accept(first, waiting[0])
    assert (status, problem["type"]) == (409, "urn:problem:enrolment:offer-over")
    assert await town.taken(week_id) == [1]
    again = await town.waits(first, (families[0][1][0], week_id))
    assert (await town.entry(first, again))["rank"] == 2


async def test_an_offer_that_runs_out_passes_on_and_is_told(
    town: Any, hours_later: Callable[[float], None], pass_on: Callable[[], Any]
) -> None:
    week_id, ((booked, booking_id),) = await town.full()
    (first, (ines,)), (second, (lea,)) = await town.family(9), await town.family(9)
    mine, theirs = await town.waits(first, (ines, week_id)), await town.waits(second, (lea, week_id))
    await town.cancel(booked, booking_id)
    await pass_on()
    assert (await town.entry(first, mine))["status"] == "offered"
    hours_later(37)
    status, problem = await town.accept(first, mine)  # nobody has ended it yet
    assert (status, problem["type"]) == (409, "urn:problem:enrolment:offer-over")
    for _ in range(2):
        await pass_on()
    assert (await town.entry(first, mine))["status"] == "lapsed"
    assert (await town.entry(second, theirs))["status"] == "offered"
    assert await town.taken(week_id) == [1]
    assert (await told(town, first))[-1] == "Liste d'attente : la proposition a pris fin"
    assert len(await told(town, first)) == 3
    assert (await town.accept(first, mine))[0] == 409
    assert (await town.accept(second, theirs))[0] == 201


@pytest.mark.parametrize("how", ["cancel", "line", "expire", "lapse", "refuse", "raise"])
async def test_whatever_frees_a_place_offers_it(how: str, town: Any, database: Database) -> None:
    """A booking of two lines in two weeks; of the second one only where the whole of it goes."""
    first, second = await town.week(places=1), await town.week(after=1, places=1)
    booked, (tom,) = await town.family(9)
    made = town.held if how == "expire" else town.confirmed
    booking = await made(booked, (tom, first), (tom, second))
    dossier_id, (ines,) = await town.family(9)
    waiting = [await town.waits(dossier_id, (ines, week_id)) for week_id in (first, second)]
    match how:
        case "cancel":
            await town.cancel(booked, booking["id"])
        case "line":
            await town.cancel(booked, booking["id"], 0)
        case "expire":
            async with database.sessions.begin() as session:
                await bookings.expire_holds(session, datetime.fromisoformat(booking["hold_expires_at"]))
        case "lapse":
            await town.hear(town.billing(booking).lapsed)
        case "refuse":
            await town.hear(town.billing(booking).refused)
        case "raise":
            await set_places(database, first, 2)
    statuses = [(await town.entry(dossier_id, one))["status"] for one in waiting]
    assert statuses == ["offered", "waiting" if how in ("line", "raise") else "offered"]
    assert await town.taken(first, second) == [2 if how == "raise" else 1, 1]
    await town.nobody_waits_in_vain()


async def test_where_nobody_waits_a_freed_place_is_for_everybody(town: Any) -> None:
    week_id, ((booked, booking_id),) = await town.full()
    await town.cancel(booked, booking_id)
    assert await town.taken(week_id) == [0]
    dossier_id, (ines,) = await town.family(9)
    await town.held(dossier_id, (ines, week_id))


async def test_money_that_comes_late_revives_no_booking_whose_place_is_offered(town: Any) -> None:
    week_id = await town.week(places=1)
    booked, (tom,) = await town.family(9)
    booking = await town.confirmed(booked, (tom, week_id))
    dossier_id, (ines,) = await town.family(9)
    entry_id = await town.waits(dossier_id, (ines, week_id))
    billing = town.billing(booking)
    await town.hear(billing.credit, billing.lapsed)  # in whatever order they come
    assert (await town.booking(booked, booking["id"]))["status"] == "expired"
    assert (await town.entry(dossier_id, entry_id))["status"] == "offered"
    assert "crédit" in (await told(town, booked))[-1]
    await town.leave(dossier_id, entry_id)
    await town.hear(billing.second_credit)  # nobody waits any more
    assert (await town.booking(booked, booking["id"]))["status"] == "confirmed"
    assert await town.taken(week_id) == [1]


async def test_the_towns_criteria_decide_and_are_explained(town: Any, criteria: None) -> None:
    week_id, ((booked, booking_id),) = await town.full()
    born = FIRST_MONDAY.replace(year=FIRST_MONDAY.year - 9, day=1) - timedelta(days=60)
    nobody, _ = await town.family()
    stranger = await town.child(nobody, born, resident=False)
    certified, _ = await town.family(priorities=("handicap", "other"))
    first = await town.child(certified, born, resident=False)
    resident, (tom,) = await town.family(9)
    with_sibling, (ines, lea) = await town.family(9, 9)
    await town.held(with_sibling, (lea, await town.week(centre="Autre", site_id=await site_of(town, week_id))))
    joined = {
        dossier_id: await town.waits(dossier_id, (child, week_id))
        for dossier_id, child in ((nobody, stranger), (resident, tom), (with_sibling, ines), (certified, first))
    }
    seen = {dossier_id: await town.entry(dossier_id, entry_id) for dossier_id, entry_id in joined.items()}
    assert [(seen[one]["rank"], seen[one]["points"]) for one in (with_sibling, certified, resident, nobody)] == [
        (1, 30),  # joined before the other one of 30 points
        (2, 30),
        (3, 20),
        (4, 0),
    ]
    assert seen[resident]["criteria"] == [
        {"code": "habitant", "explanation": "L'enfant habite la commune", "met": True, "points": 20},
        {"code": "fratrie", "explanation": "Un frère ou une sœur", "met": False, "points": 0},
        {"code": "handicap", "explanation": "Attesté au guichet", "met": False, "points": 0},
    ]
    await town.cancel(booked, booking_id)
    offered = await town.entry(with_sibling, joined[with_sibling])
    assert (offered["status"], offered["points"]) == ("offered", 30)
    assert [one["met"] for one in offered["criteria"]] == [True, True, False]


async def site_of(town: Any, week_id: UUID) -> UUID:
    async with town.database.sessions() as session:
        found: UUID = await session.scalar(text("SELECT site_id FROM holiday_weeks WHERE id = :id"), {"id": week_id})
    return found


async def test_points_are_those_of_the_moment_of_the_offer(town: Any, criteria: None) -> None:
    week_id, ((booked, booking_id),) = await town.full()
    (first, (ines,)), (second, (lea,)) = await town.family(9), await town.family(9)
    mine, theirs = await town.waits(first, (ines, week_id)), await town.waits(second, (lea, week_id))
    await town.hear(sample(DossierChanged, dossier_id=second, missing=(), priorities=("handicap",), version=9))
    assert [(await town.entry(first, mine))["rank"], (await town.entry(second, theirs))["rank"]] == [2, 1]
    await town.cancel(booked, booking_id)
    assert (await town.entry(second, theirs))["status"] == "offered"
    await town.hear(sample(DossierChanged, dossier_id=second, missing=(), version=10))
    assert (await town.entry(second, theirs))["points"] == 50


async def test_the_rank_counts_the_children_before_in_the_same_week(
    town: Any, database: Database, criteria: None
) -> None:
    (here, _), (there, _) = await town.full(), await town.full(after=1)
    families = [await town.family(9, 9), await town.family(9, 9), await town.family(9), await town.family(9)]
    (pair, (a, b)), (apart, (c, d)), (single, (e,)), (certified, (f,)) = families
    await town.waits(pair, (a, here), (b, here))
    await town.waits(apart, (c, there), (d, here))
    await town.waits(single, (e, here))
    ranks = {a: 1, b: 1, c: 1, d: 3, e: 4}
    shown = [one for dossier_id, _ in families for one in (await town.entries(dossier_id)).values()]
    assert {UUID(one["child_id"]): one["rank"] for one in shown} == ranks
    await town.hear(sample(DossierChanged, dossier_id=certified, missing=(), priorities=("handicap",), version=9))
    await town.waits(certified, (f, here))
    shown = [one for dossier_id, _ in families for one in (await town.entries(dossier_id)).values()]
    assert {UUID(one["child_id"]): one["rank"] for one in shown} == {a: 2, b: 2, c: 1, d: 4, e: 5, f: 1}
    async with database.sessions() as session:  # in the turn that decides who is offered a place
        turns = order(await standings.waiting(session, [here, there]), (await standings.town_rules(session)).criteria)
    rank = {UUID(one["id"]): one["rank"] for one in shown}
    in_turn = [rank[entry.id] for group in turns for entry in group.entries if entry.holiday_week_id == here]
    assert in_turn == [1, 2, 2, 4, 5]


async def test_an_offer_made_while_the_list_is_read_is_seen(town: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    week_id, ((booked, booking_id),) = await town.full()
    dossier_id, (ines,) = await town.family(9)
    entry_id = await town.waits(dossier_id, (ines, week_id))
    ranked = standings.ranked

    async def offered_meanwhile(*arguments: Any) -> Any:
        monkeypatch.setattr(standings, "ranked", ranked)
        await town.cancel(booked, booking_id)
        return await ranked(*arguments)

    monkeypatch.setattr(standings, "ranked", offered_meanwhile)
    entry = await town.entry(dossier_id, entry_id)
    assert (entry["status"], entry["rank"]) == ("offered", None)


# ---------------------------------------------------------------------- what has become impossible


async def test_a_child_that_is_busy_by_then_is_closed_and_the_next_one_is_offered(town: Any) -> None:
    week_id, ((booked, booking_id),) = await town.full()
    (first, (ines,)), (second, (lea,)) = await town.family(9), await town.family(9)
    mine, theirs = await town.waits(first, (ines, week_id)), await town.waits(second, (lea, week_id))
    await town.held(first, (ines, await town.week(centre="Le Moulin")))
    await town.cancel(booked, booking_id)
    entry = await town.entry(first, mine)
    assert (entry["status"], entry["reason"]) == ("closed", "Inès a une autre réservation à ces dates.")
    assert (await told(town, first))[-1] == "Liste d'attente : votre demande est close"
    assert (await town.entry(second, theirs))["status"] == "offered"


async def test_an_offer_to_a_child_that_takes_another_place_is_closed_and_passes_on(
    town: Any, pass_on: Callable[[], Any]
) -> None:
    (here, ((booked, booking_id),)), elsewhere = await town.full(), await town.week(centre="Le Moulin")
    (first, (ines,)), (second, (lea,)) = await town.family(9), await town.family(9)
    mine, theirs = await town.waits(first, (ines, here)), await town.waits(second, (lea, here))
    await town.cancel(booked, booking_id)
    await town.held(first, (ines, elsewhere))
    status, problem = await town.accept(first, mine)
    assert (status, problem["type"]) == (409, "urn:problem:enrolment:cannot-accept")
    assert "Inès a une autre réservation à ces dates." in problem["detail"]
    await pass_on()
    assert (await town.entry(first, mine))["status"] == "closed"
    assert (await town.entry(second, theirs))["status"] == "offered"
    assert await town.taken(here, elsewhere) == [1, 1]


async def test_an_archived_dossier_and_a_child_of_another_family_are_closed(town: Any) -> None:
    week_id, ((booked, booking_id),) = await town.full()
    families = [await town.family(9) for _ in range(3)]
    waiting = [await town.waits(dossier_id, (child, week_id)) for dossier_id, (child,) in families]
    (archived, _), (gone, (lea,)), (third, _) = families
    await town.hear(sample(DossierChanged, dossier_id=archived, status="archived", version=9))
    await town.hear(sample(ChildChanged, child_id=lea, dossier_ids=(new_id(),), version=9))
    await town.cancel(booked, booking_id)
    assert [(await town.entry(*one))["status"] for one in zip((archived, gone, third), waiting, strict=True)] == [
        "closed",
        "closed",
        "offered",
    ]


async def test_when_the_week_begins_whoever_still_waits_is_told(
    town: Any, hours_later: Callable[[float], None], pass_on: Callable[[], Any]
) -> None:
    week_id, ((booked, booking_id),) = await town.full()
    (first, (ines,)), (second, (lea,)) = await town.family(9), await town.family(9)
    mine, theirs = await town.waits(first, (ines, week_id)), await town.waits(second, (lea, week_id))
    starts = at(FIRST_MONDAY, datetime.min.time())
    hours_later((starts - timedelta(hours=1) - clock.now()).total_seconds() / 3600 + clock.shift() / 3600)
    await town.cancel(booked, booking_id)  # long after booking has closed
    offered = await town.entry(first, mine)
    assert (offered["status"], datetime.fromisoformat(offered["offer_expires_at"])) == ("offered", starts)
    hours_later((starts - clock.now()).total_seconds() / 3600 + clock.shift() / 3600 + 0.01)
    assert day_in_paris(clock.now()) == FIRST_MONDAY
    await pass_on()
    assert (await town.entry(first, mine))["status"] == "lapsed"
    closed = await town.entry(second, theirs)
    assert (closed["status"], closed["reason"][:30]) == ("closed", "Cette semaine a déjà commencé ")
    assert await town.taken(week_id) == [0]


async def test_after_booking_has_closed_a_full_week_is_still_waited_for_and_a_free_one_is_not(
    town: Any, hours_later: Callable[[float], None]
) -> None:
    week_id, ((booked, booking_id),) = await town.full()
    (first, (ines,)), (second, (lea,)) = await town.family(9), await town.family(9)
    hours_later(24 * 51)
    mine = await town.waits(first, (ines, week_id))
    await town.cancel(booked, booking_id)
    status, booking = await town.accept(first, mine)
    assert (status, booking["status"]) == (201, "held")
    await town.cancel(first, booking["id"])
    status, problem = await town.join(second, (lea, week_id))
    assert (status, problem["type"]) == (409, "urn:problem:enrolment:cannot-wait")
    assert "closes depuis" in problem["detail"]


async def test_an_incomplete_dossier_keeps_its_rank_and_has_its_turn_once_complete(
    town: Any, database: Database, pass_on: Callable[[], Any]
) -> None:
    week_id, made = await town.full(2)
    (first, (ines,)), (second, (lea,)) = await town.family(9), await town.family(9)
    mine, theirs = await town.waits(first, (ines, week_id)), await town.waits(second, (lea, week_id))
    await town.hear(sample(DossierChanged, dossier_id=first, missing=("insurance",), version=9))
    await town.cancel(*made[0])
    await town.cancel(*made[1])
    assert (await town.entry(second, theirs))["status"] == "offered"
    assert [(await town.entry(first, mine))[name] for name in ("status", "rank")] == ["waiting", 1]
    await pass_on()
    assert await town.taken(week_id) == [1]
    await town.hear(sample(DossierChanged, dossier_id=first, missing=(), version=10))
    await pass_on()
    assert (await town.entry(first, mine))["status"] == "offered"


# ---------------------------------------------------------------------- siblings


async def test_siblings_who_wait_together_are_offered_together_and_held_by_one_booking(town: Any) -> None:
    small, big = await town.week(places=1, ages=(3, 5), group_name="3-5 ans"), await town.week(places=1)
    booked, (a, b) = await town.family(4, 9)
    booking = await town.confirmed(booked, (a, small), (b, big))
    dossier_id, (hugo, lea) = await town.family(4, 9)
    first = await town.waits(dossier_id, (hugo, small), (lea, big))
    later, (tom,) = await town.family(9)
    behind = await town.waits(later, (tom, big))
    entries = await town.entries(dossier_id)
    assert {one["group_id"] for one in entries.values()} == {first}
    await town.cancel(booked, booking["id"], 1)  # a place for Léa, none for Hugo: it goes to Tom
    assert (await town.entry(later, behind))["status"] == "offered"
    assert {one["status"] for one in (await town.entries(dossier_id)).values()} == {"waiting"}
    await town.cancel(booked, booking["id"], 0)  # one for Hugo, none for Léa, and nobody else waits for it
    assert await town.taken(small, big) == [0, 1]
    await town.leave(later, behind)
    assert {one["status"] for one in (await town.entries(dossier_id)).values()} == {"offered"}
    assert await town.taken(small, big) == [1, 1]
    status, held = await town.accept(dossier_id, first)
    assert (status, {line["child_id"] for line in held["lines"]}) == (201, {str(hugo), str(lea)})
    assert {one["status"] for one in (await town.entries(dossier_id)).values()} == {"accepted"}
    notice = [one for one in await town.published("notice_written") if one.dossier_id == dossier_id][-1]
    assert notice.title.startswith("Liste d'attente : des places sont gardées pour vous")


async def test_siblings_may_wait_together_where_there_is_a_place_for_one_of_them_only(town: Any) -> None:
    week_id, made = await town.full(2)
    dossier_id, (ines, lea) = await town.family(9, 9)
    await town.cancel(*made[0])
    entry_id = await town.waits(dossier_id, (ines, week_id), (lea, week_id))
    assert await town.taken(week_id) == [1]  # the place is not theirs: others may have it
    await town.cancel(*made[1])
    assert await town.taken(week_id) == [2]
    (other,) = {*await town.entries(dossier_id)} - {entry_id}
    await town.leave(dossier_id, other)
    status, held = await town.accept(dossier_id, entry_id)
    assert (status, [line["child_id"] for line in held["lines"]]) == (201, [str(ines)])
    assert await town.taken(week_id) == [1]


async def test_who_leaves_a_group_lets_the_other_have_what_is_free(town: Any) -> None:
    week_id, made = await town.full(2)
    dossier_id, (ines, lea) = await town.family(9, 9)
    first = await town.waits(dossier_id, (ines, week_id), (lea, week_id))
    await town.cancel(*made[0])
    assert await town.taken(week_id) == [1]
    await town.leave(dossier_id, first)
    assert sorted(one["status"] for one in (await town.entries(dossier_id)).values()) == ["left", "offered"]
    assert await town.taken(week_id) == [2]


async def test_a_group_of_two_regies_waits_apart(town: Any) -> None:
    (here, _), (there, _) = await town.full(), await town.full(regie="sport")
    dossier_id, (ines, lea) = await town.family(9, 9)
    status, problem = await town.join(dossier_id, (ines, here), (lea, there))
    assert (status, problem["errors"][0]["pointer"]) == (409, "/together/0/holiday_week_id")
    await town.waits(dossier_id, (ines, here))
    await town.waits(dossier_id, (lea, there))


# ---------------------------------------------------------------------- who is told


async def test_a_family_without_email_becomes_a_task_of_the_desk(town: Any) -> None:
    week_id, made = await town.full(2)
    adult = sample(DossierChanged).adults[0]
    silent, (ines,) = await town.family(9, number="100077", adults=(Adult(**{**dict(adult), "email": None}),))
    reached, (lea,) = await town.family(9)
    await town.waits(silent, (ines, week_id))
    await town.waits(reached, (lea, week_id))
    for one in made:
        await town.cancel(*one)
    (desk,) = [one for one in await town.published("notice_written") if one.desk]
    assert desk.title == "Dossier 100077 : place proposée à une famille sans courriel"
    assert "Inès : Vacances d'essai, semaine 0" in desk.paragraphs[0]
    assert len(await told(town, silent)) == 2


async def test_the_town_says_its_criteria_in_its_file_and_changes_them_there(
    databases: Databases, database: Database
) -> None:
    async def kept() -> tuple[int, list[str]]:
        async with database.sessions() as session:
            rules = await session.get(WaitingRules, True)
            assert rules is not None
            return rules.offer_hours, [one["code"] for one in rules.criteria]

    for _ in range(2):
        await command.load(SERVICE, databases.owner_url, TOWN)
        assert await kept() == (24, ["handicap", "parents-en-activite", "habitant", "fratrie"])
    changed = {**TOWN, "waiting_list": {"offer_hours": 48, "criteria": TOWN["waiting_list"]["criteria"][:1]}}
    await command.load(SERVICE, databases.owner_url, changed)
    assert await kept() == (48, ["handicap"])
