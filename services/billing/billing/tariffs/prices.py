"""What the days of a month cost a family, by its quotient."""

from collections import defaultdict
from datetime import date
from typing import NamedTuple
from uuid import UUID

from chassis.problems import NotFound
from chassis.reach import Acting
from contracts.dossier import Quotient
from french.calendar import last_day
from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncSession

from billing.copies import Activity, Child, QuotientHistory
from billing.tariffs.models import TariffRow
from billing.tariffs.rules import Tariff, day_prices


class DayPrice(NamedTuple):
    """What a day costs from `valid_from` on, until the next of the same child and activity."""

    child_id: UUID
    activity_id: UUID
    valid_from: date
    amount_cents: int
    explanation: str


async def of_month(session: AsyncSession, acting: Acting, first: date, child_id: UUID | None) -> list[DayPrice]:
    """Of the month that begins on `first`: for each child of the dossier, or that one, and each activity that is
    reserved by the day and has a tariff. Two queries, whatever the family's size.

    Raises NotFound for a child of another family, or of none.
    """
    family = (
        select(Child.id, QuotientHistory.quotients)
        .outerjoin(QuotientHistory, QuotientHistory.dossier_id == acting.dossier_id)
        .where(Child.dossier_ids.bool_op("@>")([acting.dossier_id]))
        .order_by(Child.first_name, Child.id)
    )
    if child_id is not None:
        family = family.where(Child.id == child_id)
    children = (await session.execute(family)).all()
    if child_id is not None and not children:
        raise NotFound
    last = last_day(first)
    by_the_day = (
        select(TariffRow)
        .join(Activity, Activity.id == TariffRow.activity_id)
        .where(Activity.payment == "monthly", Activity.charging != "flat", TariffRow.valid_from <= last)
        .order_by(Activity.name, Activity.id)
    )
    tariffs: dict[UUID, list[Tariff]] = defaultdict(list)
    for row in await session.scalars(by_the_day):
        tariffs[row.activity_id].append(row.tariff())
    quotients = [Quotient.model_validate(one) for one in (children[0].quotients or ())] if children else []
    # The same for each child: what a family pays follows from its quotient alone.
    prices = {
        activity_id: day_prices(its_tariffs, quotients, first, last) for activity_id, its_tariffs in tariffs.items()
    }
    return [
        DayPrice(child.id, activity_id, day, price.amount_cents, price.explanation)
        for child in children
        for activity_id, its_prices in prices.items()
        for day, price in its_prices
    ]
