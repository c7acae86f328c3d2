"""The enrolments that a town's description gives to the children written in it."""

from collections.abc import Iterable, Iterator
from datetime import datetime
from typing import Annotated, Any

from chassis.identifiers import named_id
from chassis.towns import Code, Entry, Words, refers_to
from contracts.enrolment import Actor, UsualWeek, Weekday
from french.calendar import school_year
from french.paris import day_in_paris
from pydantic import AfterValidator, Field

from enrolment.catalogue.models import SchoolYear
from enrolment.catalogue.schemas import each_once
from enrolment.enrolments.rules import EnrolmentStatus

#: Who enrolled them: nobody's account.
DESK = Actor(account_id=named_id("desk"), role="agent", name="Guichet")


class EnrolmentEntry(Entry):
    """A child in an activity, with its usual week where `days` are said."""

    activity: Annotated[Code, refers_to("activities")]
    days: Annotated[list[Weekday], Field(min_length=1), AfterValidator(each_once)] | None = None


def _once_an_activity(enrolments: list[EnrolmentEntry]) -> list[EnrolmentEntry]:
    each_once([one.activity for one in enrolments])
    return enrolments


class ChildEntry(Entry):
    first_name: Words
    school: str | None = None
    enrolments: Annotated[list[EnrolmentEntry], AfterValidator(_once_an_activity)] = Field(default=[])


class FamilyEntry(Entry):
    number: str
    children: list[ChildEntry]


def rows(
    families: Iterable[FamilyEntry], centres: dict[str, str | None], year: SchoolYear, now: datetime
) -> Iterator[dict[str, Any]]:
    """Of that school year, since its first day; usual weeks from now on. `centres` are those of activities, by code."""
    today = day_in_paris(now)
    since = max(year.first_day, today)
    for family in families:
        for child in family.children:
            # Where it goes to school is described for the running year alone.
            school = child.school if year.name == school_year(today) else None
            for entry in child.enrolments:
                site = centres[entry.activity] or school
                week = UsualWeek(
                    number=1,
                    valid_from=since,
                    valid_to=year.last_day,
                    days=tuple(entry.days or ()),
                    asked_at=now,
                    asked_by=DESK,
                )
                yield {
                    "id": named_id("enrolment", family.number, child.first_name, entry.activity, year.name),
                    "child_id": named_id("child", family.number, child.first_name),
                    "dossier_id": named_id("dossier", family.number),
                    "activity_id": named_id("activity", entry.activity),
                    "site_id": named_id("site", site) if site else None,
                    "school_year": year.name,
                    "valid_from": year.first_day,
                    "valid_to": year.last_day,
                    "status": EnrolmentStatus.ACTIVE,
                    "usual_weeks": (week,) if entry.days else (),
                    "created_at": now,
                    "created_by": DESK,
                    "version": 1,
                }
