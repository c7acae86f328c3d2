"""Children: found, told to others."""

from collections.abc import Collection, Iterable, Sequence
from uuid import UUID

from chassis.editing import Seen
from chassis.outbox import publish
from chassis.problems import NotFound
from chassis.reach import Acting
from contracts import dossier as contract
from sqlalchemy import exists, select
from sqlalchemy.ext.asyncio import AsyncSession
from sqlalchemy.orm import selectinload
from sqlalchemy.orm.strategy_options import _AbstractLoad

from dossier.models import Adult, Child, dossier_children


def parts() -> tuple[_AbstractLoad, ...]:
    """What of a child is loaded with it."""
    return selectinload(Child.schooling), selectinload(Child.consents), selectinload(Child.persons)


async def find(session: AsyncSession, acting: Acting, child_id: UUID, seen: Seen | None = None) -> Child:
    """The whole child, of the dossier acted for; locked where it is to be edited, by who has seen it as it is.

    Raises NotFound, Stale.
    """
    query = select(Child).join(dossier_children).where(Child.id == child_id).options(*parts())
    query = query.where(dossier_children.c.dossier_id == acting.dossier_id)
    if acting.by.guardian_id:  # not who is no guardian any more, whose token is good for some minutes yet
        still = (Adult.id == acting.by.guardian_id, Adult.dossier_id == acting.dossier_id)
        query = query.where(exists().where(*still, Adult.roles.any_() == "legal_guardian"))
    if seen:  # as it is under the lock, whatever was read before
        query = query.with_for_update(of=Child).execution_options(populate_existing=True)
    child = await session.scalar(query)
    if child is None:
        raise NotFound
    if seen:
        seen.refuse_if_older(child.version)
    return child


async def locked(session: AsyncSession, child_ids: Collection[UUID]) -> Sequence[Child]:
    """These children as they are, locked in the order of their ids."""
    query = select(Child).where(Child.id.in_(child_ids)).order_by(Child.id).options(*parts())
    return (await session.scalars(query.with_for_update().execution_options(populate_existing=True))).all()


async def dossier_ids(session: AsyncSession, child: Child) -> Sequence[UUID]:
    """The dossiers that the child belongs to."""
    theirs = select(dossier_children.c.dossier_id).where(dossier_children.c.child_id == child.id)
    return (await session.scalars(theirs.order_by(dossier_children.c.dossier_id))).all()


async def changed(session: AsyncSession, child: Child) -> None:
    """Tell that a child, whose row is locked, is now so, or belongs to other dossiers."""
    child.version += 1
    await session.flush()
    await publish(session, child_changed(child, await dossier_ids(session, child)))


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
        custody=child.custody and contract.Custody.model_validate(child.custody),
    )
