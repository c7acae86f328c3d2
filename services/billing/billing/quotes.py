"""Quotes: the price of some weeks for some children, kept for thirty minutes, and whether a booking may have it."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from datetime import date, datetime, timedelta
from typing import Any, TypeVar
from uuid import UUID

from chassis.parking import NotYetKnown
from chassis.problems import NotFound, Problem
from contracts.dossier import Quotient
from contracts.enrolment import Booking
from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncSession

from billing.models import Activity, Child, HolidayWeek, Quote, QuoteLine, QuotientHistory, Regie, TariffRow
from billing.tariffs import EffortRate, Price, Tariff, price, quotient_on, tariff_on

Copy = TypeVar("Copy", Child, HolidayWeek, Activity)

VALID_FOR = timedelta(minutes=30)


class Unbillable(Problem):
    """Why something cannot be billed at all, in French."""


class NoTariff(Unbillable):
    type = "urn:problem:billing:no-tariff"
    title = "Tarif inconnu"

    def __init__(self, week: str) -> None:
        super().__init__(f"Aucun tarif n'est enregistré pour « {week} » : prévenez la mairie, qui le complétera.")


class NoRegie(Unbillable):
    type = "urn:problem:billing:no-regie"
    title = "Régie inconnue"
    detail = "Aucune régie n'encaisse cette activité : prévenez la mairie, qui la complétera."


class SeveralRegies(Unbillable):
    type = "urn:problem:billing:several-regies"
    title = "Réservation à faire en deux fois"
    detail = "Ces semaines ne se paient pas auprès de la même régie : faites une réservation pour chacune."


@dataclass(frozen=True)
class Wanted:
    """One child in one holiday week; `position` names the line in what it is priced for."""

    position: int
    child_id: UUID
    holiday_week_id: UUID
    activity_id: UUID
    dates: tuple[date, ...]


@dataclass(frozen=True)
class Pricing:
    """The values of priced lines (models.PricedLine), and the régie that collects; `repriced`: not as quoted."""

    regie_code: str
    lines: list[dict[str, Any]]
    repriced: bool = False


async def quote(session: AsyncSession, dossier_id: UUID, wanted: Sequence[tuple[UUID, UUID]], now: datetime) -> Quote:
    """Price (child, holiday week) pairs and keep the prices.

    Raises NotFound for a child of another family or an unknown week, NoTariff, NoRegie, SeveralRegies.
    """
    children = await _by_id(session, Child, (child_id for child_id, _ in wanted))
    if any(dossier_id not in child.dossier_ids for child in children.values()):
        raise NotFound
    weeks = await _by_id(session, HolidayWeek, (week_id for _, week_id in wanted))
    lines = [
        Wanted(position, child_id, week_id, weeks[week_id].activity_id, tuple(weeks[week_id].dates))
        for position, (child_id, week_id) in enumerate(wanted)
    ]
    pricing = await price_lines(session, dossier_id, lines)
    made = Quote(
        dossier_id=dossier_id,
        regie_code=pricing.regie_code,
        valid_until=now + VALID_FOR,
        lines=[QuoteLine(**line) for line in pricing.lines],
    )
    session.add(made)
    await session.flush()
    return made


async def price_booking(session: AsyncSession, booking: Booking) -> Pricing:
    """The price of the booking's standing lines: as quoted, where the quote is to be honoured, else anew.

    Raises NotYetKnown for what no event has told us, NoTariff, NoRegie, SeveralRegies.
    """
    standing = [line for line in booking.lines if line.status == "active"]
    if quote := await _honoured(session, booking):
        quoted = {(line.child_id, line.source_id): line.values() for line in quote.lines}
        lines = [quoted[line.child_id, line.holiday_week_id] | {"position": line.position} for line in standing]
        return Pricing(quote.regie_code, lines)
    wanted = [
        Wanted(line.position, line.child_id, line.holiday_week_id, line.activity_id, line.dates) for line in standing
    ]
    return replace(await price_lines(session, booking.dossier_id, wanted), repriced=True)


async def _honoured(session: AsyncSession, booking: Booking) -> Quote | None:
    """The booking's quote, if it is this family's, for the very lines confirmed, and was valid at that moment."""
    found = await session.get(Quote, booking.quote_id)
    if (
        found
        and found.dossier_id == booking.dossier_id
        and booking.confirmed_at <= found.valid_until
        and {(line.child_id, line.source_id) for line in found.lines}
        == {(line.child_id, line.holiday_week_id) for line in booking.lines}
    ):
        return found
    return None


async def price_lines(session: AsyncSession, dossier_id: UUID, lines: Sequence[Wanted]) -> Pricing:
    """Today's knowledge of prices applied to these lines: tariff and quotient of each line's first day.

    Raises NotYetKnown for what no event has told us, NoTariff, NoRegie, SeveralRegies.
    """
    children = await _by_id(session, Child, (line.child_id for line in lines))
    weeks = await _by_id(session, HolidayWeek, (line.holiday_week_id for line in lines))
    activities = await _by_id(session, Activity, (line.activity_id for line in lines))
    regies = {activity.regie_code for activity in activities.values()}
    if len(regies) > 1:
        raise SeveralRegies
    regie_code = regies.pop()
    if await session.get(Regie, regie_code) is None:
        raise NoRegie
    rows = await session.scalars(select(TariffRow).where(TariffRow.activity_id.in_(activities)))
    tariffs: dict[UUID, list[Tariff]] = {}
    for row in rows:
        tariffs.setdefault(row.activity_id, []).append(_tariff(row))
    history = await session.get(QuotientHistory, dossier_id)
    quotients = [Quotient.model_validate(one) for one in history.quotients] if history else []

    priced = []
    for line in lines:
        child, week = children[line.child_id], weeks[line.holiday_week_id]
        label = f"{week.centre}, {week.name}"
        tariff = tariff_on(tariffs.get(line.activity_id, []), line.dates[0])
        if tariff is None:
            raise NoTariff(label)
        cost = price(tariff, quotient_on(quotients, line.dates[0]), len(line.dates))
        priced.append(_line(line, f"{child.first_name} {child.last_name}", label, cost))
    return Pricing(regie_code, priced)


def _line(line: Wanted, child_name: str, label: str, cost: Price) -> dict[str, Any]:
    return {
        "position": line.position,
        "child_id": line.child_id,
        "child_name": child_name,
        "activity_id": line.activity_id,
        "source": "holiday_week",
        "source_id": line.holiday_week_id,
        "label": label,
        "dates": list(line.dates),
        "amount_cents": cost.amount_cents,
        "childcare_cents": cost.childcare_cents,
        "food_cents": cost.food_cents,
        "explanation": cost.explanation,
    }


def _tariff(row: TariffRow) -> Tariff:
    rates = (EffortRate.model_validate(rate) if rate else None for rate in (row.childcare, row.food))
    return Tariff(row.valid_from, *rates)


async def _by_id(session: AsyncSession, kind: type[Copy], ids: Iterable[UUID]) -> dict[UUID, Copy]:
    """Raises NotYetKnown unless all are there."""
    wanted = set(ids)
    found = {one.id: one for one in await session.scalars(select(kind).where(kind.id.in_(wanted)))}
    if missing := wanted - found.keys():
        raise NotYetKnown(kind, min(missing))
    return found
