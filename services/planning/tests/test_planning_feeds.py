"""Whose feed is read at its secret address, for how long, and what it says after each change."""

import asyncio
from dataclasses import dataclass, field
from datetime import date, datetime, timedelta
from typing import Any
from uuid import UUID

import pytest
from chassis.identifiers import new_id
from contracts.dossier import Adult, ChildChanged, DossierChanged
from contracts.enrolment import BookingLine
from contracts.identity import AccountClosed
from french.paris import PARIS
from icalendar import Calendar
from planning.feeds.models import Feed
from planning.worker import forget_what_is_over
from sqlalchemy import select, text

from services.planning.tests.families import Household
from services.planning.tests.town import CANTEEN, HOLIDAYS, WEDNESDAY, Desk
from tests.builders import BOOKINGS, sample

#: The clock stands on 25 November 2026.
MONDAY, TUESDAY, LAST_MONTH, BEFORE = date(2026, 12, 21), date(2026, 12, 22), date(2026, 10, 26), date(2026, 10, 25)
WEEK, OTHER_WEEK = new_id(), new_id()


@dataclass
class Guardian:
    """One who asks planning; `dossier_id` and `guardian_id` are what identity says of their account."""

    desk: Desk
    dossier_id: UUID | None
    guardian_id: UUID | None = field(default_factory=new_id)
    account_id: UUID = field(default_factory=new_id)

    async def ask(self, method: str, path: str = "/calendar-feed", role: str = "guardian") -> tuple[int, Any]:
        claims: dict[str, Any] = {
            "sub": self.account_id,
            "dossier_id": self.dossier_id,
            "guardian_id": self.guardian_id,
        }
        headers = {"Authorization": f"Bearer {self.desk.signer.token(role, **claims)}"}
        async with self.desk.client.request(method, f"/v1{path}", headers=headers) as answer:
            return answer.status, await answer.json() if answer.status != 204 else None

    async def feed(self) -> str:
        """The secret of a new one."""
        status, answer = await self.ask("POST")
        assert status == 201, answer
        assert answer["url"] == f"/api/planning/v1/calendars/{answer['secret']}.ics"
        return str(answer["secret"])


@dataclass
class Family:
    """Two guardians, and two children."""

    one: Guardian
    other: Guardian
    dossier_id: UUID = field(default_factory=new_id)
    ines: UUID = field(default_factory=new_id)
    tom: UUID = field(default_factory=new_id)
    version: int = 0

    async def is_of(self, *guardians: Guardian, status: str = "active") -> None:
        self.version += 1
        adults = tuple(
            Adult(adult_id=one.guardian_id, first_name="Claire", last_name="Moreau", roles=("legal_guardian",))
            for one in guardians
            if one.guardian_id
        )
        contact = Adult(adult_id=CONTACT, first_name="Jeanne", last_name="Moreau", roles=("contact",))
        changed = {"dossier_id": self.dossier_id, "version": self.version, "status": status}
        await self.one.desk.hear(sample(DossierChanged, adults=(*adults, contact), **changed))

    async def has(self, child_id: UUID, first_name: str, *dossier_ids: UUID, version: int = 1) -> None:
        changed = {"child_id": child_id, "first_name": first_name, "version": version, "dossier_ids": dossier_ids}
        await self.one.desk.hear(sample(ChildChanged, **changed))

    async def books(self, version: int, status: str, *lines: BookingLine, booking_id: UUID | None = None) -> None:
        about = {"dossier_id": self.dossier_id, "booking_id": booking_id or self.dossier_id}
        await self.one.desk.hear(sample(BOOKINGS[status], version=version, lines=lines, **about))


CONTACT = new_id()


def line(child_id: UUID, *dates: date, status: str = "active", week: UUID = WEEK) -> BookingLine:
    return BookingLine.model_validate(
        {
            "position": 0,
            "child_id": child_id,
            "holiday_week_id": week,
            "activity_id": HOLIDAYS,
            "site_id": new_id(),
            "dates": dates,
            "status": status,
        }
    )


@pytest.fixture
async def family(desk: Desk) -> Family:
    dossier_id = new_id()
    family = Family(Guardian(desk, dossier_id), Guardian(desk, dossier_id), dossier_id)
    await family.is_of(family.one, family.other)
    await family.has(family.ines, "Inès", dossier_id)
    await family.has(family.tom, "Tom", dossier_id)
    return family


