"""Changing what is reserved: the one way, for a family's validation and for what events bring.

Locks are always taken in this order, so that nobody waits in a circle: what the town works by (shared), months by
dossier and month, slots by their key, reservations by child, activity and day. The months of every dossier of the
children are locked, so that nothing of theirs which is read then changes until the end.
"""

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any, NamedTuple, TypeAlias
from uuid import UUID

from asyncpg import Connection
from chassis import outbox
from chassis.database import fetch
from chassis.idempotency import TwinRunning, keeping
from chassis.identifiers import named_id
from contracts import Event
from contracts.planning import ReservationsChanged, ReservedDay
from sqlalchemy.ext.asyncio import AsyncSession

from planning.deadlines.locking import SHARED
from planning.deadlines.rules import TownCalendar
from planning.reservations.lines import CALENDAR, LINES, calendar, read
from planning.reservations.models import ReservationStatus
from planning.reservations.rules import FULL, By, Change, Held, Line, Obstacle, why_not
from planning.slots.rules import NOWHERE

#: A session, or the driver's own connection on the hot path.
Transaction: TypeAlias = AsyncSession | Connection

# A month without a row gets one, of version 0: so all are locked in one order, whether they were there or not.
_MONTHS = f"""
    INSERT INTO planning_months AS month (dossier_id, month, version)
    SELECT dossier_id, month, 0 FROM (
        SELECT DISTINCT dossier_id, asked.month FROM unnest($1::uuid[], $2::date[]) AS asked (child_id, month)
        LEFT JOIN children child ON child.id = asked.child_id
        CROSS JOIN unnest(array_append(child.dossier_ids, $3::uuid)) AS dossier_id
    ) AS wanted
    WHERE (SELECT {SHARED}::text IS NOT NULL)
    ORDER BY dossier_id, month
    ON CONFLICT (dossier_id, month) DO UPDATE SET version = month.version
    RETURNING dossier_id, month, version
"""  # noqa: S608 -- made of constants alone

_READ = f"""
    WITH asked AS (SELECT * FROM unnest($1::uuid[], $2::uuid[], $3::date[]) AS asked (child_id, activity_id, month))
    SELECT calendar.*, line.* FROM ({LINES}) AS line LEFT JOIN ({CALENDAR}) AS calendar ON true
"""  # noqa: S608 -- made of constants alone

_SLOTS = """
    INSERT INTO slots AS slot (activity_id, site_id, day, band, places, taken)
    SELECT activity_id, site_id, day, band, places, 0
    FROM unnest($1::uuid[], $2::uuid[], $3::date[], $4::text[], $5::integer[])
      AS wanted (activity_id, site_id, day, band, places)
    ORDER BY activity_id, site_id, day, band
    ON CONFLICT (activity_id, site_id, day, band) DO UPDATE SET taken = slot.taken
    RETURNING activity_id, site_id, day, band, places - taken
"""

_WRITE = f"""
    WITH slot AS (
        UPDATE slots slot SET taken = slot.taken + change.taken
        FROM unnest($1::uuid[], $2::uuid[], $3::date[], $4::text[], $5::integer[])
          AS change (activity_id, site_id, day, band, taken)
        WHERE (slot.activity_id, slot.site_id, slot.day, slot.band)
            = (change.activity_id, change.site_id, change.day, change.band)
          AND slot.taken + change.taken BETWEEN 0 AND slot.places
        RETURNING true
    ), reservation AS (
        INSERT INTO reservations AS old
            (child_id, activity_id, day, status, dossier_id, site_id, band, version, changed_at)
        SELECT child_id, activity_id, day, status, dossier_id, site_id, band, 1, $13
        FROM unnest($6::uuid[], $7::uuid[], $8::date[], $9::text[], $10::uuid[], $11::uuid[], $12::text[])
          AS change (child_id, activity_id, day, status, dossier_id, site_id, band)
        ORDER BY child_id, activity_id, day
        ON CONFLICT (child_id, activity_id, day) DO UPDATE
        SET status = excluded.status, dossier_id = excluded.dossier_id, site_id = excluded.site_id,
            band = excluded.band, version = old.version + 1, changed_at = excluded.changed_at
    ), entry AS (
        INSERT INTO entries
            (child_id, activity_id, month, version, reserved, cancelled, at, dossier_id, account_id, role, name, reason)
        SELECT child_id, activity_id, month, version, reserved::date[], cancelled::date[], $13, $20, $21, $22,
            coalesce($23, (SELECT guardian_names[array_position(guardian_ids, $30)] FROM dossiers WHERE id = $20)), $24
        FROM unnest($14::uuid[], $15::uuid[], $16::date[], $17::integer[], $18::text[], $19::text[])
          AS entry (child_id, activity_id, month, version, reserved, cancelled)
    ), month AS (
        UPDATE planning_months month SET version = month.version + 1
        FROM unnest($25::uuid[], $26::date[]) AS changed (dossier_id, month)
        WHERE (month.dossier_id, month.month) = (changed.dossier_id, changed.month)
    ), event AS ({outbox.storing(27)})
"""  # noqa: S608 -- made of constants alone

