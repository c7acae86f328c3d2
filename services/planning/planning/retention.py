"""When a row that nobody asks for any more is deleted, table by table."""

from datetime import datetime

from contracts.identity import AccountClosed
from french.paris import day_in_paris
from sqlalchemy import ColumnElement, and_, delete, inspect, or_, select, tuple_
from sqlalchemy.ext.asyncio import AsyncSession

from planning.copies import Dossier, GivenUpDay, is_guardian
from planning.digests.models import Digest
from planning.drafts.models import Draft
from planning.feeds.models import Feed
from planning.feeds.rules import SHOWN
from planning.models import Base
from planning.plannings.models import LASTS, Attempt


def _over(now: datetime) -> dict[type[Base], ColumnElement[bool]]:
    today = day_in_paris(now)
    return {
        Attempt: Attempt.at <= now - LASTS,
        # Its month is over, or its guardian is none of that dossier any more.
        Draft: or_(Draft.month < today.replace(day=1), _former(Draft)),
        Digest: _former(Digest),
        Feed: _former(Feed),
        # A day that has left the feeds: before that its versions count there, whatever has become of it.
        GivenUpDay: GivenUpDay.day < day_in_paris(now - SHOWN),
    }


def _former(table: type[Digest | Draft | Feed]) -> ColumnElement[bool]:
    """Of somebody who is no guardian of the dossier any more; a dossier that is not known yet may still have them."""
    known = select(Dossier.id).where(Dossier.id == table.dossier_id).exists()
    return and_(known, ~is_guardian(table.guardian_id, table.dossier_id))


async def forget(session: AsyncSession, now: datetime) -> None:
    """Delete what is over, but for the rows in use."""
    for table, over in _over(now).items():
        key = tuple_(*inspect(table).primary_key)
        unused = select(*inspect(table).primary_key).where(over).with_for_update(skip_locked=True)
        await session.execute(delete(table).where(key.in_(unused)))


async def forget_account(session: AsyncSession, event: AccountClosed) -> None:
    """What a closed account had for itself, which nobody could end any more: its feed, drafts and weekly mail."""
    for table in (Attempt, Digest, Draft, Feed):
        await session.execute(delete(table).where(table.account_id == event.account_id))
