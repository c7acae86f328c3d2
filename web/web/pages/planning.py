"""« Planning »: a family's month, read, changed, checked, and what was made of it.

Between its pages a change travels in their addresses and forms, sealed or not, and nowhere else: « Conserver en
brouillon » alone stores it, and « Valider » alone reserves.
"""

import asyncio
import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import date, timedelta
from functools import partial
from typing import Any

from chassis import clock
from french.calendar import first_day, last_day
from french.paris import day_in_paris
from french.wording import day as day_in_words
from pydantic import TypeAdapter
from starlette.responses import Response

from web import plannings, ticks
from web.answers import Page
from web.answers.billing import Prices as PricesAnswer
from web.answers.planning import ChangedDay, Copied, Entry, MonthPlanning, Receipt
from web.forms import ONCE
from web.plannings import ChangedRow, Prices
from web.refusals import NotFound, Refused
from web.ticks import Change, Line, News, Proposal
from web.visits import REASON, Visit, route

PLANNINGS = "/planning/v1/plannings"
CELLS_REFUSED = "urn:problem:planning:cells-refused"
CHANGED_MEANWHILE = (
    "Ce mois a été modifié pendant que vous le remplissiez : voyez ci-dessous ce qui a changé. Vos choix sont "
    "conservés et rien n'est encore enregistré. Vérifiez-les, puis validez de nouveau."
)
#: What is sealed, and for what.
WISHES, ATTEMPT, DONE = "choix", "essai", "recu"
#: Entries of the history on one page.
HISTORY = 20
Key = tuple[str, str]


@dataclass
class Month:
    """A month as it is now."""

    first: date
    planning: MonthPlanning
    prices: Prices

    @property
    def path(self) -> str:
        return path(self.first)

    def lines(self, wishes: Iterable[Line]) -> tuple[dict[Key, Line], list[ChangedRow]]:
        """These wishes over it, and what others have changed since they were made."""
        found, news = ticks.rebased_all(wishes, self.planning)
        return {line.key: line for line in found}, self.told(news)

    def told(self, news: Mapping[Key, News]) -> list[ChangedRow]:
        return plannings.told(self.planning.rows, news, self.first)

    def drafted(self) -> dict[Key, Line]:
        """The caller's draft over it."""
        wishes = self.planning.draft.changes if self.planning.draft else ()
        return {line.key: line for line in (ticks.drafted(row, wishes) for row in self.planning.rows)}

    def lost(self) -> list[tuple[str, date, str]]:
        """What the draft asks for that cannot be any more: whose, which day, why."""
        names = {(row.child_id, row.activity_id): plannings.name_of(row) for row in self.planning.rows}
        wishes = self.planning.draft.changes if self.planning.draft else ()
        return [(names.get((one.child_id, one.activity_id), ""), one.date, one.reason) for one in wishes if one.reason]

    def changed(self, lines: Mapping[Key, Line]) -> list[ChangedRow]:
        return plannings.changed(self.planning.rows, lines, self.prices, self.first)


@dataclass
class Attempt:
    """A validation that was refused: its cells keep its moment, and the receipt names the refused ones."""

    id: str = ""
    refused: list[tuple[str, str, str]] = field(default_factory=list)


def path(first: date) -> str:
    return f"/planning/{first:%Y-%m}"


async def show_now(visit: Visit) -> Response:
    return visit.go(path(day_in_paris(clock.now())))


async def show_month(visit: Visit) -> Response:
    month = await _month(visit, _first(visit))
    lines = month.drafted()
    return visit.page(
        "planning/month.html",
        month=month,
        rows=plannings.read_only(month.planning.rows, lines, month.prices),
        drafted=month.changed(lines),
        lost=month.lost(),
        empty=plannings.empty_weeks(month.planning),
        can_change=any(ticks.is_box(cell) for row in month.planning.rows for cell in row.cells),
        kept="brouillon" in visit.request.query_params,
        before=_neighbour(month.first - timedelta(days=1)),
        after=_neighbour(last_day(month.first) + timedelta(days=1)),
    )


