"""The waiting list as families use it: joined, seen, left, and an offer taken, which makes a held booking."""

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from uuid import UUID

from chassis import desk
from chassis.identifiers import new_id
from chassis.outbox import publish
from chassis.problems import Malformed, NotFound, Problem
from chassis.reach import Acting, Reach
from sqlalchemy import ColumnElement, select
from sqlalchemy.exc import IntegrityError
from sqlalchemy.ext.asyncio import AsyncSession

from enrolment.bookings.holds import check_pay_by
from enrolment.bookings.models import Booking, BookingLine
from enrolment.bookings.rules import BookingStatus, pay_by_refusal
from enrolment.catalogue.models import Activity, HolidayWeek
from enrolment.catalogue.rules import dossier_refusal, misfit, refusal
from enrolment.copies import Dossier
from enrolment.families import find_family
from enrolment.waiting_list import notices, offers, standings
from enrolment.waiting_list.models import STANDING, WaitingEntry
from enrolment.waiting_list.rules import (
    Counted,
    WaitingStatus,
    elsewhere,
    order,
    refusal_to_wait,
)


class CannotWait(Problem):
    type = "urn:problem:enrolment:cannot-wait"
    title = "Liste d'attente impossible"
    detail = "Cette demande ne peut pas être mise sur la liste d'attente : voyez pourquoi au détail de chaque enfant."


class AlreadyWaiting(Problem):
    type = "urn:problem:enrolment:already-waiting"
    title = "Déjà sur la liste d'attente"
    detail = "Cet enfant attend déjà une place dans cette semaine : consultez vos demandes."


class PlacesLeft(Problem):
    type = "urn:problem:enrolment:places-left"
    title = "Il reste des places"
    detail = "Il reste des places : réservez-les, sans passer par la liste d'attente."


class NoOffer(Problem):
    type = "urn:problem:enrolment:no-offer"
    title = "Aucune place proposée"
    detail = "Aucune place ne vous est proposée pour cette demande : nous vous écrirons dès qu'une place se libère."


class OfferOver(Problem):
    type = "urn:problem:enrolment:offer-over"
    title = "Proposition terminée"
    detail = "Cette proposition a pris fin : si vous souhaitez toujours une place, faites une nouvelle demande."


class OfferTaken(Problem):
    type = "urn:problem:enrolment:offer-taken"
    title = "Proposition déjà acceptée"
    detail = "Cette proposition est déjà acceptée : consultez la réservation, qui peut être annulée."


class CannotAccept(Problem):
    type = "urn:problem:enrolment:cannot-accept"
    title = "Proposition impossible à accepter"
    detail = "Cette proposition ne peut pas être acceptée en l'état."


@dataclass(frozen=True)
class WaitingWish:
    """A place asked for; `pointer` says where in the request."""

    pointer: str
    child_id: UUID
    holiday_week_id: UUID


@dataclass(frozen=True)
class Shown:
    """An entry as its family sees it; the rank, from 1, while it waits. `busy`: the child has a place elsewhere."""

    entry: WaitingEntry
    rank: int | None
    criteria: Sequence[Counted]
    busy: bool

    @property
    def points(self) -> int:
        return sum(one.points for one in self.criteria)


async def join(session: AsyncSession, acting: Acting, wishes: Sequence[WaitingWish], now: datetime) -> Shown:
    """Wait for these places, which are then offered all or none; answers the first.

    Under the lock of the weeks, so that nobody waits beside a free place. Raises NotFound (a child or week), Malformed
    (a child twice), CannotWait, AlreadyWaiting, PlacesLeft.
    """
    if again := [wish for n, wish in enumerate(wishes) if wish.child_id in {one.child_id for one in wishes[:n]}]:
        raise Malformed(errors=[_at(wish, "child_id", "Cet enfant est déjà dans la demande.") for wish in again])
    families = [await find_family(session, acting, wish.child_id) for wish in wishes]
    wanted = Counter(wish.holiday_week_id for wish in wishes)
    weeks = await standings.weeks(session, wanted, locked=True)
    if len(weeks) < len(wanted):
        raise NotFound
    lines = [(wish, weeks[wish.holiday_week_id], family) for wish, family in zip(wishes, families, strict=True)]
    if refused := [
        _at(wish, "holiday_week_id", why)
        for wish, week, family in lines
        if (why := refusal_to_wait(week, family.child, family.dossier, now))
    ]:
        raise CannotWait(errors=refused)
    await _refuse_several_regies(session, wishes, weeks)
    await _refuse_standing(session, wishes)
    if all(weeks[week_id].places_left >= places for week_id, places in wanted.items()):
        closed = (why for _, week, family in lines if (why := refusal(week, family.child, family.dossier, now)))
        if why := next(closed, None):
            raise CannotWait(why)
        raise PlacesLeft
    entries = await _add(session, acting.dossier_id, wishes, now)
    shown = await _shown(session, entries)
    if busy := [
        _at(wish, "child_id", elsewhere(one.entry.child)) for wish, one in zip(wishes, shown, strict=True) if one.busy
    ]:
        raise CannotWait(errors=busy)
    await publish(session, notices.joined(entries, [one.rank or 0 for one in shown]))
    return shown[0]


