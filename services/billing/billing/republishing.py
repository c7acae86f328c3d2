"""What others keep copies of: the régies. Invoices are no copies: what they come to is decided once."""

from collections.abc import Iterable, Sequence

from chassis.republishing import kept, republishing
from contracts import Event
from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncSession

from billing.models import Regie
from billing.town import regie_changed


async def _regies(session: AsyncSession, named: Sequence[str]) -> Iterable[Event]:
    return map(regie_changed, await session.scalars(select(Regie).where(Regie.code.in_(named))))


REPUBLISH = republishing(kept(_regies, Regie.code))
