"""From when an enrolment holds, and what a usual week may ask for. Pure; every refusal is in French."""

from collections.abc import Mapping
from datetime import date
from enum import StrEnum
from typing import Protocol

from french.calendar import DAY
from french.wording import day

from enrolment.catalogue.rules import SchoolYear


class EnrolmentStatus(StrEnum):
    ACTIVE = "active"
    WITHDRAWN = "withdrawn"


TRANSITIONS: Mapping[EnrolmentStatus, frozenset[EnrolmentStatus]] = {
    EnrolmentStatus.ACTIVE: frozenset({EnrolmentStatus.WITHDRAWN}),
    EnrolmentStatus.WITHDRAWN: frozenset({EnrolmentStatus.WITHDRAWN}),  # from an earlier day; back only by a new one
}

#: Of one enrolment: each is told again with every change of it.
MOST_WISHES = 300


class Lasting(Protocol):
    @property
    def valid_from(self) -> date: ...
    @property
    def valid_to(self) -> date: ...


def first_day(year: SchoolYear, left: Lasting | None, today: date) -> date:
    """The first that an enrolment can have; `left` is the one that the child was withdrawn from."""
    earliest = max(year.first_day, today)
    return max(earliest, left.valid_to + DAY) if left else earliest


def first_day_refusal(first: date, year: SchoolYear | None, earliest: date | None) -> str | None:
    """Why an enrolment cannot begin on that day, which is of that school year, or none."""
    if year is None or earliest is None:
        return (
            "Ce jour ne fait partie d'aucune année scolaire connue : indiquez un jour entre la rentrée et les vacances."
        )
    if first < earliest:
        return f"L'inscription commence le {day(earliest)} au plus tôt : indiquez ce jour ou un jour plus tard."
    return None


def week_refusals(first: date, last: date, enrolment: Lasting, today: date) -> dict[str, str]:
    """Why a usual week cannot hold from the first to the last day, by field (`from`, `to`)."""
    found = {}
    earliest = max(enrolment.valid_from, today)
    if first < earliest:
        found["from"] = f"La semaine habituelle commence le {day(earliest)} au plus tôt."
    elif first > enrolment.valid_to:
        found["from"] = (
            f"L'inscription dure jusqu'au {day(enrolment.valid_to)} : choisissez un jour qui en fait partie."
        )
    if last > enrolment.valid_to:
        found["to"] = f"L'inscription dure jusqu'au {day(enrolment.valid_to)} : choisissez un jour qui en fait partie."
    elif last < first:
        found["to"] = "Le dernier jour ne peut pas venir avant le premier."
    return found


def previous_year(name: str) -> str:
    """« 2025-2026 » before « 2026-2027 »."""
    begins = int(name[:4])
    return f"{begins - 1}-{begins}"


def over(enrolment: Lasting, today: date) -> bool:
    """Whether no day of it is left."""
    return enrolment.valid_to < max(enrolment.valid_from, today)


def leaving_day(enrolment: Lasting, today: date) -> date:
    """The first day without, where none is named: tomorrow, or the very first where none has been spent."""
    return min(max(enrolment.valid_from, today + DAY), enrolment.valid_to)


def leaving_refusal(first_without: date, enrolment: Lasting, today: date) -> str | None:
    """Why an enrolment cannot be left from that day, or none."""
    earliest = max(enrolment.valid_from, today)
    if not earliest <= first_without <= enrolment.valid_to:
        return f"Indiquez un jour entre le {day(earliest)} et le {day(enrolment.valid_to)}."
    return None
