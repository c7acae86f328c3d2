"""What the pages say of a family's month: each day in words, what it costs, what a change comes to. Pure."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta

from french.calendar import last_day
from french.wording import euros, moment

from web.answers.billing import Price
from web.answers.planning import DayCell, Entry, MonthPlanning, MonthRow
from web.months import Cell, Month, month
from web.ticks import Days, Line, News, is_box

#: What stands in the cell of a closed day, by how its reason begins.
_CLOSED = {"Jour férié": "férié", "Vacances scolaires": "vacances", "Fermé par la ville": "fermé"}
_NO_DAYS: Days = frozenset()


class Prices:
    """What a day of a child in an activity costs."""

    def __init__(self, items: Iterable[Price]) -> None:
        self._of: dict[tuple[str, str], list[Price]] = {}
        for one in sorted(items, key=lambda price: price.valid_from):
            self._of.setdefault((one.child_id, one.activity_id), []).append(one)

    def of(self, key: tuple[str, str], day: date) -> Price | None:
        """None: no tariff is known for it by the day."""
        return next((one for one in reversed(self._of.get(key, ())) if one.valid_from <= day), None)

    def cents(self, key: tuple[str, str], day: date) -> int | None:
        found = self.of(key, day)
        return found.amount_cents if found else None

    def explained(self, key: tuple[str, str]) -> list[str]:
        """Why they are what they are, each sentence once."""
        return list(dict.fromkeys(one.explanation for one in self._of.get(key, ())))


@dataclass(frozen=True)
class Shown:
    """A row as a page shows it; `number` is the line's in the form, `days` are told one by one below the table."""

    number: int
    name: str
    child: str
    month: Month
    line: Line
    days: list[tuple[date, str]]
    explained: list[str]
    refused: list[tuple[date, str]]


@dataclass(frozen=True)
class ChangedRow:
    """What one row's change comes to; `cents` is none where a price is not known."""

    name: str
    reserved: list[date]
    given_up: list[date]
    cents: int | None = None


def name_of(row: MonthRow) -> str:
    """« Restauration – Léa »."""
    return f"{row.activity_name or 'Activité'} – {row.child_first_name or 'votre enfant'}"


def read_only(rows: Iterable[MonthRow], drafts: Mapping[tuple[str, str], Line], prices: Prices) -> list[Shown]:
    """The month to read; what a draft would change is said in its cells."""
    made = []
    for number, row in enumerate(rows):
        key = (row.child_id, row.activity_id)
        asked = drafts[key].asked if key in drafts else _NO_DAYS
        cells = []
        for cell in of_interest(row):
            words, more = said(cell, prices.cents(key, cell.date))
            mark = "booked" if cell.status == "reserved" else "free" if is_box(cell) else ""
            if cell.date.day in asked:
                words, mark = ("retrait", "leaving") if cell.status == "reserved" else ("ajout", "coming")
                more = f"au brouillon, {more}"
            cells.append(Cell(cell.date, words, ticked=cell.status == "reserved", mark=mark, more=more))
        made.append(_shown(number, row, cells, fresh_line(row), prices))
    return made


def to_tick(
    rows: Iterable[MonthRow],
    lines: Mapping[tuple[str, str], Line],
    prices: Prices,
    refused: Mapping[tuple[str, str], Mapping[int, str]],
) -> list[Shown]:
    """The month to change, with its ticks; a row of holiday weeks, which is changed elsewhere, is left out."""
    made = []
    for number, row in enumerate(row for row in rows if not any(cell.booking_id for cell in row.cells)):
        key = (row.child_id, row.activity_id)
        line, wrong = lines[key], refused.get(key, {})
        cells = []
        for cell in row.cells:
            day = cell.date.day
            cents = prices.cents(key, cell.date)
            words, more = said(cell, cents)
            anchor = f"jour-{number}-{day}" if day in wrong else ""
            mark = "booked" if cell.status == "reserved" else ""
            if cell.reason and is_box(cell):
                mark = f"{mark} late"
            if day in wrong:
                words, more, mark = "refusé", wrong[day], f"{mark} refused"
            if is_box(cell) or day in line.asked:
                cells.append(
                    Cell(
                        cell.date,
                        words,
                        name=f"l{number}",
                        value=str(day),
                        ticked=day in line.ticked,
                        mark=mark,
                        more=more,
                        cents=cents,
                        anchor=anchor,
                    )
                )
            else:
                cells.append(
                    Cell(cell.date, words, ticked=cell.status == "reserved", mark=mark, more=more, anchor=anchor)
                )
        made.append(_shown(number, row, cells, line, prices, wrong))
    return made


def others(rows: Sequence[Shown]) -> dict[int, list[tuple[int, str]]]:
    """For each row those of the same activity, by their numbers, with the child's name: « La même chose pour Tom »."""
    return {
        row.number: [
            (other.number, other.child)
            for other in rows
            if other.line.activity_id == row.line.activity_id and other.number != row.number
        ]
        for row in rows
    }


def mondays(first: date) -> list[date]:
    """Of the weeks of the month that begins on `first` in which it has a day from Monday to Friday."""
    last = last_day(first)
    found = [_monday(first) + timedelta(weeks=n) for n in range(6)]
    return [monday for monday in found if monday <= last and monday + timedelta(days=4) >= first]


def open_weeks(rows: Iterable[MonthRow]) -> list[date]:
    """The Mondays of those in which something can still be changed."""
    return sorted({_monday(cell.date) for row in rows for cell in row.cells if is_box(cell)})


