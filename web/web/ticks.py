"""What a family ticks in a month, against what was reserved when the month was shown to it. Pure.

What somebody else changes meanwhile is neither undone nor taken for a wish: only what differs from what was shown is.
"""

from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass
from datetime import date
from typing import Any, NamedTuple

from web.answers.planning import DayCell, MonthPlanning, MonthRow, Wish

#: Days of a month by their numbers.
Days = frozenset[int]
NONE: Days = frozenset()


class Change(NamedTuple):
    """A day to reserve, or to give up."""

    child_id: str
    activity_id: str
    day: date
    reserve: bool

    def body(self) -> dict[str, Any]:
        """As planning takes it."""
        return {
            "child_id": self.child_id,
            "activity_id": self.activity_id,
            "date": str(self.day),
            "reserve": self.reserve,
        }


@dataclass(frozen=True)
class Line:
    """A child's month of an activity. As it was shown: `fixed` was reserved and no box, `before` reserved and a box.

    `ticked` are the boxes that are ticked now.
    """

    child_id: str
    activity_id: str
    fixed: Days = NONE
    before: Days = NONE
    ticked: Days = NONE

    @property
    def key(self) -> tuple[str, str]:
        return self.child_id, self.activity_id

    @property
    def to_reserve(self) -> Days:
        return self.ticked - self.before

    @property
    def to_give_up(self) -> Days:
        return self.before - self.ticked

    @property
    def asked(self) -> Days:
        return self.ticked ^ self.before

    def changes(self, first: date) -> list[Change]:
        """In the order of the days of the month that begins on `first`. Raises ValueError for a day it has not."""
        return [Change(*self.key, first.replace(day=day), day in self.ticked) for day in sorted(self.asked)]

    def without(self, days: Collection[int]) -> "Line":
        """As before on these days."""
        kept = self.asked - frozenset(days)
        return Line(*self.key, self.fixed, self.before, self.before ^ kept)

    def shown(self) -> str:
        """How a form says it, the ticks apart."""
        return f"{self.child_id}:{self.activity_id}:{_number(self.fixed)}:{_number(self.before)}"

    def packed(self) -> list[str]:
        return [self.shown(), str(_number(self.ticked))]


@dataclass(frozen=True)
class News:
    """What has become of a line since it was shown, by others."""

    reserved: Days
    given_up: Days


@dataclass(frozen=True)
class Proposal:
    """What would make a line like another: days to tick and to untick. Nothing is until the family says so."""

    child_id: str
    activity_id: str
    tick: Days
    untick: Days

    @property
    def key(self) -> tuple[str, str]:
        return self.child_id, self.activity_id

    def over(self, line: Line) -> Line:
        return Line(*line.key, line.fixed, line.before, (line.ticked | self.tick) - self.untick)

    def packed(self) -> str:
        return f"{self.child_id}:{self.activity_id}:{_number(self.tick)}:{_number(self.untick)}"

    @classmethod
    def unpacked(cls, packed: str) -> "Proposal":
        """Raises ValueError for what we have not packed."""
        child_id, activity_id, tick, untick = packed.split(":")
        return cls(child_id, activity_id, _days(int(tick)), _days(int(untick)))


def same(source: Line, source_row: MonthRow, target: Line, target_row: MonthRow) -> tuple[Proposal, dict[int, str]]:
    """The ticks of one child for another; and of the days that cannot be, why. A closed day says nothing of others."""
    wanted = source.ticked | source.fixed
    there = {cell.date.day for cell in source_row.cells if cell.status != "closed"} | wanted
    differ = there & (wanted ^ (target.ticked | target.fixed))
    boxes = {cell.date.day for cell in target_row.cells if is_box(cell)} | target.asked
    reasons = {cell.date.day: cell.reason or "" for cell in target_row.cells}
    possible = frozenset(differ & boxes)
    return Proposal(*target.key, possible & wanted, possible - wanted), {day: reasons[day] for day in differ - boxes}


def read(shown: Sequence[str], ticked: Iterable[Iterable[str]]) -> list[Line]:
    """The lines of a form and the ticks of each. Raises ValueError for what no form of ours says."""
    return [_line(one, frozenset(_day(int(day)) for day in days)) for one, days in zip(shown, ticked, strict=True)]


def unpacked(packed: Iterable[Sequence[str]]) -> list[Line]:
    return [_line(shown, _days(int(number))) for shown, number in packed]


def drafted(row: MonthRow, wishes: Iterable[Wish]) -> Line:
    """The row with the ticks of a draft over it: those that can still be."""
    line = fresh(row)
    asked = {
        one.date.day
        for one in wishes
        if (one.child_id, one.activity_id) == line.key and one.reason is None
        if one.reserve is not (one.date.day in line.before)
    }
    return Line(*line.key, line.fixed, line.before, line.before ^ (frozenset(asked) - line.fixed))


def fresh(row: MonthRow, asked: Days = NONE) -> Line:
    """The row as it is, nothing ticked but what is reserved; what is `asked` is a box whatever has become of it."""
    reserved = {
        cell.date.day: is_box(cell) or cell.date.day in asked for cell in row.cells if cell.status == "reserved"
    }
    before = frozenset(day for day, box in reserved.items() if box)
    return Line(row.child_id, row.activity_id, frozenset(reserved) - before, before, before)


def rebased(line: Line, row: MonthRow) -> tuple[Line, News]:
    """The same wishes over the row as it is now, and what others have changed in between."""
    now = fresh(row, line.to_give_up)
    was, is_ = line.fixed | line.before, now.fixed | now.before
    wanted = Line(*now.key, now.fixed, now.before, ((now.before | line.to_reserve) - line.to_give_up) - now.fixed)
    return wanted, News(is_ - was, was - is_)


def rebased_all(lines: Iterable[Line], planning: MonthPlanning) -> tuple[list[Line], dict[tuple[str, str], News]]:
    """Each row of the month with the wishes of its line; the news of those that have some."""
    known = {line.key: line for line in lines}
    both = [rebased(known.get((row.child_id, row.activity_id)) or fresh(row), row) for row in planning.rows]
    return [line for line, _ in both], {line.key: news for line, news in both if news.reserved or news.given_up}


def with_late_days(planning: MonthPlanning) -> MonthPlanning:
    """The month as the desk has it, which may pass over a deadline: of a late day the `reason` stays, and a box."""

    def changeable(cell: DayCell) -> DayCell:
        return cell.model_copy(update={"can_change": True}) if is_late(cell) else cell

    rows = [row.model_copy(update={"cells": [changeable(one) for one in row.cells]}) for row in planning.rows]
    return planning.model_copy(update={"rows": rows})


def is_late(cell: DayCell) -> bool:
    """Whether its deadline alone keeps the day from being changed: it takes place, and has a place left."""
    full = (cell.reason or "").startswith("Complet")
    return not cell.can_change and cell.status in ("open", "reserved") and not cell.booking_id and not full


def is_box(cell: DayCell) -> bool:
    return cell.can_change and cell.status in ("open", "reserved")


def _line(shown: str, ticked: Days) -> Line:
    child_id, activity_id, fixed, before = shown.split(":")
    return Line(child_id, activity_id, _days(int(fixed)), _days(int(before)), ticked)


def _number(days: Days) -> int:
    return sum(1 << day for day in days)


def _days(number: int) -> Days:
    if not 0 <= number < 1 << 32:
        raise ValueError("not the days of a month")
    return frozenset(_day(day) for day in range(32) if number >> day & 1)


def _day(number: int) -> int:
    if not 1 <= number <= 31:
        raise ValueError("not a day of a month")
    return number