async def fetched(desk: Desk, secret: str) -> tuple[int, str, bytes]:
    async with desk.client.get(f"/v1/calendars/{secret}.ics") as answer:
        assert answer.headers["Cache-Control"] == "no-store"
        return answer.status, answer.headers["Content-Type"], await answer.read()


async def events(desk: Desk, secret: str) -> list[tuple[str, date, str, int]]:
    """Summary, day, status and sequence of each event, read back."""
    status, kind, body = await fetched(desk, secret)
    assert (status, kind) == (200, "text/calendar; charset=utf-8"), body
    return [
        (str(event["SUMMARY"]), event.start, str(event["STATUS"]), int(event.decoded("SEQUENCE")))
        for event in Calendar.from_ical(body).events
    ]


async def is_dead(desk: Desk, secret: str) -> bool:
    status, kind, body = await fetched(desk, secret)
    assert (status == 404) == (kind == "application/problem+json" and b"urn:problem:not-found" in body)
    return status == 404


async def test_booked_weeks_are_read_day_by_day_without_signing_in(desk: Desk, family: Family) -> None:
    secret = await family.one.feed()
    assert await events(desk, secret) == []
    await family.books(2, "confirmed", line(family.ines, MONDAY, TUESDAY), line(family.tom, MONDAY))
    await family.books(3, "paid", line(family.ines, MONDAY, TUESDAY), line(family.tom, MONDAY))
    assert await events(desk, secret) == [
        ("Inès : Vacances à La Bièvre", MONDAY, "CONFIRMED", 3),
        ("Tom : Vacances à La Bièvre", MONDAY, "CONFIRMED", 3),
        ("Inès : Vacances à La Bièvre", TUESDAY, "CONFIRMED", 3),
    ]


async def test_days_are_shown_from_thirty_days_back_on(desk: Desk, family: Family) -> None:
    secret = await family.one.feed()
    await family.books(3, "paid", line(family.ines, BEFORE, LAST_MONTH, MONDAY))
    assert [day for _, day, *_ in await events(desk, secret)] == [LAST_MONTH, MONDAY]
    desk.now_is(datetime(2026, 11, 24, 23, 59, tzinfo=PARIS))
    assert [day for _, day, *_ in await events(desk, secret)] == [BEFORE, LAST_MONTH, MONDAY]


async def test_a_day_given_up_is_cancelled_for_thirty_days_then_leaves(desk: Desk, family: Family) -> None:
    secret = await family.one.feed()
    await family.books(3, "paid", line(family.ines, MONDAY), line(family.tom, MONDAY))
    await family.books(4, "paid", line(family.ines, MONDAY), line(family.tom, MONDAY, status="cancelled"))
    kept, given_up = await events(desk, secret)
    assert (kept[0][:4], kept[2:], given_up[0][:3], given_up[2:]) == ("Inès", ("CONFIRMED", 4), "Tom", ("CANCELLED", 4))
    desk.now_is(datetime(2026, 11, 25, 10, tzinfo=PARIS) + timedelta(days=31))
    assert [name for name, *_ in await events(desk, secret)] == [kept[0]]


async def test_a_day_booked_again_is_the_same_event_in_a_later_sequence(desk: Desk, family: Family) -> None:
    secret, told = await family.one.feed(), []
    for version, status, booking in ((2, "confirmed", 1), (3, "cancelled", 1), (2, "confirmed", 2), (3, "expired", 2)):
        booking_id = UUID(int=booking)
        await family.books(version, status, line(family.ines, MONDAY), booking_id=booking_id)
        told.append(await events(desk, secret))
    statuses = ["CONFIRMED", "CANCELLED", "CONFIRMED", "CANCELLED"]
    assert [[one[2:] for one in found] for found in told] == [
        [(status, sequence)] for status, sequence in zip(statuses, (2, 3, 5, 6), strict=True)
    ]
    # Money that came late revives the second one.
    await family.books(4, "confirmed", line(family.ines, MONDAY), booking_id=UUID(int=2))
    assert [one[2:] for one in await events(desk, secret)] == [("CONFIRMED", 7)]


async def test_a_new_address_ends_the_old_one_and_each_guardian_has_their_own(desk: Desk, family: Family) -> None:
    first, others = await family.one.feed(), await family.other.feed()
    second = await family.one.feed()
    assert len({first, second, others}) == 3
    assert [await is_dead(desk, one) for one in (first, second, others)] == [True, False, False]
    assert (await family.one.ask("DELETE"))[0] == 204
    assert (await family.one.ask("DELETE"))[0] == 204
    assert [await is_dead(desk, one) for one in (second, others)] == [True, False]


