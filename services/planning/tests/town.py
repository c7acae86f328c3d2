"""A town with a canteen, a Wednesday and a leisure centre, as planning has loaded and heard of it; who asks there."""

import asyncio
import json
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from datetime import UTC, date, datetime
from typing import Any
from unittest import mock
from uuid import UUID

import aiohttp
import asyncpg
from chassis.database import Database
from chassis.identifiers import named_id
from chassis.inbox import handle
from chassis.outbox import envelope
from chassis.testing import Signer
from contracts import Event
from contracts.enrolment import ActivityChanged, HolidayWeekChanged, Kind
from french.paris import PARIS
from planning.consumers import HANDLERS
from planning.town import Town, load
from sqlalchemy import text

from libs.chassis.tests.waiting import until
from tests.builders import changed, sample

CANTEEN, WEDNESDAY, HOLIDAYS = (named_id("activity", code) for code in ("cantine", "mercredi", "vacances"))
WORKING_DAY_BEFORE = {"rule": "days_before", "n": 1, "time": "09:00:00", "working_days": True}
THURSDAY_BEFORE = {"rule": "weekday_before", "weekday": "thursday", "time": "12:00:00", "weeks": 1}
SCHOOL_DAYS = ["monday", "tuesday", "thursday", "friday"]
CANTEEN_RULES = {
    "weekdays": SCHOOL_DAYS,
    "booking_deadline": WORKING_DAY_BEFORE,
    "cancellation_deadline": WORKING_DAY_BEFORE,
    "bands": [],
}
BRIDGE = {"date": "2027-05-07", "name": "Pont de l'Ascension"}

TOWN = Town.model_validate(
    {
        "town": {"school_zone": "C"},
        "calendar": {"closed_days": [BRIDGE]},
        "activities": [
            {"code": "cantine", "kind": "restauration", **CANTEEN_RULES},
            {
                "code": "mercredi",
                "kind": "periscolaire",
                "weekdays": ["wednesday"],
                "booking_deadline": THURSDAY_BEFORE,
                "cancellation_deadline": {"rule": "none"},
            },
            {"code": "vacances", "kind": "extrascolaire"},
        ],
    }
)


def activity(activity_id: UUID, name: str, kind: Kind) -> ActivityChanged:
    return sample(
        ActivityChanged,
        activity_id=activity_id,
        code=name.lower(),
        name=name,
        kind=kind,
        site_id=None,
        payment="monthly",
    )


def week(name: str, *dates: date, booking: datetime, cancellation: datetime, group: str = "") -> HolidayWeekChanged:
    return sample(
        HolidayWeekChanged,
        holiday_week_id=named_id("week", name, group),
        activity_id=HOLIDAYS,
        centre="Accueil de loisirs La Bièvre",
        name=name,
        dates=dates,
        booking_closes_at=booking,
        cancellation_closes_at=cancellation,
    )


CATALOGUE = (
    activity(CANTEEN, "Restauration scolaire", "restauration"),
    activity(WEDNESDAY, "Accueil du mercredi", "periscolaire"),
    activity(HOLIDAYS, "Vacances à La Bièvre", "extrascolaire"),
)


