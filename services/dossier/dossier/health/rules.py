"""At which site a child is looked after, and what of a health record cannot be. Pure."""

from collections.abc import Collection, Iterable
from dataclasses import dataclass
from datetime import date, timedelta
from uuid import UUID

#: Who looks after a child prepares for it: a week before its first day.
AHEAD = timedelta(days=7)


@dataclass(frozen=True)
class Stay:
    """That a child goes to a site, from the first to the last day."""

    site_id: UUID
    first_day: date
    last_day: date


def school_stay(site_id: UUID, school_year: str) -> Stay:
    """Of a school year (« 2026-2027 »)."""
    begun, ended = school_year.split("-")
    return Stay(site_id, date(int(begun), 9, 1), date(int(ended), 8, 31))


def looked_after_at(stays: Iterable[Stay], sites: Collection[UUID], today: date) -> UUID | None:
    """Which of these sites the child is at today, or will be within a week; none: it is no affair of theirs."""
    here = (one for one in stays if one.first_day - AHEAD <= today <= one.last_day and one.site_id in sites)
    return next((one.site_id for one in here), None)


def faults(pai: tuple[date, date] | None, vaccinated_on: Iterable[date], today: date) -> list[tuple[str, str]]:
    """A pointer and a sentence for each day that cannot be."""
    found = []
    if pai and pai[1] < pai[0]:
        found.append(("/pai/valid_to", "Le PAI se termine avant de commencer."))
    for number, day in enumerate(vaccinated_on):
        if day > today:
            found.append((f"/vaccines/{number}/date", "Cette date est dans l'avenir."))
    return found