async def test_whether_there_is_a_feed_is_told_and_its_address_never_again(desk: Desk, family: Family) -> None:
    assert await family.one.ask("GET") == (200, {"made_at": None})
    secret = await family.one.feed()
    status, answer = await family.one.ask("GET")
    assert (status, list(answer), answer["made_at"][:10]) == (200, ["made_at"], "2026-11-25")
    assert await family.other.ask("GET") == (200, {"made_at": None})
    async with desk.database.sessions() as session:
        [row] = (await session.execute(select(Feed.__table__))).all()
    assert len(secret) == 43  # 32 random bytes
    assert secret not in str(row)


async def test_of_addresses_made_at_once_one_lives(desk: Desk, family: Family) -> None:
    made = await asyncio.gather(*(family.one.feed() for _ in range(5)))
    assert sorted([await is_dead(desk, secret) for secret in made]) == [False, True, True, True, True]


@pytest.mark.parametrize("secret", ["x", "A" * 43, "%00", "%FF", "é" * 500, "..", "' OR 1=1 --"])
async def test_what_is_no_address_is_not_found(desk: Desk, family: Family, secret: str) -> None:
    assert not await is_dead(desk, await family.one.feed())
    assert await is_dead(desk, secret)


async def test_a_feed_ends_with_its_guardians_place_in_the_dossier(desk: Desk, family: Family) -> None:
    secret, others = await family.one.feed(), await family.other.feed()
    await family.is_of(family.other)
    assert [await is_dead(desk, one) for one in (secret, others)] == [True, False]
    assert await family.one.ask("GET") == (200, {"made_at": None})
    await family.is_of(family.other, status="archived")
    assert await is_dead(desk, others)


async def test_a_feed_ends_with_its_guardians_account(desk: Desk, family: Family) -> None:
    own, other = await family.one.feed(), await family.other.feed()
    about = {"dossier_id": family.dossier_id, "guardian_id": family.one.guardian_id}
    for _ in range(2):
        await desk.hear(sample(AccountClosed, account_id=family.one.account_id, **about))
    assert await is_dead(desk, own)
    assert not await is_dead(desk, other)


async def test_nobody_is_shown_anything_of_a_dossier_that_is_not_known_yet(desk: Desk, family: Family) -> None:
    early = Guardian(desk, new_id())
    assert await is_dead(desk, await early.feed())
    own = Family(early, early, early.dossier_id or new_id())
    await own.is_of(early)
    assert not await is_dead(desk, await early.feed())


async def test_a_child_who_left_the_dossier_leaves_the_feed_and_others_never_enter(desk: Desk, family: Family) -> None:
    secret, elsewhere = await family.one.feed(), new_id()
    await family.books(3, "paid", line(family.ines, MONDAY), line(family.tom, MONDAY))
    stranger = Family(family.one, family.other, elsewhere)
    await stranger.has(stranger.ines, "Léa", elsewhere)
    await stranger.books(3, "paid", line(stranger.ines, MONDAY))
    assert [name[:4] for name, *_ in await events(desk, secret)] == ["Inès", "Tom "]
    await family.has(family.tom, "Tom", elsewhere, version=2)
    assert [name[:4] for name, *_ in await events(desk, secret)] == ["Inès"]


async def test_a_feed_is_its_guardians_alone_to_make(desk: Desk, family: Family) -> None:
    for role in ("agent", "cashier", "administrator", "site_staff", "integrator"):
        for method in ("GET", "POST", "DELETE"):
            assert (await family.one.ask(method, role=role))[0] == 403, (role, method)
    for nobody in (Guardian(desk, None), Guardian(desk, family.dossier_id, None)):
        status, problem = await nobody.ask("POST")
        assert (status, problem["type"]) == (403, "urn:problem:forbidden")
    assert (await family.one.ask("POST"))[0] == 201


@pytest.fixture
async def school(desk: Desk, family: Family) -> Household:
    """The same family, whose children are enrolled all the year round."""
    names = {"Inès": family.ines, "Tom": family.tom}
    household = Household(desk, dossier_id=family.dossier_id, children=names)
    for name in names:
        for activity_id in (CANTEEN, WEDNESDAY):
            await household.enrol(name, activity_id)
    return household


async def uids(desk: Desk, secret: str) -> set[str]:
    return {str(event["UID"]) for event in Calendar.from_ical((await fetched(desk, secret))[2]).events}


