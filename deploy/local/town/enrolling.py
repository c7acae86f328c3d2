"""Who is enrolled in what, drawn: always the same for one seed."""

import datetime
import json
import random
from collections.abc import AsyncIterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, get_args
from uuid import UUID

import asyncpg
from chassis.database import Database
from chassis.identifiers import named_id
from contracts.enrolment import Actor, EnrolmentChanged, UsualWeek, Weekday
from enrolment.catalogue.models import Activity, SchoolYear
from enrolment.catalogue.rules import enrolment_refusal
from enrolment.copies import Child, Dossier
from enrolment.enrolments.enrolments import event_of, site_of
from enrolment.enrolments.models import Enrolment
from enrolment.enrolments.rules import EnrolmentStatus
from french.calendar import DAY
from french.paris import at
from sqlalchemy import select

from deploy.local.town.hearing import batches

#: Of the children who may be, how many are enrolled; of these, how many for all weeks of the year.
SHARES = {"restauration": 0.8, "periscolaire": 0.3}
BY_THE_WEEK = 0.26
#: Of these, how many for every day of the activity.
ALL_DAYS = 0.5
#: When all was asked for: before the school year, and before every deadline in it.
ASKED_BEFORE = 60 * DAY

DESK = Actor(account_id=named_id("desk"), role="agent", name="Guichet")

_FAMILIES = """
    SELECT dossier.status, dossier.missing, jsonb_agg(to_jsonb(child) ORDER BY child.id)::text AS children
    FROM dossiers dossier JOIN children child ON child.dossier_ids[1] = dossier.id
    WHERE dossier.number <> ALL ($1) GROUP BY dossier.id ORDER BY dossier.id
"""


@dataclass(frozen=True)
class Enrolled:
    """An enrolment, what is told of it, and what decides in which age band its days are counted."""

    enrolment: Enrolment
    event: EnrolmentChanged
    birth_date: datetime.date


@dataclass(frozen=True)
class Drawing:
    """What enrolments are drawn from: the open activities of one school year, with their weekdays."""

    seed: int
    year: SchoolYear
    weekdays: Mapping[Activity, Sequence[Weekday]]

    def of(self, child: Child, dossier: Dossier) -> list[Enrolled]:
        draw = random.Random(f"{self.seed} {child.id}")  # noqa: S311 -- reproducible, and no secret
        asked_at = at(self.year.first_day - ASKED_BEFORE, datetime.time(10))
        found = []
        for activity, weekdays in self.weekdays.items():
            wanted, by_the_week, all_days = (draw.random() for _ in range(3))
            some = draw.sample(weekdays, draw.randint(1, len(weekdays)))
            if wanted >= SHARES[activity.kind] or enrolment_refusal(
                activity, child, dossier, self.year, asked_at, accepted=True
            ):
                continue
            week = UsualWeek(
                number=1,
                valid_from=self.year.first_day,
                valid_to=self.year.last_day,
                days=tuple(one for one in weekdays if all_days < ALL_DAYS or one in some),
                asked_at=asked_at,
                asked_by=DESK,
            )
            enrolment = Enrolment(
                id=named_id("enrolment", str(child.id), activity.code, self.year.name),
                child_id=child.id,
                dossier_id=child.dossier_ids[0],
                activity_id=activity.id,
                site_id=site_of(activity.site_id, child, self.year.name),
                school_year=self.year.name,
                valid_from=self.year.first_day,
                valid_to=self.year.last_day,
                status=EnrolmentStatus.ACTIVE,
                usual_weeks=(week,) if by_the_week < BY_THE_WEEK else (),
                created_at=asked_at,
                created_by=DESK,
                version=1,
            )
            found.append(Enrolled(enrolment, event_of(enrolment), child.birth_date))
        return found


async def drawing(enrolment: Database, town: Mapping[str, Any], year: str) -> Drawing:
    """Of the catalogue as enrolment has it."""
    weekdays = {one["code"]: one.get("weekdays", ()) for one in town["activities"]}
    async with enrolment.sessions() as session:
        activities = (await session.scalars(select(Activity).order_by(Activity.code))).all()
        found = await session.get_one(SchoolYear, year)
    return Drawing(
        seed=town["generated_families"]["seed"],
        year=found,
        weekdays={
            one: [day for day in get_args(Weekday) if day in weekdays[one.code]]
            for one in activities
            if one.kind in SHARES and weekdays[one.code]
        },
    )


async def drawn(connection: asyncpg.Connection, drawing: Drawing, but: Sequence[str]) -> AsyncIterator[list[Enrolled]]:
    """Those of all families but these numbers, some whole families at a time."""
    async for rows in batches(connection, _FAMILIES, but):
        yield [
            enrolled
            for row in rows
            for child in json.loads(row["children"])
            for enrolled in drawing.of(_child(child), Dossier(status=row["status"], missing=row["missing"]))
        ]


def _child(row: Mapping[str, Any]) -> Child:
    return Child(
        id=UUID(row["id"]),
        dossier_ids=list(map(UUID, row["dossier_ids"])),
        first_name=row["first_name"],
        birth_date=datetime.date.fromisoformat(row["birth_date"]),
        schooling=row["schooling"],
    )