async def show_edit(visit: Visit) -> Response:
    month = await _month(visit, _first(visit))
    if (wishes := _wishes(visit)) is None:
        return _edit(visit, month, month.drafted())
    return _edit(visit, month, *month.lines(wishes), proposed=_proposed(visit, month))


async def send_edit(visit: Visit) -> Response:
    """The ticks, from the table or from the summary: kept as a draft, checked, or validated."""
    first, wanted = _first(visit), visit.form.get("faire")
    lines = _sent(visit, first)
    if wanted == "brouillon":
        return await _keep_draft(visit, first, lines)
    if wanted == "valider":
        return await _validate(visit, first, lines)
    if wanted == "cocher":
        proposals = {one.key: one for one in _proposals(visit.form.all("propose"))}
        accepted = [proposals[line.key].over(line) if line.key in proposals else line for line in lines]
        return visit.go(f"{path(first)}/modifier?{WISHES}={_sealed(visit, accepted)}")
    if wanted.startswith("meme:"):
        return await _propose_same(visit, first, lines, wanted)
    if wanted == "copier":
        return await _propose_week(visit, first, lines)
    return visit.go(f"{path(first)}/verification?{WISHES}={_sealed(visit, lines)}")


async def show_check(visit: Visit) -> Response:
    first, wishes = _first(visit), _wishes(visit)
    if wishes is None:
        return visit.go(f"{path(first)}/modifier")
    month = await _month(visit, first)
    return _check(visit, month, *month.lines(wishes))


async def show_receipt(visit: Visit) -> Response:
    first, done = _first(visit), _opened(visit, DONE, visit.query(DONE))
    if done is None:
        return visit.go(path(first))
    return visit.page(
        "planning/receipt.html",
        first=first,
        path=path(first),
        added=_dated(done["added"]),
        removed=_dated(done["removed"]),
        refused=[(name, date.fromisoformat(day), why) for name, day, why in done["refused"]],
    )


async def show_history(visit: Visit) -> Response:
    first, cursor = _first(visit), visit.query("suite")
    found = await visit.api.get(
        Page[Entry],
        f"{PLANNINGS}/history",
        month=f"{first:%Y-%m}",
        limit=HISTORY,
        cursor=cursor or None,
        **visit.family,
    )
    return visit.page(
        "planning/history.html",
        first=first,
        path=path(first),
        entries=found.items,
        following=found.next_cursor,
        who=partial(plannings.who, at_desk=bool(visit.acting)),
    )


async def drop_draft(visit: Visit) -> Response:
    first = _first(visit)
    await visit.api.call("DELETE", f"{PLANNINGS}/draft", query={"month": f"{first:%Y-%m}"})
    return visit.go(path(first))


# ------------------------------------------------------------------------------------ what is made of the ticks


async def _keep_draft(visit: Visit, first: date, lines: list[Line]) -> Response:
    changes = _changes(lines, first)
    if not changes:
        return await drop_draft(visit)
    try:
        await visit.api.call("PUT", f"{PLANNINGS}/draft", _body(first, changes))
    except Refused as refused:
        if refused.status not in (409, 422):
            raise
        visit.form.refused(refused, ())
        month = await _month(visit, first)
        return _edit(visit, month, *month.lines(lines))
    return visit.go(f"{path(first)}?brouillon")


