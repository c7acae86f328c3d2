"""What others keep copies of: the accounts of guardians. Of one that has ended nothing is left to be told."""

from collections.abc import Iterable, Sequence
from uuid import UUID

from chassis.republishing import kept, republishing
from contracts import Event
from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncSession

from identity.accounts import activated
from identity.models import Account, AccountStatus


async def _accounts(session: AsyncSession, named: Sequence[UUID]) -> Iterable[Event]:
    theirs = select(Account).where(Account.id.in_(named), Account.status == AccountStatus.ACTIVE)
    return map(activated, await session.scalars(theirs.where(Account.guardian_id.is_not(None))))


REPUBLISH = republishing(kept(_accounts, Account.id))
