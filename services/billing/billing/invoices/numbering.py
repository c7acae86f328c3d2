"""Numbers of invoices and credit notes: per régie and year, no gap, no repeat."""

from datetime import datetime

from french.paris import day_in_paris
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.ext.asyncio import AsyncSession

from billing.invoices.models import NumberSeries


async def take_number(session: AsyncSession, regie_code: str, now: datetime) -> str:
    """The next number, « 2026-ENFANCE-000001 »; a rollback gives it back.

    Holds the series until the transaction ends: taken last, so that others of the régie wait as little as can be.
    """
    year = day_in_paris(now).year
    taken = (
        insert(NumberSeries)
        .values(regie_code=regie_code, year=year, last=1)
        .on_conflict_do_update(
            index_elements=[NumberSeries.regie_code, NumberSeries.year], set_={"last": NumberSeries.last + 1}
        )
        .returning(NumberSeries.last)
    )
    return f"{year}-{regie_code.upper()}-{await session.scalar(taken):06}"
