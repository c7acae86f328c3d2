"""Children, told to others."""

from collections.abc import Iterable
from uuid import UUID

from chassis.outbox import publish
from contracts import dossier as contract
from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncSession

from dossier.models import Child, dossier_children


async def changed(session: AsyncSession, child: Child) -> None:
    """Tell that a child, whose row is locked, is now so, or belongs to other dossiers."""
    child.version += 1
    await session.flush()
    theirs = select(dossier_children.c.dossier_id).where(dossier_children.c.child_id == child.id)
    await publish(session, child_changed(child, await session.scalars(theirs.order_by(dossier_children.c.dossier_id))))


def child_changed(child: Child, dossier_ids: Iterable[UUID]) -> contract.ChildChanged:
    """The child as it is now, at its present version."""
    return contract.ChildChanged(
        version=child.version,
        child_id=child.id,
        dossier_ids=tuple(dossier_ids),
        first_name=child.first_name,
        last_name=child.last_name,
        birth_date=child.birth_date,
        schooling=tuple(
            contract.Schooling(
                school_year=one.school_year, school_id=one.school_id, level=one.level, class_name=one.class_name
            )
            for one in child.schooling
        ),
        resident=child.resident,
        menu=child.menu,
    )