async def _validate(visit: Visit, first: date, lines: list[Line]) -> Response:
    changes, attempt = _changes(lines, first), _attempt(visit)
    seen = visit.form.get("vu")
    if not re.fullmatch("[0-9]{1,9}", seen):
        raise NotFound
    if not changes:
        return visit.go(f"{path(first)}/verification?{WISHES}={_sealed(visit, lines)}")
    body = _body(first, changes) | visit.family | visit.bypass | ({"attempt_id": attempt.id} if attempt.id else {})
    try:
        said = await visit.api.call("POST", f"{PLANNINGS}/validate", body, key=visit.once, seen=seen)
    except Refused as refused:
        if refused.type == CELLS_REFUSED and visit.acting and not visit.bypass:
            return await _ask_reason(visit, first, lines, changes, refused)
        if refused.type == CELLS_REFUSED:
            return await _without_refused(visit, first, lines, changes, refused, attempt)
        if refused.status not in (409, 412, 422):
            raise
        month = await _month(visit, first)
        if refused.status == 412:
            visit.form.values.pop(ONCE, None)
            visit.form.refuse("", CHANGED_MEANWHILE)
        else:
            visit.form.refused(refused, ())
        return _check(visit, month, *month.lines(lines), attempt)
    receipt = TypeAdapter(Receipt).validate_json(said)
    made = {(_name(one), str(one.date)) for one in (*receipt.added, *receipt.removed)}
    content = {
        "added": _listed(receipt.added),
        "removed": _listed(receipt.removed),
        "refused": [one for one in attempt.refused if one[:2] not in made],
    }
    return visit.go(f"{path(first)}/recu?{DONE}={_close(visit, DONE, content)}")


async def _ask_reason(
    visit: Visit, first: date, lines: list[Line], changes: list[Change], problem: Refused
) -> Response:
    """The summary again: the desk may pass over a deadline, and says why."""
    month = await _month(visit, first)
    for pointer, why in problem.errors:
        change = changes[int(pointer.rpartition("/")[2])]
        visit.form.refuse(REASON, f"{day_in_words(change.day)} : {why}")
    visit.form.values.pop(ONCE, None)
    return _check(visit, month, *month.lines(lines))


async def _without_refused(
    visit: Visit, first: date, lines: list[Line], changes: list[Change], problem: Refused, attempt: Attempt
) -> Response:
    """The table again: what was refused is told beside its day, and the rest is ticked, to be validated at once."""
    month = await _month(visit, first)
    refused: dict[Key, dict[int, str]] = {}
    for pointer, why in problem.errors:
        change = changes[int(pointer.rpartition("/")[2])]
        refused.setdefault((change.child_id, change.activity_id), {})[change.day.day] = why
    kept, news = month.lines([line.without(refused.get(line.key, ())) for line in lines])
    names = {(row.child_id, row.activity_id): plannings.name_of(row) for row in month.planning.rows}
    attempt.id = str(problem.more.get("attempt_id", ""))
    for key, days in refused.items():
        told = [(names.get(key, ""), str(first.replace(day=day)), why) for day, why in days.items()]
        attempt.refused = [*(one for one in attempt.refused if one[:2] not in {new[:2] for new in told}), *told]
    visit.form.values.pop(ONCE, None)
    return _edit(visit, month, kept, news, attempt, refused)


async def _propose_same(visit: Visit, first: date, lines: list[Line], wanted: str) -> Response:
    """« La même chose pour Tom »: `wanted` names the line and the one to be like it, by their places in the form."""
    month = await _month(visit, first)
    now, _ = month.lines(lines)
    rows = {(row.child_id, row.activity_id): row for row in month.planning.rows}
    try:
        source, target = (lines[int(place)].key for place in wanted.split(":")[1:])
        proposal, why = ticks.same(now[source], rows[source], now[target], rows[target])
    except (ValueError, IndexError, KeyError):
        raise NotFound from None
    cannot = [(*target, str(first.replace(day=day)), reason) for day, reason in sorted(why.items())]
    return _to_propose(visit, first, lines, [proposal], cannot)