#: What is written, and the same with the answer to the request (`Once.row`): how many slots had the places, and whether
#: the answer is stored.
WRITE = f"{_WRITE} SELECT (SELECT count(*) FROM slot), true"  # noqa: S608 -- made of constants alone
WRITE_ONCE = f"""
    {_WRITE}, kept AS ({keeping(first=31)}) SELECT (SELECT count(*) FROM slot), EXISTS (SELECT FROM kept)
"""  # noqa: S608 -- made of constants alone


_TOUCH = """
    INSERT INTO planning_months AS month (dossier_id, month, version)
    SELECT dossier_id, month, 1 FROM unnest($1::uuid[], $2::date[]) AS changed (dossier_id, month)
    ORDER BY dossier_id, month
    ON CONFLICT (dossier_id, month) DO UPDATE SET version = month.version + 1
"""


class SlotKey(NamedTuple):
    activity_id: UUID
    site_id: UUID
    day: date
    band: str


class Refused(NamedTuple):
    """A change that cannot be made, what stands in its way, and why in French."""

    change: Change
    obstacle: Obstacle
    reason: str


class Done(NamedTuple):
    """A change that is made; none before or after: the day was, or is, not reserved."""

    change: Change
    line: Line
    before: Held | None
    after: Held | None


@dataclass(frozen=True)
class Locked:
    """What decides on some changes, which nobody else changes until the transaction ends.

    `versions` are those of the months, by dossier and first day; `lines` those whose child and activity are known.
    """

    dossier_id: UUID
    calendar: TownCalendar
    versions: Mapping[tuple[UUID, date], int]
    lines: Mapping[tuple[UUID, UUID, date], Line]

    def line(self, change: Change) -> Line | None:
        return self.lines.get((change.child_id, change.activity_id, change.day.replace(day=1)))


@dataclass(frozen=True)
class Outcome:
    """Which changes are made, and which are not; what changes nothing is in neither. `slots` are the places taken."""

    done: Sequence[Done]
    refused: Sequence[Refused]
    slots: Mapping[SlotKey, int]


async def lock(transaction: Transaction, dossier_id: UUID, changes: Iterable[Change]) -> Locked:
    """Lock what these changes of a family are about, and read what decides on them."""
    months = {(change.child_id, change.activity_id, change.day.replace(day=1)) for change in changes}
    return await lock_months(transaction, dossier_id, months)


async def lock_months(transaction: Transaction, dossier_id: UUID, wanted: Iterable[tuple[UUID, UUID, date]]) -> Locked:
    """The same of whole months, each of a child and an activity."""
    in_order = sorted(wanted)
    children, _, months = _columns(in_order, 3)
    versions = await fetch(transaction, _MONTHS, children, months, dossier_id)
    town, lines = await read_months(transaction, in_order, dossier_id)
    return Locked(dossier_id, town, {(one, month): version for one, month, version in versions}, lines)


async def read_months(
    transaction: Transaction, wanted: Iterable[tuple[UUID, UUID, date]], dossier_id: UUID
) -> tuple[TownCalendar, dict[tuple[UUID, UUID, date], Line]]:
    """What decides on these months, some at least, each of a child and an activity, for that family; those that are
    known.
    """
    rows = await fetch(transaction, _READ, *_columns(wanted, 3))
    lines = (read(row[3:], dossier_id) for row in rows)
    return calendar(*rows[0][:3]), {(one.child_id, one.activity_id, one.month): one for one in lines if one}