async def leave(session: AsyncSession, reach: Reach, entry_id: UUID, now: datetime) -> Shown:
    """Wait no longer, or refuse what is offered, which passes on. What is over stays as it is.

    Raises NotFound, OfferTaken.
    """
    group = await _group(session, reach, entry_id)
    async with offers.freeing(session, {entry.holiday_week_id for entry in group}, now):
        (entry,) = await _again(session, [entry_id])
        if entry.status is WaitingStatus.ACCEPTED:
            raise OfferTaken
        if entry.status is WaitingStatus.OFFERED:
            entry.move(WaitingStatus.REFUSED)
            await offers.count(session, [entry], -1)
        elif entry.status is WaitingStatus.WAITING:
            entry.move(WaitingStatus.LEFT)
    (shown,) = await _shown(session, [entry])
    return shown


async def leave_erased(session: AsyncSession, now: datetime, whose: ColumnElement[bool]) -> None:
    """Whoever is erased waits no longer, and what they were offered passes on."""
    found = (await session.scalars(select(WaitingEntry).where(STANDING, whose))).all()
    async with offers.freeing(session, {entry.holiday_week_id for entry in found}, now):
        for entry in await _again(session, [entry.id for entry in found]):
            if entry.status is WaitingStatus.OFFERED:
                await offers.count(session, [entry], -1)
            if entry.status in (WaitingStatus.OFFERED, WaitingStatus.WAITING):
                entry.move(WaitingStatus.CLOSED)
        await session.flush()


async def accept(
    session: AsyncSession, reach: Reach, entry_id: UUID, now: datetime, pay_by: datetime | None = None
) -> Booking:
    """Take what is offered, for all who waited together: their places are held by a booking.

    Until `pay_by` the desk lets the family pay once it is confirmed. Raises Malformed (that), NotFound, NoOffer,
    OfferOver, OfferTaken, CannotAccept.
    """
    check_pay_by(reach, pay_by, now)
    group = await _group(session, reach, entry_id)
    await offers.lock(session, {entry.holiday_week_id for entry in group})
    group = await _again(session, [entry.id for entry in group])
    _refuse_unless_offered(next(entry for entry in group if entry.id == entry_id), now)
    taken = [entry for entry in group if entry.status is WaitingStatus.OFFERED]
    dossier = await session.get(Dossier, taken[0].dossier_id)
    for entry in taken:
        busy = elsewhere(entry.child) if await _busy(session, entry) else None
        unfit = misfit(entry.week, entry.child, now) or pay_by_refusal(entry.week, pay_by)
        if why := dossier_refusal(dossier) or unfit or busy:
            raise CannotAccept(why)
    booking = Booking(
        id=new_id(),
        dossier_id=taken[0].dossier_id,
        status=BookingStatus.HELD,
        hold_expires_at=now + timedelta(minutes=min(entry.week.hold_minutes for entry in taken)),
        pay_by=pay_by,
        version=1,
        created_at=now,
        lines=[
            BookingLine(
                position=position,
                child_id=entry.child_id,
                holiday_week_id=entry.holiday_week_id,
                period=entry.week.period,
                active=True,
            )
            for position, entry in enumerate(sorted(taken, key=lambda entry: entry.child_id))
        ],
    )
    session.add(booking)
    for entry in taken:
        entry.move(WaitingStatus.ACCEPTED)
        entry.booking_id = booking.id
    try:
        await session.flush()
    except IntegrityError as error:  # a child has been booked into an overlapping week this very moment
        raise CannotAccept from error
    await session.refresh(booking)
    return booking


async def of_dossier(session: AsyncSession, acting: Acting, cursor: UUID | None, limit: int) -> list[Shown]:
    """The dossier's entries, the newest first, after the one named by `cursor`."""
    query = select(WaitingEntry).where(WaitingEntry.dossier_id == acting.dossier_id)
    if cursor is not None:
        query = query.where(WaitingEntry.id < cursor)
    entries = await session.scalars(query.order_by(WaitingEntry.id.desc()).limit(limit))
    return await _shown(session, entries.all())


def _refuse_unless_offered(entry: WaitingEntry, now: datetime) -> None:
    if entry.status is WaitingStatus.ACCEPTED:
        raise OfferTaken
    if entry.status is WaitingStatus.WAITING:
        raise NoOffer
    if entry.status is not WaitingStatus.OFFERED or entry.offer_expires_at is None or now >= entry.offer_expires_at:
        raise OfferOver


