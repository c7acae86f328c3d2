"""Quotes: prices of some weeks for some children, promised for thirty minutes, and whether a booking may have them."""

from collections.abc import Sequence
from dataclasses import replace
from datetime import datetime, timedelta
from uuid import UUID

from chassis.problems import NotFound
from chassis.reach import Acting
from contracts.enrolment import Booking
from sqlalchemy.ext.asyncio import AsyncSession

from billing.copies import Child, HolidayWeek
from billing.quotes.models import Quote, QuoteLine
from billing.quotes.pricing import Pricing, Wanted, by_id, price_lines
from billing.quotes.rules import honoured

VALID_FOR = timedelta(minutes=30)


async def quote(session: AsyncSession, acting: Acting, wanted: Sequence[tuple[UUID, UUID]], now: datetime) -> Quote:
    """Price (child, holiday week) pairs and keep the prices.

    Raises NotFound for a child of another family or an unknown week, NoTariff, NoRegie, SeveralRegies.
    """
    children = await by_id(session, Child, (child_id for child_id, _ in wanted))
    if any(acting.dossier_id not in child.dossier_ids for child in children.values()):
        raise NotFound
    weeks = await by_id(session, HolidayWeek, (week_id for _, week_id in wanted))
    lines = [
        Wanted(position, child_id, week_id, weeks[week_id].activity_id, tuple(weeks[week_id].dates))
        for position, (child_id, week_id) in enumerate(wanted)
    ]
    pricing = await price_lines(session, acting.dossier_id, lines)
    made = Quote(
        dossier_id=acting.dossier_id,
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
    quote = await session.get(Quote, booking.quote_id)
    quoted = {(line.child_id, line.source_id): line.values() for line in quote.lines} if quote else {}
    if quote and honoured(quote.dossier_id, quote.valid_until, quoted.keys(), booking):
        lines = [quoted[line.child_id, line.holiday_week_id] | {"position": line.position} for line in standing]
        return Pricing(quote.regie_code, lines)
    wanted = [
        Wanted(line.position, line.child_id, line.holiday_week_id, line.activity_id, line.dates) for line in standing
    ]
    return replace(await price_lines(session, booking.dossier_id, wanted), repriced=True)