async def _propose_week(visit: Visit, first: date, lines: list[Line]) -> Response:
    """« Copier la semaine »: what planning says of it, by what is ticked, which it must know: a draft until then."""
    month = await _month(visit, first)
    mondays = [str(monday) for monday in plannings.mondays(first)]
    week = visit.form.get("semaine")
    if week not in mondays:
        raise NotFound
    changes = _changes(lines, first)
    if changes:
        await visit.api.call("PUT", f"{PLANNINGS}/draft", _body(first, changes))
    elif month.planning.draft:
        await visit.api.call("DELETE", f"{PLANNINGS}/draft", query={"month": f"{first:%Y-%m}"})
    children = list(dict.fromkeys(line.child_id for line in lines))
    to = [str(monday) for monday in plannings.open_weeks(month.planning.rows) if str(monday) != week]
    found = Copied(changes=[], refused=[])
    if to:
        asked = {"child_ids": children, "week": week, "to_weeks": to}
        found = await visit.api.post(Copied, f"{PLANNINGS}/copy-week", asked)
    of_month = [one for one in found.changes if one.date.replace(day=1) == first]
    proposals = [
        Proposal(
            *line.key,
            *(
                frozenset(
                    one.date.day
                    for one in of_month
                    if (one.child_id, one.activity_id) == line.key and one.reserve is reserve
                )
                for reserve in (True, False)
            ),
        )
        for line in lines
    ]
    cannot = [
        (one.child_id, one.activity_id, str(one.date), one.reason or "")
        for one in found.refused
        if one.date.replace(day=1) == first
    ]
    return _to_propose(visit, first, lines, proposals, cannot)


def _to_propose(
    visit: Visit,
    first: date,
    lines: list[Line],
    proposals: list[Proposal],
    cannot: list[tuple[str, str, str, str]],
) -> Response:
    content = {
        "lines": [line.packed() for line in lines],
        "proposed": [one.packed() for one in proposals if one.tick or one.untick],
        "cannot": cannot,
    }
    return visit.go(f"{path(first)}/modifier?{WISHES}={_close(visit, WISHES, content)}#propose")


# ------------------------------------------------------------------------------------ the pages


@dataclass
class Proposed:
    """What « La même chose » or « Copier la semaine » comes to: said, and ticked when the family accepts it."""

    packed: list[str]
    rows: list[ChangedRow]
    cannot: list[tuple[str, date, str]]


def _proposed(visit: Visit, month: Month) -> Proposed | None:
    content = _opened(visit, WISHES, visit.query(WISHES)) or {}
    if "proposed" not in content:
        return None
    proposals = {one.key: one for one in _proposals(content["proposed"])}
    rows = [
        ChangedRow(
            plannings.name_of(row),
            [month.first.replace(day=day) for day in sorted(one.tick)],
            [month.first.replace(day=day) for day in sorted(one.untick)],
        )
        for row in month.planning.rows
        if (one := proposals.get((row.child_id, row.activity_id)))
    ]
    names = {(row.child_id, row.activity_id): plannings.name_of(row) for row in month.planning.rows}
    cannot = [
        (names.get((child, activity), ""), date.fromisoformat(day), why)
        for child, activity, day, why in content["cannot"]
    ]
    return Proposed(content["proposed"], rows, cannot)


def _proposals(packed: Iterable[str]) -> list[Proposal]:
    try:
        return [Proposal.unpacked(one) for one in packed]
    except ValueError:
        raise NotFound from None


def _edit(
    visit: Visit,
    month: Month,
    lines: Mapping[Key, Line],
    news: Iterable[ChangedRow] = (),
    attempt: Attempt | None = None,
    refused: Mapping[Key, Mapping[int, str]] | None = None,
    proposed: Proposed | None = None,
) -> Response:
    rows = plannings.to_tick(month.planning.rows, lines, month.prices, refused or {})
    for row in rows:
        for day, why in row.refused:
            visit.form.refuse(f"jour-{row.number}-{day.day}", f"{row.name}, {day_in_words(day)} : {why}")
    return visit.page(
        "planning/edit.html",
        month=month,
        rows=rows,
        others=plannings.others(rows),
        weeks=plannings.weeks(month.first),
        proposed=proposed,
        changed=month.changed(lines),
        news=news,
        lost=month.lost(),
        attempt=_close_attempt(visit, attempt),
    )


def _check(
    visit: Visit,
    month: Month,
    lines: Mapping[Key, Line],
    news: Iterable[ChangedRow] = (),
    attempt: Attempt | None = None,
) -> Response:
    return visit.page(
        "planning/check.html",
        month=month,
        lines=list(lines.values()),
        changed=month.changed(lines),
        news=news,
        until=plannings.first_deadline(month.planning.rows, lines),
        wishes=_sealed(visit, lines.values()),
        attempt=_close_attempt(visit, attempt),
    )