async def test_reserved_days_are_read_beside_booked_ones(desk: Desk, family: Family, school: Household) -> None:
    secret = await family.one.feed()
    await family.books(3, "paid", line(family.ines, MONDAY))
    await school.reserve("Tom", CANTEEN, date(2026, 12, 7))
    await school.reserve("Inès", WEDNESDAY, date(2026, 12, 9))
    assert await events(desk, secret) == [
        ("Tom : Restauration scolaire", date(2026, 12, 7), "CONFIRMED", 1),
        ("Inès : Accueil du mercredi", date(2026, 12, 9), "CONFIRMED", 1),
        ("Inès : Vacances à La Bièvre", MONDAY, "CONFIRMED", 3),
    ]
    assert [day for _, day, *_ in await events(desk, await family.other.feed())] == [
        date(2026, 12, 7),
        date(2026, 12, 9),
        MONDAY,
    ]


async def test_each_change_of_a_reserved_day_is_the_same_event_in_the_next_sequence(
    desk: Desk, family: Family, school: Household
) -> None:
    secret, told, known = await family.one.feed(), [], set()
    wish = school.wish("Tom", CANTEEN, date(2026, 12, 7))
    for reserve in (True, False, True):
        assert (await school.validate(wish | {"reserve": reserve}))[0] == 200
        [one] = await events(desk, secret)
        told.append(one[2:])
        known |= await uids(desk, secret)
    assert told == [("CONFIRMED", 1), ("CANCELLED", 2), ("CONFIRMED", 3)]
    assert len(known) == 1
    async with desk.database.sessions() as session:
        assert await session.scalar(text("SELECT count(*) FROM entries")) == 3
    assert (await school.validate(wish | {"reserve": False}))[0] == 200
    desk.now_is(datetime(2026, 11, 25, 10, tzinfo=PARIS) + timedelta(days=31))
    assert await events(desk, secret) == []


async def test_long_names_are_folded_and_read_back_whole(desk: Desk, family: Family, school: Household) -> None:
    name = "Marie-Amélie Élisabeth Joséphine Léopoldine Eugénie Ünïcode-Dûpônt"
    await family.has(family.tom, name, family.dossier_id, version=2)
    await school.reserve("Tom", CANTEEN, date(2026, 12, 7))
    secret = await family.one.feed()
    assert [one[0] for one in await events(desk, secret)] == [f"{name} : Restauration scolaire"]
    lines = (await fetched(desk, secret))[2].split(b"\r\n")
    assert max(map(len, lines)) <= 75
    assert any(one.startswith(b" ") for one in lines)


async def test_both_families_of_a_child_read_its_days_and_no_others(
    desk: Desk, family: Family, school: Household
) -> None:
    father = Guardian(desk, new_id())
    other = Family(father, father, father.dossier_id or new_id())
    await other.is_of(father)
    await family.has(family.tom, "Tom", family.dossier_id, other.dossier_id, version=2)
    for name in ("Inès", "Tom"):
        await school.reserve(name, CANTEEN, date(2026, 12, 7))
    assert [name[:4] for name, *_ in await events(desk, await father.feed())] == ["Tom "]
    assert [name[:4] for name, *_ in await events(desk, await family.one.feed())] == ["Inès", "Tom "]


async def test_the_feeds_of_former_guardians_and_days_that_left_them_are_forgotten(desk: Desk, family: Family) -> None:
    early = Guardian(desk, new_id())  # of a dossier that is not known yet
    for guardian in (family.one, family.other, early):
        await guardian.feed()
    secret = await family.other.feed()
    await family.books(2, "confirmed", line(family.ines, LAST_MONTH, MONDAY), booking_id=UUID(int=1))
    await family.books(3, "cancelled", line(family.ines, LAST_MONTH, MONDAY), booking_id=UUID(int=1))
    await family.books(2, "confirmed", line(family.ines, MONDAY), booking_id=UUID(int=2))
    await family.is_of(family.other)

    async def kept() -> tuple[set[UUID], list[date]]:
        await forget_what_is_over(desk.database, None)
        async with desk.database.sessions() as session:
            accounts = set(await session.scalars(select(Feed.account_id)))
            days = await session.scalars(text("SELECT day FROM given_up_days ORDER BY day"))
            return accounts, list(days)

    assert await kept() == ({family.other.account_id, early.account_id}, [LAST_MONTH, MONDAY])
    before = await events(desk, secret)
    desk.now_is(datetime(2026, 11, 26, 10, tzinfo=PARIS))
    assert (await kept())[1] == [MONDAY]  # given up, and its sequence still counts
    assert [one for one in before if one[1] == MONDAY] == await events(desk, secret)
    assert before[-1][3] == 5
