"""What is deleted when nobody asks for it any more, beyond what each table says itself (chassis.law)."""

from datetime import datetime

from french.paris import day_in_paris
from sqlalchemy import ColumnElement, and_, delete, inspect, select, tuple_
from sqlalchemy.ext.asyncio import AsyncSession

from planning.copies import Dossier, GivenUpDay, is_guardian
from planning.digests.models import Digest
from planning.drafts.models import Draft
from planning.feeds.models import Feed
from planning.feeds.rules import SHOWN
from planning.models import Base


def _former(table: type[Digest | Draft | Feed]) -> ColumnElement[bool]:
    """Of somebody who is no guardian of the dossier any more; a dossier that is not known yet may still have them."""
    known = select(Dossier.id).where(Dossier.id == table.dossier_id).exists()
    return and_(known, ~is_guardian(table.guardian_id, table.dossier_id))


async def forget_former(session: AsyncSession, now: datetime) -> None:
    """What belongs to former guardians, and the days that have left the feeds, but for the rows in use."""
    over: dict[type[Base], ColumnElement[bool]] = {
        Draft: _former(Draft),
        Digest: _former(Digest),
        Feed: _former(Feed),
        # Before that its versions count there, whatever has become of it.
        GivenUpDay: GivenUpDay.day < day_in_paris(now - SHOWN),
    }
    for table, condition in over.items():
        key = tuple_(*inspect(table).primary_key)
        unused = select(*inspect(table).primary_key).where(condition).with_for_update(skip_locked=True)
        await session.execute(delete(table).where(key.in_(unused)))