# ------------------------------------------------------------------------------------ what is asked and read


def _first(visit: Visit) -> date:
    try:
        return first_day(str(visit.request.path_params["month"]))
    except ValueError:
        raise NotFound from None


async def _month(visit: Visit, first: date) -> Month:
    await visit.api.fresh()
    planning, prices = await asyncio.gather(
        visit.api.get(MonthPlanning, PLANNINGS, month=f"{first:%Y-%m}", **visit.family), _prices(visit, first)
    )
    if visit.acting:
        planning = ticks.with_late_days(planning)
    return Month(first, planning, prices)


async def _prices(visit: Visit, first: date) -> Prices:
    """None where billing does not answer: the month can be read and changed without."""
    try:
        return Prices(
            (await visit.api.get(PricesAnswer, "/billing/v1/prices", month=f"{first:%Y-%m}", **visit.family)).items
        )
    except Refused:
        return Prices(())


def _neighbour(day: date) -> date | None:
    """Its month; none: it has no page."""
    return day.replace(day=1) if 2000 <= day.year < 2100 else None


def _sent(visit: Visit, first: date) -> list[Line]:
    """The lines of the form. Raises NotFound for what no form of ours says."""
    shown = visit.form.all("ligne")
    try:
        lines = ticks.read(shown, [visit.form.all(f"l{number}") for number in range(len(shown))])
        _changes(lines, first)
    except ValueError:
        raise NotFound from None
    return lines


def _changes(lines: Iterable[Line], first: date) -> list[Change]:
    return [change for line in lines for change in line.changes(first)]


def _body(first: date, changes: Iterable[Change]) -> dict[str, Any]:
    return {"month": f"{first:%Y-%m}", "changes": [one.body() for one in changes]}


def _wishes(visit: Visit) -> list[Line] | None:
    """Those in the page's address; none: there are none that are ours."""
    content = _opened(visit, WISHES, visit.query(WISHES))
    return ticks.unpacked(content["lines"]) if content else None


def _sealed(visit: Visit, lines: Iterable[Line]) -> str:
    return _close(visit, WISHES, {"lines": [line.packed() for line in lines]})


def _attempt(visit: Visit) -> Attempt:
    content = _opened(visit, ATTEMPT, visit.form.get(ATTEMPT)) or {"id": "", "refused": []}
    return Attempt(content["id"], [(name, day, why) for name, day, why in content["refused"]])


def _close_attempt(visit: Visit, attempt: Attempt | None) -> str:
    return _close(visit, ATTEMPT, {"id": attempt.id, "refused": attempt.refused}) if attempt and attempt.id else ""


def _close(visit: Visit, purpose: str, content: dict[str, Any]) -> str:
    """Of this account and this month alone."""
    whose = {"account": visit.whose, "month": visit.request.path_params["month"]}
    return visit.site.settings.seal.close(purpose, content | whose)


def _opened(visit: Visit, purpose: str, sealed: str) -> dict[str, Any] | None:
    content = visit.site.settings.seal.open(purpose, sealed) if sealed else None
    whose = visit.whose, visit.request.path_params["month"]
    return content if content and (content["account"], content["month"]) == whose else None


def _name(one: ChangedDay) -> str:
    return f"{one.activity_name} – {one.child_first_name}"


def _listed(days: Iterable[ChangedDay]) -> dict[str, list[str]]:
    """By child and activity."""
    found: dict[str, list[str]] = {}
    for one in days:
        found.setdefault(_name(one), []).append(str(one.date))
    return found


def _dated(days: Mapping[str, list[str]]) -> dict[str, list[date]]:
    return {name: [date.fromisoformat(one) for one in some] for name, some in days.items()}


ROUTES = [
    route("/planning", show_now),
    route("/planning/{month}", show_month),
    route("/planning/{month}/modifier", show_edit, send_edit),
    route("/planning/{month}/verification", show_check),
    route("/planning/{month}/recu", show_receipt),
    route("/planning/{month}/historique", show_history),
    route("/planning/{month}/brouillon", send=drop_draft),
]
