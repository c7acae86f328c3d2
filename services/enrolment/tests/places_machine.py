"""Holds, bookings, waiting lists, billing's news and time in any order, against a small model of the truth."""

import asyncio
from collections import Counter
from collections.abc import Awaitable, Callable, Collection, Iterable
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from typing import Any, TypeVar
from uuid import UUID

import asyncpg
import pytest
from chassis import clock
from chassis.database import Database
from chassis.editing import Seen, etag
from chassis.idempotency import Once
from chassis.identifiers import new_id
from chassis.problems import Problem
from chassis.reach import Reach
from chassis.testing import Databases
from enrolment.bookings import bookings, cancellations, holds, settlements
from enrolment.bookings.models import Booking
from enrolment.bookings.places import Hold, Wish
from enrolment.holiday_weeks import editing
from enrolment.waiting_list import entries, offers
from enrolment.waiting_list.entries import WaitingWish
from enrolment.waiting_list.models import WaitingRules
from enrolment.waiting_list.rules import offer_ends
from fastapi import Response
from hypothesis import HealthCheck, Phase, settings
from hypothesis import strategies as st
from hypothesis.stateful import (
    RuleBasedStateMachine,
    initialize,
    invariant,
    precondition,
    rule,
    run_state_machine_as_test,
)
from sqlalchemy import text
from sqlalchemy.dialects.postgresql import Range
from sqlalchemy.ext.asyncio import AsyncSession

from services.enrolment.tests.enrolment_scene import Billing, Town, guardian

NONE = UUID(int=0)
Answered = TypeVar("Answered")
Line = tuple[int, int]  # a child, two of whom are a family, and a week

FAMILIES, RESIDENTS = 4, 2
#: By week, two of the same days in two centres and a later one: places, and how many weeks from the first it is.
PLACES, DAYS = (2, 1, 1), (0, 0, 1)
HOLD = timedelta(minutes=20)
STEPS = 50
CRITERIA = [{"code": "habitant", "kind": "resident", "points": 20, "explanation": "L'enfant habite la commune"}]
#: When each example begins, far from the night, in which no offer runs out, and the Mondays of the weeks.
START = datetime(2026, 12, 1, 9, tzinfo=UTC)
FIRST_MONDAY, CLOSES = date(2027, 3, 1), datetime(2027, 2, 28, tzinfo=UTC)
BORN = date(2018, 1, 1)
BOOKED, WAITS, BILLED = ("held", "confirmed", "paid"), ("waiting", "offered"), ("confirmed", "paid", "lapsed")


@dataclass
class Claim:
    """Lines that stand together: waiting, offered, held, confirmed. A hold and an offer last `until` then."""

    lines: list[Line]
    status: str
    until: datetime = START
    credits: int = 0  # payments that came too late for a lapse that nobody has heard of yet
    booking_id: UUID = NONE

    @property
    def waits(self) -> bool:
        return self.status in WAITS


class Truth:
    """What must be so. Claims stand in the order of joining."""

    def __init__(self) -> None:
        self.places, self.claims = list(PLACES), list[Claim]()

    def taken(self, week: int) -> int:
        claims = (one for one in self.claims if one.status in (*BOOKED, "offered"))
        return sum(where == week for one in claims for _, where in one.lines)

    def room(self, lines: Iterable[Line]) -> bool:
        wanted = Counter(week for _, week in lines)
        return all(self.taken(week) + places <= self.places[week] for week, places in wanted.items())

    def busy(self, line: Line) -> bool:
        booked = {(child, DAYS[week]) for one in self.claims if one.status in BOOKED for child, week in one.lines}
        return (line[0], DAYS[line[1]]) in booked

    def pass_on(self, freed: Collection[int], now: datetime) -> None:
        """What cannot be had any more falls; then who waits for what was freed is offered it: residents first."""
        reached = [one for one in self.claims if one.waits and not {week for _, week in one.lines}.isdisjoint(freed)]
        for one in reached:
            over = one.status == "offered" and one.until <= now
            looked_at = range(len(PLACES)) if one.status == "waiting" else freed
            one.lines = [line for line in one.lines if not ((over or self.busy(line)) and line[1] in looked_at)]
        for one in sorted((one for one in reached if one.lines), key=lambda one: one.lines[0][0] >= 2 * RESIDENTS):
            if one.status == "waiting" and self.room(one.lines):
                one.status, one.until = "offered", offer_ends(now, 1, FIRST_MONDAY)


def there_is(statuses: Collection[str]) -> Callable[[Callable[..., None]], Callable[..., None]]:
    """The rule needs a claim in such a state."""
    return precondition(lambda machine: machine.claims(statuses))


