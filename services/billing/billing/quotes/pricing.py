"""What lines cost by today's tariffs and quotients, and why something cannot be priced at all."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import date
from typing import Any, TypeVar
from uuid import UUID

from chassis.parking import NotYetKnown
from chassis.problems import Problem
from contracts.dossier import Quotient
from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncSession

from billing.copies import Activity, Child, HolidayWeek, QuotientHistory
from billing.models import Regie
from billing.tariffs.models import TariffRow
from billing.tariffs.rules import Price, Tariff, price, quotient_on, tariff_on

Copy = TypeVar("Copy", Child, HolidayWeek, Activity)


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


async def price_lines(session: AsyncSession, dossier_id: UUID, lines: Sequence[Wanted]) -> Pricing:
    """Today's knowledge of prices applied to these lines: tariff and quotient of each line's first day.

    Raises NotYetKnown for what no event has told us, NoTariff, NoRegie, SeveralRegies.
    """
    children = await by_id(session, Child, (line.child_id for line in lines))
    weeks = await by_id(session, HolidayWeek, (line.holiday_week_id for line in lines))
    activities = await by_id(session, Activity, (line.activity_id for line in lines))
    regies = {activity.regie for activity in activities.values()}
    if len(regies) > 1:
        raise SeveralRegies
    regie_code = regies.pop()
    if await session.get(Regie, regie_code) is None:
        raise NoRegie
    rows = await session.scalars(select(TariffRow).where(TariffRow.activity_id.in_(activities)))
    tariffs: dict[UUID, list[Tariff]] = {}
    for row in rows:
        tariffs.setdefault(row.activity_id, []).append(row.tariff())
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


async def by_id(session: AsyncSession, kind: type[Copy], ids: Iterable[UUID]) -> dict[UUID, Copy]:
    """Raises NotYetKnown unless all are there."""
    wanted = set(ids)
    found = {one.id: one for one in await session.scalars(select(kind).where(kind.id.in_(wanted)))}
    if missing := wanted - found.keys():
        raise NotYetKnown(kind, min(missing))
    return found