def weeks(first: date) -> list[tuple[date, date, date]]:
    """Each as its Monday, and its first and last day of school in the month."""
    return [(monday, max(monday, first), min(monday + timedelta(days=4), last_day(first))) for monday in mondays(first)]


def fresh_line(row: MonthRow) -> Line:
    return Line(row.child_id, row.activity_id)


def of_interest(row: MonthRow) -> list[DayCell]:
    """All of its days; of holiday weeks, the weeks that are booked."""
    weeks = {_monday(cell.date) for cell in row.cells if cell.booking_id}
    return [cell for cell in row.cells if not weeks or _monday(cell.date) in weeks]


def said(cell: DayCell, cents: int | None) -> tuple[str, str]:
    """What stands in the cell of a day, and what is read with it: its price and its deadline, or why it is closed."""
    price = [euros(cents)] if cents is not None else []
    until = moment(cell.change_until) if cell.change_until else ""
    if cell.status == "reserved":
        last = cell.reason or (f"à annuler avant {until}" if until else "")
        return "réservé", ", ".join([*price, *([last] if last else [])])
    if cell.status == "open" and cell.can_change and not cell.reason:
        return "", ", ".join(["libre", *price, *([f"à réserver avant {until}"] if until else [])])
    if cell.status == "open":
        return "complet" if (cell.reason or "").startswith("Complet") else "délai dépassé", cell.reason or ""
    reason = cell.reason or "Fermé."
    return next((word for head, word in _CLOSED.items() if reason.startswith(head)), "–"), reason


def changed(
    rows: Iterable[MonthRow], lines: Mapping[tuple[str, str], Line], prices: Prices, first: date
) -> list[ChangedRow]:
    """The rows in which something is to be changed."""
    found = []
    for row in rows:
        line = lines[row.child_id, row.activity_id]
        changes = line.changes(first)
        if changes:
            costs = [(prices.cents(line.key, one.day), one.reserve) for one in changes]
            known = [(cents if reserve else -cents) for cents, reserve in costs if cents is not None]
            found.append(
                ChangedRow(
                    name_of(row),
                    [one.day for one in changes if one.reserve],
                    [one.day for one in changes if not one.reserve],
                    sum(known) if len(known) == len(costs) else None,
                )
            )
    return found


def told(rows: Iterable[MonthRow], news: Mapping[tuple[str, str], News], first: date) -> list[ChangedRow]:
    """What others have changed meanwhile."""
    found = []
    for row in rows:
        if one := news.get((row.child_id, row.activity_id)):
            reserved, given_up = (
                [first.replace(day=day) for day in sorted(some)] for some in (one.reserved, one.given_up)
            )
            found.append(ChangedRow(name_of(row), reserved, given_up))
    return found


def empty_weeks(planning: MonthPlanning) -> list[tuple[str, list[tuple[date, date]]]]:
    """For each child the weeks, from the first to the last day, of which nothing is reserved and something can be."""
    children: dict[str, str] = {}
    free: dict[tuple[str, date], list[date]] = {}
    taken: set[tuple[str, date]] = set()
    for row in planning.rows:
        children[row.child_id] = row.child_first_name or "Votre enfant"
        for cell in row.cells:
            week = row.child_id, _monday(cell.date)
            if cell.status == "reserved":
                taken.add(week)
            elif is_box(cell):
                free.setdefault(week, []).append(cell.date)
    weeks = [
        (
            name,
            [
                (min(days), max(days))
                for (child, monday), days in sorted(free.items())
                if child == child_id and (child, monday) not in taken
            ],
        )
        for child_id, name in children.items()
    ]
    return [one for one in weeks if one[1]]


def first_deadline(rows: Iterable[MonthRow], lines: Mapping[tuple[str, str], Line]) -> datetime | None:
    """The soonest of what is to be changed."""
    moments = [
        cell.change_until
        for row in rows
        for cell in row.cells
        if cell.change_until and cell.can_change and cell.date.day in lines[row.child_id, row.activity_id].asked
    ]
    return min(moments, default=None)


def who(one: Entry, *, at_desk: bool = False) -> str:
    """Who changed what an entry of the history tells, as the family reads it, or the desk."""
    named = f" ({one.name})" if one.name else ""
    return {
        "you": "par vous",
        "family": f"par la famille{named}" if at_desk else f"par l'autre responsable de votre dossier{named}",
        "other_family": "par l'autre foyer de l'enfant",
        "desk": f"par le guichet{named}",
    }.get(one.by, "par le planning de la commune")


def _shown(
    number: int,
    row: MonthRow,
    cells: Sequence[Cell],
    line: Line,
    prices: Prices,
    wrong: Mapping[int, str] | None = None,
) -> Shown:
    days = [(cell.day, _whole(cell)) for cell in cells if cell.day.weekday() < 5 or cell.name or cell.ticked]
    first = row.cells[0].date
    refused = [(first.replace(day=day), why) for day, why in sorted((wrong or {}).items())]
    return Shown(
        number,
        name_of(row),
        row.child_first_name or "l'autre enfant",
        month(cells),
        line,
        days,
        prices.explained(line.key),
        refused,
    )


def _whole(cell: Cell) -> str:
    """All that is said of a day; a sentence says its state itself."""
    if cell.more.endswith(".") and cell.words != "refusé":
        return cell.more
    return ", ".join(filter(None, (cell.words, cell.more)))


def _monday(day: date) -> date:
    return day - timedelta(days=day.weekday())
