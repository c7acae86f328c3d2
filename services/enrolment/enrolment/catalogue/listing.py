"""The catalogue as families see it."""

from typing import Any
from uuid import UUID

from sqlalchemy import ColumnElement, select, true, tuple_
from sqlalchemy.ext.asyncio import AsyncSession

from enrolment.catalogue.models import Activity, Site


async def sites(session: AsyncSession, kind: str | None, cursor: UUID | None, limit: int) -> list[Site]:
    """Of that kind (none: of every kind) by name, after the one named by `cursor`."""
    order = Site.name, Site.id
    query = select(Site).where(behind(cursor, order)).order_by(*order).limit(limit)
    return list((await session.scalars(query.where(Site.kind == kind) if kind else query)).all())


async def activities(session: AsyncSession, kind: str | None, cursor: UUID | None, limit: int) -> list[Activity]:
    """Of that kind (none: of every kind) by name, after the one named by `cursor`."""
    order = Activity.name, Activity.id
    query = select(Activity).where(behind(cursor, order)).order_by(*order).limit(limit)
    return list((await session.scalars(query.where(Activity.kind == kind) if kind else query)).all())


def behind(cursor: UUID | None, order: tuple[Any, ...]) -> ColumnElement[bool]:
    """Whether a row comes after the one named by `cursor` in that order, whose last column is the id."""
    if cursor is None:
        return true()
    last = (select(column).where(order[-1] == cursor).scalar_subquery() for column in order)
    return tuple_(*order) > tuple_(*last)  # column by column, so that the index leads there
