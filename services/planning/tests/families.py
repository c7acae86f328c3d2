"""Families whose children are enrolled, as planning hears of them."""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, date, datetime
from io import BytesIO
from typing import Any, Self
from uuid import UUID

from chassis.identifiers import new_id
from contracts.dossier import Adult, ChildChanged, DossierChanged
from contracts.enrolment import Actor, EnrolmentChanged, UsualWeek
from planning.reservations import changing
from planning.reservations.changing import Outcome
from planning.reservations.rules import Change
from sqlalchemy import text

from services.planning.tests.town import CANTEEN, WEDNESDAY, Desk
from tests.builders import changed, sample

#: When the tests of planning take place, unless they say otherwise.
NOW = datetime(2026, 11, 25, 9, tzinfo=UTC)
SCHOOL_YEAR = {
    "school_year": "2026-2027",
    "valid_from": date(2026, 9, 1),
    "valid_to": date(2027, 7, 2),
    "status": "active",
    "usual_weeks": (),
    "withdrawn_at": None,
    "withdrawn_by": None,
}


@dataclass
class Household:
    """A dossier whose children, by first name, are enrolled in canteen and Wednesday at one school."""

    desk: Desk
    dossier_id: UUID = field(default_factory=new_id)
    account_id: UUID = field(default_factory=new_id)
    guardian_id: UUID = field(default_factory=new_id)
    site_id: UUID = field(default_factory=new_id)
    children: dict[str, UUID] = field(default_factory=dict)
    born: Mapping[str, date] = field(default_factory=dict)
    enrolments: dict[tuple[str, UUID], EnrolmentChanged] = field(default_factory=dict)

    @classmethod
    async def enrolled(cls, desk: Desk, *names: str, born: Mapping[str, date] | None = None, **facts: Any) -> Self:
        household = cls(desk, born=born or {}, **facts)
        for name in names:
            household.children[name] = new_id()
            await household.tell_child(name, household.dossier_id)
            for activity_id in (CANTEEN, WEDNESDAY):
                await household.enrol(name, activity_id)
        return household

    async def tell_child(self, name: str, *dossier_ids: UUID, version: int = 1) -> None:
        await self.desk.hear(
            sample(
                ChildChanged,
                version=version,
                child_id=self.children[name],
                dossier_ids=dossier_ids,
                first_name=name,
                birth_date=self.born.get(name, date(2018, 5, 1)),
            )
        )

    async def is_of(self, *guardian_ids: UUID, version: int = 1, status: str = "active") -> None:
        """Its legal guardians."""
        adults = [
            Adult(adult_id=one, first_name="Claire", last_name=f"Moreau {number}", roles=("legal_guardian",))
            for number, one in enumerate(guardian_ids, start=1)
        ]
        facts = {"dossier_id": self.dossier_id, "version": version, "status": status}
        await self.desk.hear(sample(DossierChanged, adults=tuple(adults), **facts))

    async def enrol(self, name: str, activity_id: UUID, **facts: Any) -> None:
        event = sample(
            EnrolmentChanged,
            **SCHOOL_YEAR
            | {
                "enrolment_id": new_id(),
                "version": 1,
                "child_id": self.children[name],
                "dossier_id": self.dossier_id,
                "activity_id": activity_id,
                "site_id": self.site_id,
            }
            | facts,
        )
        self.enrolments[name, activity_id] = event
        await self.desk.hear(event)

    async def _change(self, name: str, activity_id: UUID, **facts: Any) -> None:
        before = self.enrolments[name, activity_id]
        event = changed(before, version=before.version + 1, **facts)
        self.enrolments[name, activity_id] = event
        await self.desk.hear(event)

    async def usual_week(
        self,
        name: str,
        activity_id: UUID,
        *days: str,
        first: date = date(2026, 11, 25),
        last: date = date(2026, 12, 18),
        at: datetime = NOW,
        by: Actor | None = None,
    ) -> None:
        week = self.week(len(self.enrolments[name, activity_id].usual_weeks) + 1, *days, first=first, last=last)
        week = changed(week, asked_at=at, asked_by=by or week.asked_by)
        await self._change(name, activity_id, usual_weeks=(*self.enrolments[name, activity_id].usual_weeks, week))

    def week(self, number: int, *days: str, first: date, last: date, at: datetime = NOW) -> UsualWeek:
        by = Actor(account_id=self.account_id, role="guardian")
        facts = {"number": number, "days": days, "valid_from": first, "valid_to": last, "asked_at": at, "asked_by": by}
        return UsualWeek.model_validate(facts)

    async def withdraw(
        self, name: str, activity_id: UUID, valid_to: date, at: datetime = NOW, by: Actor | None = None
    ) -> None:
        by = by or Actor(account_id=self.account_id, role="guardian")
        facts = {"valid_to": valid_to, "status": "withdrawn", "withdrawn_at": at, "withdrawn_by": by}
        await self._change(name, activity_id, **facts)

    async def moves(self, name: str, activity_id: UUID, site_id: UUID) -> None:
        await self._change(name, activity_id, site_id=site_id)

    async def shared(self, *names: str) -> Self:
        """The other parent's dossier of these children."""
        other = type(self)(self.desk, site_id=self.site_id, children={name: self.children[name] for name in names})
        for name in names:
            await self.tell_child(name, self.dossier_id, other.dossier_id, version=2)
        return other

    def token(self, role: str = "guardian", account_id: UUID | None = None) -> str:
        own, sub = (self.dossier_id if role == "guardian" else None), account_id or self.account_id
        return self.desk.signer.token(
            role,
            sub=str(sub),
            dossier_id=own and str(own),
            guardian_id=own and str(self.guardian_id),
            name=None if own else "Ada Petit",
        )

    async def ask(
        self, month: str = "2026-12", *, role: str = "guardian", account_id: UUID | None = None, **query: Any
    ) -> tuple[int, Any, str]:
        """Status, body, ETag of the family's month."""
        asked = {"month": month} | ({"dossier_id": self.dossier_id} if role == "agent" else {}) | query
        headers = {"Authorization": f"Bearer {self.token(role, account_id)}"}
        params = {name: str(value) for name, value in asked.items()}
        async with self.desk.client.get("/v1/plannings", params=params, headers=headers) as answer:
            return answer.status, await answer.json(), answer.headers.get("ETag", "")

    async def planning(self, month: str = "2026-12", **asked: Any) -> Any:
        status, answer, _ = await self.ask(month, **asked)
        assert status == 200, answer
        return answer

    async def etag(self, month: str = "2026-12", **asked: Any) -> str:
        return (await self.ask(month, **asked))[2]

    def wish(self, name: str, activity_id: UUID, day: date, *, reserve: bool = True) -> dict[str, Any]:
        child = str(self.children[name])
        return {"child_id": child, "activity_id": str(activity_id), "date": str(day), "reserve": reserve}

    async def validate(
        self,
        *changes: Any,
        month: Any = "2026-12",
        seen: str | None = "",
        key: str | None = None,
        role: str = "guardian",
        account_id: UUID | None = None,
        **body: Any,
    ) -> tuple[int, Any]:
        """Status and body; with the month's ETag of just before, unless `seen` says otherwise (none: no If-Match)."""
        token = self.token(role, account_id)
        headers = {"Authorization": f"Bearer {token}", "Idempotency-Key": key or str(new_id())}
        if seen is not None:
            headers["If-Match"] = seen or await self.etag(month)
        asked = {"month": month} | ({"changes": changes} if changes else {}) | body
        if role == "agent":
            asked = {"dossier_id": str(self.dossier_id)} | asked
        data = BytesIO(json.dumps(asked).encode())  # however long it is
        headers["Content-Type"] = "application/json"
        async with self.desk.client.post("/v1/plannings/validate", data=data, headers=headers) as answer:
            return answer.status, await answer.json()

    async def copy_week(self, *names: str, week: Any, to: Any, role: str = "guardian", **body: Any) -> tuple[int, Any]:
        """Status and body of what is proposed for these children."""
        asked: dict[str, Any] = {"child_ids": [str(self.children[name]) for name in names], "week": week}
        asked |= {"to_weeks": to} | ({"dossier_id": str(self.dossier_id)} if role == "agent" else {}) | body
        headers = {"Authorization": f"Bearer {self.token(role, None if role == 'guardian' else new_id())}"}
        async with self.desk.client.post("/v1/plannings/copy-week", json=asked, headers=headers) as answer:
            return answer.status, await answer.json()

    async def history(
        self, month: str = "2026-12", *, role: str = "guardian", account_id: UUID | None = None, **query: Any
    ) -> tuple[int, Any]:
        """Status and body of a page of the month's history."""
        asked = {"month": month} | ({"dossier_id": self.dossier_id} if role == "agent" else {}) | query
        params = {name: str(value) for name, value in asked.items() if value is not None}
        headers = {"Authorization": f"Bearer {self.token(role, account_id)}"}
        async with self.desk.client.get("/v1/plannings/history", params=params, headers=headers) as answer:
            return answer.status, await answer.json()

    async def draft(
        self, *changes: Any, month: Any = "2026-12", role: str = "guardian", account_id: UUID | None = None, **body: Any
    ) -> tuple[int, Any]:
        """Status and body of a draft that is kept."""
        headers = {"Authorization": f"Bearer {self.token(role, account_id)}", "Content-Type": "application/json"}
        data = BytesIO(json.dumps({"month": month, "changes": changes} | body).encode())
        async with self.desk.client.put("/v1/plannings/draft", data=data, headers=headers) as answer:
            return answer.status, await answer.json()

    async def drop_draft(self, month: str = "2026-12", role: str = "guardian") -> int:
        headers = {"Authorization": f"Bearer {self.token(role)}"}
        async with self.desk.client.delete(f"/v1/plannings/draft?month={month}", headers=headers) as answer:
            return answer.status

    async def drafted(self, month: str = "2026-12", **asked: Any) -> dict[str, str | None] | None:
        """Why each day of the draft, as the month shows it, could not be validated; none: no draft."""
        draft = (await self.planning(month, **asked))["draft"]
        return draft and {one["date"]: one["reason"] for one in draft["changes"]}

    async def reserve(self, name: str, activity_id: UUID, *days: date) -> None:
        """As if it had been asked for in August."""
        changes = [Change(self.children[name], activity_id, day, True) for day in days]
        actor, then = Actor(account_id=self.account_id, role="guardian"), datetime(2026, 8, 1, tzinfo=UTC)
        outcome = await self.change(changes, actor, then, then)
        assert len(outcome.done) == len(days), outcome.refused

    async def change(
        self,
        changes: Sequence[Change],
        actor: Actor,
        moment: datetime,
        now: datetime,
        *,
        late: bool = False,
        moving: bool = False,
    ) -> Outcome:
        """By the one way there is, in a transaction."""
        async with self.desk.database.sessions.begin() as session:
            locked = await changing.lock(session, self.dossier_id, changes)
            outcome = await changing.judge(session, locked, changes, moment, late=late, moving=moving)
            if outcome.done:
                await changing.write(session, locked, outcome, actor, now)
        return outcome

    async def versions(self) -> dict[date, int]:
        """Of each month of the dossier that was ever changed."""
        months = "SELECT month, version FROM planning_months WHERE dossier_id = :id AND version > 0"
        async with self.desk.database.sessions() as session:
            rows = await session.execute(text(months), {"id": self.dossier_id})
            return dict(iter(rows))
