"""Families in planning's database who may reserve days in the canteen and in the evening, and what they ask for."""

from collections.abc import Iterator
from datetime import UTC, date, datetime, timedelta
from itertools import groupby
from typing import Any
from uuid import UUID

import asyncpg
from chassis import towns
from chassis.database import copy
from chassis.identifiers import named_id
from planning.copies import Child, Dossier, Enrolment
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


async def fill(url: str, families: int) -> None:
    """So many families of two children at eight schools, enrolled in both, with places for all; who is there stays."""
    connection = await asyncpg.connect(url)
    try:
        ours = "SELECT count(*) FROM dossiers WHERE id BETWEEN $1 AND $2"
        there = await connection.fetchval(ours, named(DOSSIER, 0), named(DOSSIER, 10**9))
        for first in range(there, families, BATCH):
            some = range(first, min(first + BATCH, families))
            for table, rows in ((Dossier, _dossiers), (Child, _children), (Enrolment, _enrolments)):
                await copy(connection, table.__table__, rows(some))
        await connection.executemany(_ACTIVITY, ACTIVITIES.items())
        places = """'[{"ages": [2, 12], "places": 100000, "site_id": null}]'"""
        await connection.execute(f"UPDATE activity_rules SET bands = {places}")
        await connection.execute("VACUUM ANALYZE")
    finally:
        await connection.close()


def _dossiers(families: range) -> Iterator[dict[str, Any]]:
    for n in families:
        yield {"id": named(DOSSIER, n), "version": 1, "number": f"9{n:06}", "guardian_ids": [named(GUARDIAN, n)]}


def _children(families: range) -> Iterator[dict[str, Any]]:
    today = datetime.now(UTC).date()
    born = today.replace(year=today.year - 8, day=1)
    for n in families:
        for child in (2 * n, 2 * n + 1):
            said = {"dossier_ids": [named(DOSSIER, n)], "first_name": "Inès", "birth_date": born}
            yield {"id": named(CHILD, child), "version": 1, **said}


def _enrolments(families: range) -> Iterator[dict[str, Any]]:
    today = datetime.now(UTC).date()
    for n in families:
        for at, (child, activity) in enumerate((c, a) for c in (2 * n, 2 * n + 1) for a in ACTIVITIES):
            yield {
                "id": named(ENROLMENT, 4 * n + at),
                "version": 1,
                "child_id": named(CHILD, child),
                "dossier_id": named(DOSSIER, n),
                "activity_id": activity,
                "site_id": site(n),
                "school_year": YEAR,
                "valid_from": today - timedelta(days=1),
                "valid_to": today + timedelta(days=LASTS),
                "status": "active",
                "usual_weeks": [],
            }


def site(family: int) -> UUID:
    return named(SITE, family % SITES)
