"""Families in planning's database who may reserve days in the canteen and in the evening, and what they ask for."""

from collections.abc import Callable, Iterator
from datetime import UTC, date, datetime, timedelta
from itertools import groupby
from typing import Any
from uuid import UUID

import asyncpg
from chassis import towns
from chassis.copies import Keep, keep
from chassis.database import copy
from chassis.identifiers import named_id
from contracts import Event
from contracts.dossier import Adult, ChildChanged, DossierChanged
from contracts.enrolment import EnrolmentChanged
from planning import copies
from planning.consumers import HANDLERS
from planning.deadlines import rules
from planning.town import Town

from deploy.local.stack import TOWN
from tests.lab.bench.scene import CHILD, DOSSIER, GUARDIAN, named

SITE, ENROLMENT = 6, 7
SITES = 8
ACTIVITIES = {named_id("activity", code): code for code in ("cantine", "accueil-soir")}
#: So many of each child in each activity: 20 cells.
DAYS = 5
BATCH = 10_000
#: Days that everybody is enrolled for, from yesterday on.
LASTS = 304
YEAR = "2026-2027"

_ACTIVITY = """
    INSERT INTO activities (id, version, name, kind, status) VALUES ($1, 1, $2, 'periscolaire', 'open')
    ON CONFLICT DO NOTHING
"""


def days() -> list[date]:
    """Of one month, the first that has so many which can still be reserved for an hour, in both activities."""
    town: Town = towns.validated(towns.read(TOWN))["planning"]
    calendar = rules.TownCalendar(town.town.school_zone, {one.date: one.name for one in town.calendar.closed_days})
    now = datetime.now(UTC)
    last = now.date() + timedelta(days=200)
    open_days = [
        {
            one.date
            for one in rules.days(said, calendar, now.date(), last)
            if rules.still_open(one.booking, now + timedelta(hours=1))
        }
        for entry in town.activities
        if named_id("activity", entry.code) in ACTIVITIES and (said := entry.rules())
    ]
    months = groupby(sorted(set.intersection(*open_days)), key=lambda day: day.replace(day=1))
    return next(found[:DAYS] for _, some in months if len(found := list(some)) >= DAYS)


def changes(family: int, wanted: list[date]) -> dict[str, Any]:
    """Every one of these days for both children in both activities."""
    return {
        "month": wanted[0].isoformat()[:7],
        "changes": [
            {"child_id": str(child), "activity_id": str(activity), "date": str(day), "reserve": True}
            for child in (named(CHILD, 2 * family), named(CHILD, 2 * family + 1))
            for activity in ACTIVITIES
            for day in wanted
        ],
    }


def _kept(kind: type[Event]) -> Keep:
    """How planning keeps what it is told of these."""
    handler = HANDLERS[kind]
    if not isinstance(handler, Keep):
        raise TypeError(f"planning has come to do something else with {kind.type}: say here how its copy is made")
    return handler


async def fill(url: str, families: int) -> None:
    """So many families of two children at eight schools, enrolled in both, with places for all; who is there stays."""
    connection = await asyncpg.connect(url)
    try:
        ours = "SELECT count(*) FROM dossiers WHERE id BETWEEN $1 AND $2"
        there = await connection.fetchval(ours, named(DOSSIER, 0), named(DOSSIER, 10**9))
        for first in range(there, families, BATCH):
            some = range(first, min(first + BATCH, families))
            for kind, events in _COPIES:
                await copy(connection, kind.copy.__table__, map(kind.row, events(some)))
        await connection.executemany(_ACTIVITY, ACTIVITIES.items())
        places = """'[{"ages": [2, 12], "places": 100000, "site_id": null}]'"""
        await connection.execute(f"UPDATE activity_rules SET bands = {places}")
        await connection.execute("VACUUM ANALYZE")
    finally:
        await connection.close()


def _dossiers(families: range) -> Iterator[DossierChanged]:
    for n in families:
        guardian = Adult(
            adult_id=named(GUARDIAN, n), first_name="Claire", last_name="Moreau", roles=("legal_guardian",)
        )
        yield DossierChanged(
            version=1,
            dossier_id=named(DOSSIER, n),
            number=f"9{n:06}",
            status="active",
            adults=(guardian,),
            address=None,
        )


def _children(families: range) -> Iterator[ChildChanged]:
    today = datetime.now(UTC).date()
    born = today.replace(year=today.year - 8, day=1)
    for n in families:
        for child in (2 * n, 2 * n + 1):
            yield ChildChanged(
                version=1,
                child_id=named(CHILD, child),
                dossier_ids=(named(DOSSIER, n),),
                first_name="Inès",
                last_name="Moreau",
                birth_date=born,
                schooling=(),
                resident=True,
                menu="standard",
            )


def _enrolments(families: range) -> Iterator[EnrolmentChanged]:
    today = datetime.now(UTC).date()
    for n in families:
        for at, (child, activity) in enumerate((c, a) for c in (2 * n, 2 * n + 1) for a in ACTIVITIES):
            yield EnrolmentChanged(
                version=1,
                enrolment_id=named(ENROLMENT, 4 * n + at),
                child_id=named(CHILD, child),
                dossier_id=named(DOSSIER, n),
                activity_id=activity,
                site_id=site(n),
                school_year=YEAR,
                valid_from=today - timedelta(days=1),
                valid_to=today + timedelta(days=LASTS),
                status="active",
            )


#: What is kept of whom, as its events would have it kept.
_COPIES: tuple[tuple[Keep, Callable[[range], Iterator[Event]]], ...] = (
    (_kept(DossierChanged), _dossiers),
    (_kept(ChildChanged), _children),
    (keep(copies.Enrolment), _enrolments),
)


def site(family: int) -> UUID:
    return named(SITE, family % SITES)
