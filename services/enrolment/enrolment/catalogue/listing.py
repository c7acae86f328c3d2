"""The catalogue as families see it."""

from collections.abc import Sequence
from datetime import datetime
from typing import Any
from uuid import UUID

from french.paris import day_in_paris
from sqlalchemy import ColumnElement, select, true, tuple_
from sqlalchemy.ext.asyncio import AsyncSession

from enrolment.catalogue import house_rules, school_years
from enrolment.catalogue.models import Activity, Site
from enrolment.catalogue.rules import Refusal, activity_refusal
from enrolment.families import Family


async def sites(session: AsyncSession, cursor: UUID | None, limit: int) -> list[Site]:
    """By name, after the one named by `cursor`."""
    order = Site.name, Site.id
    query = select(Site).where(behind(cursor, order)).order_by(*order).limit(limit)
    return list((await session.scalars(query)).all())


async def activities(session: AsyncSession, kind: str | None, cursor: UUID | None, limit: int) -> list[Activity]:
    """Of that kind (none: of every kind) by name, after the one named by `cursor`."""
    order = Activity.name, Activity.id
    query = select(Activity).where(behind(cursor, order)).order_by(*order).limit(limit)
    return list((await session.scalars(query.where(Activity.kind == kind) if kind else query)).all())


async def refusals(
    session: AsyncSession,
    found: Sequence[Activity],
    family: Family,
    now: datetime,
) -> dict[UUID, Refusal]:
    """Why activities are not open to the child in the current school year, by activity."""
    year = await school_years.current(session, day_in_paris(now))
    accepted = year is not None and await house_rules.accepted(session, family.dossier_id, year.name)
    judged = {
        activity.id: activity_refusal(
            activity,
            family.child,
            family.dossier,
            year,
            now,
            accepted=accepted,
        )
        for activity in found
    }
    return {activity_id: refused for activity_id, refused in judged.items() if refused}


def behind(cursor: UUID | None, order: tuple[Any, ...]) -> ColumnElement[bool]:
    """Whether a row comes after the one named by `cursor` in that order, whose last column is the id."""
    if cursor is None:
        return true()
    last = (select(column).where(order[-1] == cursor).scalar_subquery() for column in order)
    return tuple_(*order) > tuple_(*last)  # column by column, so that the index leads there