@dataclass
class Desk:
    """The service, and somebody of any role who asks it."""

    database: Database
    owner: Database
    client: aiohttp.ClientSession
    signer: Signer
    now_is: Callable[[datetime], None]

    async def load(self) -> None:
        async with self.owner.sessions.begin() as session:
            await load(session, TOWN)

    async def hear(self, *events: Event) -> None:
        for event in events:
            await handle(self.database, envelope(event).model_dump_json().encode(), HANDLERS)

    async def ask(
        self, method: str, path: str, body: Any = None, *, role: str = "administrator", etag: str | None = None
    ) -> tuple[int, Any, str]:
        """Status, body, ETag."""
        headers = {"Authorization": f"Bearer {self.signer.token(role)}"} | ({"If-Match": etag} if etag else {})
        async with self.client.request(method, f"/v1{path}", json=body, headers=headers) as answer:
            return answer.status, await answer.json(), answer.headers.get("ETag", "")

    async def at_once(self, path: str, bodies: list[Any], etag: str, held: str, **values: Any) -> list[tuple[int, Any]]:
        """What each is answered who sends one of these while the statement `held` keeps them all from being stored."""
        waiting = (
            "SELECT count(DISTINCT pid) FROM pg_locks JOIN pg_stat_activity USING (pid)"
            " WHERE NOT granted AND datname = current_database()"
        )
        async with self.owner.sessions() as holding, self.owner.sessions() as watching, asyncio.TaskGroup() as tasks:
            await holding.execute(text(held), values)
            asked = [tasks.create_task(self.ask("PUT", path, body, etag=etag)) for body in bodies]

            async def all_wait() -> bool:
                found = await watching.scalar(text(waiting))
                await watching.rollback()  # each look is a new one
                return bool(found == len(bodies))

            await until(all_wait)
            await holding.rollback()
        return [task.result()[:2] for task in asked]

    async def reserved(self, child_id: UUID) -> list[tuple[UUID, date]]:
        """The reserved days of a child, in order."""
        days = "SELECT activity_id, day FROM reservations WHERE child_id = :id AND status = 'reserved' ORDER BY day"
        async with self.database.sessions() as session:
            return [(*row,) for row in await session.execute(text(days), {"id": child_id})]

    async def taken(self, activity_id: UUID, day: date) -> list[tuple[str, int, int]]:
        """Band, places and how many are taken, of each site."""
        slots = "SELECT band, places, taken FROM slots WHERE activity_id = :id AND day = :day AND taken >= 0 ORDER BY 1"
        async with self.database.sessions() as session:
            return [(*row,) for row in await session.execute(text(slots), {"id": activity_id, "day": day})]

    async def places(self, activity_id: UUID, *bands: Any) -> None:
        """The places of that activity, before anybody has taken one."""
        stored = "UPDATE activity_rules SET bands = CAST(:bands AS jsonb) WHERE activity_id = :id"
        async with self.owner.sessions.begin() as session:
            await session.execute(text(stored), {"id": activity_id, "bands": json.dumps(bands)})

    async def rules(self, activity_id: UUID, booking_deadline: Any) -> None:
        """The activity's rule to book."""
        stored = "UPDATE activity_rules SET booking_deadline = CAST(:rule AS jsonb) WHERE activity_id = :id"
        async with self.owner.sessions.begin() as session:
            await session.execute(text(stored), {"id": activity_id, "rule": json.dumps(booking_deadline)})

    async def close_town(self, day: date) -> None:
        async with self.owner.sessions.begin() as session:
            await session.execute(text("INSERT INTO closed_days VALUES (:day, 'Grève')"), {"day": day})

    async def close_activity(self, activity_id: UUID) -> None:
        [event] = [one for one in CATALOGUE if one.activity_id == activity_id]
        await self.hear(changed(event, version=event.version + 1, status="closed"))

    async def statements(self, work: Awaitable[Any]) -> list[str]:
        """What is asked of the database, on the driver's own connections, until that is done."""
        asked: list[str] = []
        execute = asyncpg.Connection._execute

        async def listening(connection: Any, query: str, *more: Any, **named: Any) -> Any:
            asked.append(query)
            return await execute(connection, query, *more, **named)

        with mock.patch.object(asyncpg.Connection, "_execute", listening):
            await work
        return asked

    async def deadlines(self, query: str = "", role: str = "guardian") -> Any:
        status, answer, _ = await self.ask("GET", f"/deadlines?{query}", role=role)
        assert status == 200, answer
        return answer


def pointers(problem: Any) -> list[str]:
    assert problem["type"] == "urn:problem:malformed", problem
    return [one["pointer"] for one in problem["errors"]]


def utc(text: str) -> str:
    """A moment of Paris, as the API writes it."""
    return datetime.fromisoformat(text).replace(tzinfo=PARIS).astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
