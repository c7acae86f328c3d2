"""A month's cells as weeks of days, the same for a phone and a desk. Pure."""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date

WEEKDAYS = ("lundi", "mardi", "mercredi", "jeudi", "vendredi", "samedi", "dimanche")
_SCHOOL_WEEK = 5


@dataclass(frozen=True)
class Cell:
    """One day. With a `name` it is a box to tick, which sends `value`; else only what `words` say of it.

    `mark` is how it looks: the state that `words` name too. `more` is read with it and not shown; `cents` is what the
    page's script counts for a tick; `anchor` is where a message about the day leads.
    """

    day: date
    words: str = ""
    name: str = ""
    value: str = ""
    ticked: bool = False
    mark: str = ""
    more: str = ""
    cents: int | None = None
    anchor: str = ""


@dataclass(frozen=True)
class Month:
    """`columns` are the names of the days; a week has a cell for each, none outside the month."""

    columns: tuple[str, ...]
    weeks: list[list[Cell | None]]


def month(cells: Iterable[Cell], least: int = _SCHOOL_WEEK) -> Month:
    """Monday to Friday (or as many days as `least`), and further where one of the weekend can be ticked, or was."""
    found = list(cells)
    width = max([least, *(1 + one.day.weekday() for one in found if one.name or one.ticked)])
    weeks: dict[int, list[Cell | None]] = {}
    for one in found:
        if (weekday := one.day.weekday()) < width:
            monday = one.day.toordinal() - weekday
            weeks.setdefault(monday, [None] * width)[weekday] = one
    return Month(WEEKDAYS[:width], [weeks[monday] for monday in sorted(weeks)])