async def judge(
    transaction: Transaction,
    locked: Locked,
    changes: Iterable[Change],
    moment: datetime,
    earlier: Mapping[Change, datetime] | None = None,
    *,
    late: bool = False,
    moving: bool = False,
) -> Outcome:
    """Which of the changes (each day of a child and activity once) can be made at that moment, or at the `earlier` one
    of a change; their slots are locked.

    With `late` deadlines do not count; with `moving` a reserved day whose child is now expected at another site moves
    there if there is a place, and one that another family is now charged with becomes theirs. Their lines are known.
    Places go to those who asked first, once what is given up is free.
    """
    possible: list[Done] = []
    refused: list[Refused] = []
    for change in changes:
        line = locked.lines[change.child_id, change.activity_id, change.day.replace(day=1)]
        before = line.held.get(change.day)
        moved = moving and before is not None and _moves(locked, line, change, before)
        if change.reserve is (before is not None) and not moved and not line.is_others(change.day):
            continue
        at = (earlier or {}).get(change, moment)
        if not moved and (why := why_not(line, locked.calendar, change, at, late=late)):
            refused.append(Refused(change, *why))
        else:
            possible.append(_done(locked, change))
    done, full, slots = await _take(transaction, possible)
    return Outcome(done, [*refused, *(Refused(one.change, *FULL) for one in full)], slots)


def _site(line: Line, change: Change) -> UUID | None:
    """Where the child is expected on that day."""
    enrolment = line.enrolment(change.day)
    return enrolment and enrolment.site_id


def _moves(locked: Locked, line: Line, change: Change, before: Held) -> bool:
    return _site(line, change) != before.site_id or line.payer(change.day, locked.dossier_id) != before.dossier_id


def _done(locked: Locked, change: Change) -> Done:
    """What making the change comes to."""
    line = locked.lines[change.child_id, change.activity_id, change.day.replace(day=1)]
    before = line.held.get(change.day)
    if not change.reserve:
        return Done(change, line, before, None)
    site_id = _site(line, change)
    band = line.band(site_id, change.day)
    after = Held(line.payer(change.day, locked.dossier_id), site_id, band.key if band else None)
    return Done(change, line, before, after)


async def hold_places(transaction: Transaction, wanted: Iterable[tuple[Locked, Iterable[Change]]]) -> None:
    """Lock the slots of these changes, before some follow others in one transaction: each would lock its own, and
    nobody's order would be kept.
    """
    await _places_left(transaction, [_done(locked, change) for locked, changes in wanted for change in changes])


async def _take(transaction: Transaction, possible: Sequence[Done]) -> tuple[list[Done], list[Done], Counter[SlotKey]]:
    """Which of them have a place, or need none, and which find none; and the places that these take (given back: less
    than 0). The slots are locked.
    """
    left = await _places_left(transaction, possible)
    done, full, slots = [], [], Counter[SlotKey]()
    for one in sorted(possible, key=lambda one: one.change.reserve):  # what is given up first
        freed, wanted = _slot(one.change, one.before), _slot(one.change, one.after)
        if freed == wanted:  # it stays in its place
            done.append(one)
            continue
        if wanted and slots[wanted] >= left[wanted]:
            full.append(one)
            continue
        done.append(one)
        if wanted:
            slots[wanted] += 1
        if freed:
            slots[freed] -= 1
    return done, full, slots


async def _places_left(transaction: Transaction, possible: Iterable[Done]) -> dict[SlotKey, int]:
    """The slots that these have or would take, locked, and how many places are left in each."""
    places: dict[SlotKey, int] = {}
    for one in possible:
        if slot := _slot(one.change, one.before):
            places.setdefault(slot, 0)  # it is there
        if slot := _slot(one.change, one.after):
            band = one.line.band(one.after and one.after.site_id, one.change.day)
            places[slot] = band.places if band else 0
    if not places:
        return {}
    columns = list(zip(*places, strict=True))
    rows = await fetch(transaction, _SLOTS, *columns, list(places.values()))
    return {SlotKey(*key): count for *key, count in rows}


