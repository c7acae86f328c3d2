"""Which mails an account goes without."""

from collections.abc import Collection

from chassis.reach import Reach
from sqlalchemy import delete, select
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.ext.asyncio import AsyncSession

from identity.notices.models import UnwantedMail
from identity.notices.rules import Category


async def unwanted(session: AsyncSession, caller: Reach) -> set[Category]:
    return set(await session.scalars(select(UnwantedMail.category).where(UnwantedMail.account_id == caller.sub)))


async def choose(session: AsyncSession, caller: Reach, categories: Collection[Category]) -> None:
    """These, and no others."""
    own = delete(UnwantedMail).where(UnwantedMail.account_id == caller.sub)
    await session.execute(own.where(UnwantedMail.category.not_in(categories)))
    if rows := [{"account_id": caller.sub, "category": one} for one in sorted(set(categories))]:
        await session.execute(insert(UnwantedMail).values(rows).on_conflict_do_nothing())