#: What the service has of it, in one go.
STANDING = """
    SELECT ARRAY(SELECT (child_id, holiday_week_id, status, CASE status WHEN 'offered' THEN offer_expires_at END)
                 FROM waiting_entries WHERE status IN ('waiting', 'offered')),
           ARRAY(SELECT (child_id, holiday_week_id) FROM booking_lines WHERE active),
           ARRAY(SELECT (id, status) FROM bookings),
           ARRAY(SELECT (id, places, taken) FROM holiday_weeks)
"""


class Machine(RuleBasedStateMachine):
    """Each rule does the same to the service and to the truth, and both must agree on whether it could be done."""

    database: Database
    reader: asyncpg.Connection
    runner: asyncio.Runner
    dossiers: list[UUID]
    children: list[UUID]
    now = START

    def __init__(self) -> None:
        super().__init__()
        self.truth = Truth()
        Machine.now = START
        self.run(self.begin())

    # ------------------------------------------------------------------ the service

    def run(self, work: Awaitable[Answered]) -> Answered:
        async def awaited() -> Answered:
            return await work

        return self.runner.run(awaited())

    def done(self, use_case: Callable[[AsyncSession], Awaitable[Answered]]) -> Answered | None:
        """What it answers, in a transaction of its own; none where it is refused. No two are at the same second."""
        Machine.now += timedelta(seconds=1)

        async def attempt() -> Answered | None:
            try:
                async with self.database.sessions.begin() as session:
                    return await use_case(session)
            except Problem:
                return None

        return self.run(attempt())

    @classmethod
    async def families_move_in(cls) -> None:
        """Once for all examples."""
        town = Town(cls.database, None, None)  # type: ignore[arg-type] # nothing is called over HTTP
        cls.dossiers, cls.children = [], []
        for n in range(FAMILIES):
            dossier_id, _ = await town.family()
            cls.dossiers.append(dossier_id)
            cls.children += [await town.child(dossier_id, BORN, resident=n < RESIDENTS) for _ in range(2)]

    async def begin(self) -> None:
        tables = ("booking_lines", "bookings", "place_changes", "waiting_entries", "waiting_rules", "holiday_weeks")
        await self.reader.execute("".join(f"DELETE FROM {table};" for table in (*tables, "activities", "outbox")))
        town = Town(self.database, None, None)  # type: ignore[arg-type] # nothing is called over HTTP
        self.weeks = [
            await town.week(
                places=places, dates=dates, period=Range(dates[0], dates[-1], bounds="[]"), booking_closes_at=CLOSES
            )
            for places, after in zip(PLACES, DAYS, strict=True)
            for dates in [[FIRST_MONDAY + timedelta(weeks=after, days=n) for n in range(5)]]
        ]
        async with self.database.sessions.begin() as session:
            session.add(WaitingRules(only_row=True, offer_hours=1, criteria=CRITERIA))

    def line(self, line: Line) -> tuple[UUID, UUID]:
        return self.children[line[0]], self.weeks[line[1]]

    def family(self, lines: Iterable[Line]) -> Reach:
        return guardian(self.dossiers[next(iter(lines))[0] // 2])

    def claims(self, statuses: Collection[str]) -> list[Claim]:
        return [one for one in self.truth.claims if one.status in statuses and one.lines]

    def one_of(self, data: st.DataObject, statuses: Collection[str]) -> Claim:
        return data.draw(st.sampled_from(self.claims(statuses)))

    def freed(self, lines: Iterable[Line]) -> None:
        self.truth.pass_on({week for _, week in lines}, self.now)

    # ------------------------------------------------------------------ holds and bookings

    @initialize()
    def the_first_come(self) -> None:
        """All places are booked or held, else most examples would end before anything is scarce."""
        for family, week in enumerate(week for week, places in enumerate(PLACES) for _ in range(places)):
            self.hold([(2 * family, week)], False)
        for one in self.truth.claims[::2]:
            self.confirm_one(one)

    wishes = st.tuples(
        st.integers(0, FAMILIES - 1),
        st.lists(st.tuples(st.integers(0, 1), st.integers(0, len(PLACES) - 1)), min_size=1, max_size=2, unique=True),
    ).map(lambda drawn: [(2 * drawn[0] + child, week) for child, week in drawn[1]])

    @rule(lines=wishes, keep_available=st.booleans())
    def hold(self, lines: list[Line], keep_available: bool) -> None:
        wanted = [Wish(position, *self.line(line)) for position, line in enumerate(lines)]
        acting = self.family(lines).acting(None)

        async def held(session: AsyncSession) -> Hold:
            async with self.database.transaction() as connection:
                hold = await holds.judge(connection, acting, wanted, keep_available, self.now)
                await holds.take(connection, hold, Once(new_id(), new_id().hex, b"").row(Response()))
                return hold

        hold = self.done(held)
        kept = list[Line]()
        for line in lines:
            if not keep_available or self.truth.room([*kept, line]):
                kept.append(line)
        apart = len({(child, DAYS[week]) for child, week in kept}) == len(kept)
        possible = kept and self.truth.room(kept) and apart and not any(self.truth.busy(line) for line in lines)
        assert bool(hold) == bool(possible)
        if hold:
            assert [line.position for line in hold.lines] == [lines.index(line) for line in kept]
            self.truth.claims.append(Claim(kept, "held", self.now + HOLD, booking_id=hold.id))

    @there_is(("held", "expired"))
    @rule(data=st.data())
    def confirm(self, data: st.DataObject) -> None:
        self.confirm_one(self.one_of(data, ("held", "expired")))

    def confirm_one(self, one: Claim) -> None:
        booking_id, reach = one.booking_id, self.family(one.lines)
        done = self.done(lambda session: bookings.confirm(session, reach, booking_id, new_id(), self.now))
        assert bool(done) == (one.status == "held" and self.now < one.until)
        if done:
            one.status = "confirmed"

    @there_is(BOOKED)
    @rule(data=st.data(), whole=st.booleans())
    def cancel(self, data: st.DataObject, whole: bool) -> None:
        one = self.one_of(data, BOOKED)
        lines = list(one.lines) if whole else [data.draw(st.sampled_from(one.lines))]

        async def cancelled(session: AsyncSession) -> Booking:
            booking = await session.get_one(Booking, one.booking_id)
            positions = {(line.child_id, line.holiday_week_id): line.position for line in booking.standing}
            position = None if whole else positions[self.line(lines[0])]
            return await cancellations.cancel(session, self.family(lines), booking.id, position, self.now)

        assert self.done(cancelled)
        one.lines = [line for line in one.lines if line not in lines]
        if not one.lines:
            one.status = "cancelled"
        self.freed(lines)

    @there_is(BILLED)
    @rule(data=st.data(), news=st.sampled_from(["settled", "lapsed", "refused", "credit"]))
    def billing_says(self, data: st.DataObject, news: str) -> None:
        """In time, again, late, and of what is over by now."""
        one = self.one_of(data, BILLED)

        async def heard(session: AsyncSession) -> bool:
            booking = await session.get_one(Booking, one.booking_id)
            lines = [{"position": line.position} for line in booking.standing]
            facts = {"id": str(booking.id), "version": booking.version, "dossier_id": str(booking.dossier_id)}
            billing = Billing(facts | {"lines": lines})
            handle: Any = {"refused": cancellations.cancel_refused, "credit": settlements.take_late_credit}
            await handle.get(news, settlements.keep_invoice)(session, getattr(billing, news))
            return True

        assert self.done(heard)
        match one.status, news:
            case "confirmed", "settled":
                one.status, one.credits = "paid", 0
            case "confirmed", "refused":
                lines, one.lines, one.status = one.lines, [], "cancelled"
                self.freed(lines)
            case "confirmed", "lapsed":
                one.status = "lapsed"
                self.freed(one.lines)
            case (("confirmed" | "lapsed"), "credit"):
                one.credits += 1
        while one.status == "lapsed" and one.credits:
            one.credits -= 1
            if self.truth.room(one.lines) and not any(self.truth.busy(line) for line in one.lines):
                one.status = "confirmed"

    # ------------------------------------------------------------------ the waiting list

    @rule(lines=wishes)
    def join(self, lines: list[Line]) -> None:
        acting = self.family(lines).acting(None)
        wanted = [WaitingWish(str(n), *self.line(line)) for n, line in enumerate(lines)]
        shown = self.done(lambda session: entries.join(session, acting, wanted, self.now))
        standing = {line for one in self.truth.claims if one.waits for line in one.lines}
        able = not any(self.truth.busy(line) or line in standing for line in lines)
        each_once = len({child for child, _ in lines}) == len(lines)
        assert bool(shown) == (able and each_once and not self.truth.room(lines))
        if shown:
            self.truth.claims.append(Claim(lines, "waiting"))

    @there_is(WAITS)
    @rule(data=st.data())
    def accept(self, data: st.DataObject) -> None:
        one = self.one_of(data, WAITS)
        line = data.draw(st.sampled_from(one.lines))

        async def accepted(session: AsyncSession) -> Booking:
            return await entries.accept(session, self.family(one.lines), await self.entry(session, line), self.now)

        booking = self.done(accepted)
        over = one.status != "offered" or self.now >= one.until
        assert bool(booking) == (not over and not any(self.truth.busy(line) for line in one.lines))
        if booking:
            one.status, one.until, one.booking_id = "held", self.now + HOLD, booking.id

    @there_is(WAITS)
    @rule(data=st.data())
    def leave(self, data: st.DataObject) -> None:
        one = self.one_of(data, WAITS)
        line, lines = data.draw(st.sampled_from(one.lines)), list(one.lines)

        async def left(session: AsyncSession) -> object:
            return await entries.leave(session, self.family(lines), await self.entry(session, line), self.now)

        assert self.done(left)
        one.lines.remove(line)
        self.freed(lines)

    async def entry(self, session: AsyncSession, line: Line) -> UUID:
        query = text(
            "SELECT id FROM waiting_entries WHERE child_id = :child AND holiday_week_id = :week"
            " AND status IN ('waiting', 'offered')"
        )
        child_id, week_id = self.line(line)
        return UUID(str(await session.scalar(query, {"child": child_id, "week": week_id})))

    # ------------------------------------------------------------------ places and time

    @rule(week=st.integers(0, len(PLACES) - 1), places=st.integers(0, 3))
    def change_places(self, week: int, places: int) -> None:
        administrator = Reach(sub=new_id(), role="administrator")

        async def changed(session: AsyncSession) -> object:
            seen = Seen(etag((await editing.read(session, self.weeks[week])).week.version))
            asked, now = {"places": places}, self.now
            return await editing.change(session, administrator, seen, self.weeks[week], asked, "Travaux", now)

        done = self.done(changed)
        assert bool(done) == (places >= self.truth.taken(week))
        if done:
            self.truth.places[week] = places
            self.truth.pass_on({week}, self.now)

    @rule(hours=st.sampled_from([0, 0.2, 0.4, 24]), worker=st.booleans())
    def time_passes(self, hours: float, worker: bool) -> None:
        """And the worker has its turn, or is late."""
        Machine.now += timedelta(hours=hours)
        if not worker:
            return
        self.done(lambda session: bookings.expire_holds(session, self.now))
        over = [one for one in self.claims(["held"]) if one.until <= self.now]
        for one in over:
            one.status = "expired"
        self.freed(line for one in over for line in one.lines)
        self.done(lambda session: offers.pass_on_due(session, self.now))
        due = set[int]()
        for one in self.claims(WAITS):
            for line in one.lines:
                ends = one.status == "offered" and (one.until <= self.now or self.truth.busy(line))
                if ends or (one.status == "waiting" and self.truth.taken(line[1]) < self.truth.places[line[1]]):
                    due.add(line[1])
        self.truth.pass_on(due, self.now)

    # ------------------------------------------------------------------ what must hold

    @invariant()
    def both_agree(self) -> None:
        truth, statuses = self.truth, {"lapsed": "expired"}
        waiting = {
            (*self.line(line), one.status, one.until if one.status == "offered" else None)
            for one in self.claims(WAITS)
            for line in one.lines
        }
        booked = {self.line(line) for one in self.claims(BOOKED) for line in one.lines}
        bookings = {
            (one.booking_id, statuses.get(one.status, one.status)) for one in truth.claims if one.booking_id != NONE
        }
        weeks = {(one, truth.places[week], truth.taken(week)) for week, one in enumerate(self.weeks)}
        found = self.run(self.reader.fetchrow(STANDING))
        assert [set(one) for one in found] == [waiting, booked, bookings, weeks]

    @invariant()
    def no_place_is_sold_twice(self) -> None:
        assert all(self.truth.taken(week) <= places for week, places in enumerate(self.truth.places))

    @invariant()
    def nobody_waits_in_vain(self) -> None:
        for one in self.truth.claims:
            if one.status == "waiting" and one.lines and not any(self.truth.busy(line) for line in one.lines):
                assert not self.truth.room(one.lines)


def drive(databases: Databases, monkeypatch: pytest.MonkeyPatch, *, examples: int, shrink: bool = True) -> None:
    """So many examples, the same ones each time; raises AssertionError where both do not agree.

    With `shrink`, the example that it names is as short as can be found in some minutes.
    """
    with asyncio.Runner() as runner:
        database, reader = Database(databases.url), runner.run(asyncpg.connect(databases.owner_url))
        Machine.database, Machine.reader, Machine.runner = database, reader, runner
        monkeypatch.setattr(clock, "now", lambda: Machine.now)
        try:
            runner.run(Machine.families_move_in())
            run_state_machine_as_test(
                Machine,
                settings=settings(
                    max_examples=examples,
                    stateful_step_count=STEPS,
                    phases=(Phase.generate, Phase.shrink) if shrink else (Phase.generate,),
                    report_multiple_bugs=False,
                    derandomize=True,
                    deadline=None,
                    suppress_health_check=list(HealthCheck),
                ),
            )
        finally:
            runner.run(reader.close())
            runner.run(database.close())