def _slot(change: Change, held: Held | None) -> SlotKey | None:
    """Where the place is counted; none: it is not."""
    if held is None or held.band is None:
        return None
    return SlotKey(change.activity_id, held.site_id or NOWHERE, change.day, held.band)


async def write(
    transaction: Transaction,
    locked: Locked,
    outcome: Outcome,
    by: By,
    now: datetime,
    events: Sequence[Event] = (),
    answer: Sequence[Any] | None = None,
) -> None:
    """Make what is done, which is something: days, places, history, versions of months, and what is told of it all.

    With `answer` (`Once.row`) the request is answered too; raises TwinRunning.
    """
    touched = _touched(outcome.done)
    told = [_reservations(line, done) for line, done in touched]
    slots = {slot: count for slot, count in outcome.slots.items() if count}
    months = {
        (dossier_id, line.month)
        for line, _ in touched
        for dossier_id in (*line.dossier_ids, locked.dossier_id)
        if (dossier_id, line.month) in locked.versions
    }
    ((in_slots, kept),) = await fetch(
        transaction,
        WRITE if answer is None else WRITE_ONCE,
        *_columns(slots, 4),
        list(slots.values()),
        *_columns([_row(one) for one in outcome.done], 7),
        now,
        *_columns([_entry(line, done) for line, done in touched], 6),
        locked.dossier_id,
        by.account_id,
        by.role,
        by.name,
        by.reason,
        *_columns(months, 2),
        *outbox.rows((*told, *events)),
        by.guardian_id,
        *(answer or ()),
    )
    if in_slots < len(slots):
        raise RuntimeError("a slot has not the places that were read under its lock")
    if not kept:
        raise TwinRunning(retry_after_s=1)
    outbox.wake(transaction)


async def touch(transaction: Transaction, months: Iterable[tuple[UUID, date]]) -> None:
    """New versions of these months (dossier and first day), in which something else than reservations has changed."""
    await fetch(transaction, _TOUCH, *_columns(months, 2))


def _columns(rows: Iterable[Sequence[Any]], width: int) -> list[list[Any]]:
    """The rows by columns, which are there even when there is no row."""
    return [list(column) for column in zip(*rows, strict=True)] or [[] for _ in range(width)]


def _touched(done: Iterable[Done]) -> list[tuple[Line, list[Done]]]:
    """What is done, by line."""
    found: dict[tuple[UUID, UUID, date], tuple[Line, list[Done]]] = {}
    for one in done:
        line = one.line
        found.setdefault((line.child_id, line.activity_id, line.month), (line, []))[1].append(one)
    return list(found.values())


def _row(one: Done) -> tuple[Any, ...]:
    status = ReservationStatus.RESERVED if one.after else ReservationStatus.CANCELLED
    held = one.after or one.before
    return (one.change.child_id, one.change.activity_id, one.change.day, status.value, *(held or ()))


def _entry(line: Line, done: Sequence[Done]) -> tuple[Any, ...]:
    reserved = [one.change.day for one in done if one.after]
    cancelled = [one.change.day for one in done if not one.after]
    return (line.child_id, line.activity_id, line.month, line.version + 1, _array(reserved), _array(cancelled))


def _array(days: Iterable[date]) -> str:
    """As PostgreSQL reads them: no array of arrays of different lengths can be given to it."""
    return f"{{{','.join(map(str, sorted(days)))}}}"


def _reservations(line: Line, done: Iterable[Done]) -> ReservationsChanged:
    """What is reserved in the line's month now."""
    held = dict(line.held)
    for one in done:
        if one.after:
            held[one.change.day] = one.after
        else:
            held.pop(one.change.day, None)
    days = [ReservedDay(date=day, dossier_id=one.dossier_id, site_id=one.site_id) for day, one in sorted(held.items())]
    return reservations_changed(line.child_id, line.activity_id, line.month, line.version + 1, days)


def reservations_changed(
    child_id: UUID, activity_id: UUID, first_day: date, version: int, days: Iterable[ReservedDay]
) -> ReservationsChanged:
    """What is reserved, in order, in the month that begins with `first_day`."""
    month = first_day.isoformat()[:7]
    return ReservationsChanged(
        version=version,
        reservations_id=named_id("reservations", str(child_id), str(activity_id), month),
        child_id=child_id,
        activity_id=activity_id,
        month=month,
        days=tuple(days),
    )