async def _busy(session: AsyncSession, entry: WaitingEntry) -> bool:
    """Whether the child has a place elsewhere in these days."""
    line = BookingLine.child_id == entry.child_id, BookingLine.active, BookingLine.period.overlaps(entry.week.period)
    return bool(await session.scalar(select(select(BookingLine.child_id).where(*line).exists())))


def _at(wish: WaitingWish, name: str, detail: str) -> dict[str, str]:
    return {"pointer": f"{wish.pointer}/{name}", "detail": detail}


async def _refuse_several_regies(
    session: AsyncSession, wishes: Sequence[WaitingWish], weeks: Mapping[UUID, HolidayWeek]
) -> None:
    """What is offered together is paid together. Raises CannotWait."""
    query = select(Activity.id, Activity.regie).where(Activity.id.in_({week.activity_id for week in weeks.values()}))
    regies = {row.id: row.regie for row in await session.execute(query)}
    of = [regies.get(weeks[wish.holiday_week_id].activity_id) for wish in wishes]
    if errors := [
        _at(wish, "holiday_week_id", "Cette semaine ne se paie pas avec la première : demandez-la à part.")
        for wish, regie in zip(wishes, of, strict=True)
        if regie != of[0]
    ]:
        raise CannotWait(errors=errors)


async def _refuse_standing(session: AsyncSession, wishes: Sequence[WaitingWish]) -> None:
    """Raises AlreadyWaiting. Under the weeks' lock nobody else joins meanwhile."""
    query = select(WaitingEntry.child_id, WaitingEntry.holiday_week_id).where(
        STANDING, WaitingEntry.holiday_week_id.in_({wish.holiday_week_id for wish in wishes})
    )
    standing = {(child_id, week_id) for child_id, week_id in await session.execute(query)}
    if errors := [
        _at(wish, "child_id", AlreadyWaiting.detail)
        for wish in wishes
        if (wish.child_id, wish.holiday_week_id) in standing
    ]:
        raise AlreadyWaiting(errors=errors)


async def _add(
    session: AsyncSession, dossier_id: UUID, wishes: Sequence[WaitingWish], now: datetime
) -> list[WaitingEntry]:
    ids = [new_id() for _ in wishes]
    session.add_all(
        WaitingEntry(
            id=entry_id,
            group_id=ids[0],
            dossier_id=dossier_id,
            child_id=wish.child_id,
            holiday_week_id=wish.holiday_week_id,
            status=WaitingStatus.WAITING,
            joined_at=now,
            version=1,
        )
        for entry_id, wish in zip(ids, wishes, strict=True)
    )
    await session.flush()
    return await _again(session, ids)


async def _group(session: AsyncSession, reach: Reach, entry_id: UUID) -> list[WaitingEntry]:
    """All who waited together with that entry, itself among them. Raises NotFound."""
    entry = await session.get(WaitingEntry, entry_id)
    if entry is None or not reach.covers(entry.dossier_id):
        raise NotFound
    desk.note(session, dossier_id=entry.dossier_id)
    return list(await session.scalars(select(WaitingEntry).where(WaitingEntry.group_id == entry.group_id)))


async def _again(session: AsyncSession, ids: Sequence[UUID]) -> list[WaitingEntry]:
    """As the database has them now, in that order."""
    if not ids:
        return []
    query = select(WaitingEntry).where(WaitingEntry.id.in_(ids)).execution_options(populate_existing=True)
    found = {entry.id: entry for entry in await session.scalars(query)}
    return [found[entry_id] for entry_id in ids]


async def _shown(session: AsyncSession, entries: Sequence[WaitingEntry]) -> list[Shown]:
    waiting = [entry for entry in entries if entry.status is WaitingStatus.WAITING]
    counted: dict[UUID, Sequence[Counted]] = {}
    busy: set[UUID] = set()
    ranks: dict[UUID, int] = {}
    if waiting:
        week_ids, group_ids = ({entry.holiday_week_id for entry in waiting}, {entry.group_id for entry in waiting})
        criteria = (await standings.town_rules(session)).criteria
        found, ranks = await standings.ranked(session, week_ids, group_ids, criteria)
        counted = {entry.id: group.counted for group in order(found, criteria) for entry in group.entries}
        busy = {entry.id for entry in found if entry.busy}
        await _again(session, [entry.id for entry in waiting if entry.id not in ranks])  # offered or gone meanwhile
    return [
        Shown(entry, ranks[entry.id], counted[entry.id], entry.id in busy)
        if entry.status is WaitingStatus.WAITING
        else Shown(entry, None, [Counted(**one) for one in entry.criteria or ()], False)
        for entry in entries
    ]
