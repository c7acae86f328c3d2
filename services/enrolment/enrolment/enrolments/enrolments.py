"""Enrolments: found by the family of their child, told of, and moved with the child to another school."""

from collections.abc import Collection, Sequence
from datetime import date
from uuid import UUID

from chassis.outbox import publish
from chassis.problems import NotFound, Problem
from chassis.reach import Acting
from contracts.enrolment import Actor, EnrolmentChanged
from sqlalchemy import Select, select
from sqlalchemy.ext.asyncio import AsyncSession

from enrolment.catalogue.models import Activity
from enrolment.copies import Child
from enrolment.enrolments.models import Enrolment


class EnrolmentOver(Problem):
    type = "urn:problem:enrolment:enrolment-over"
    title = "Inscription terminée"
    detail = "Cette inscription est terminée : elle ne peut plus être modifiée. Faites-en une nouvelle."


def of_family(acting: Acting) -> Select[Enrolment]:
    """Those of the children of the dossier acted for: of a child of two dossiers, both see all."""
    mine = Child.dossier_ids.contains([acting.dossier_id])
    return select(Enrolment).join(Child, Child.id == Enrolment.child_id).where(mine)


async def listed(
    session: AsyncSession, acting: Acting, child_id: UUID | None, cursor: UUID | None, limit: int
) -> Sequence[Enrolment]:
    """The family's, or one child's, the newest first, after the one named by `cursor`."""
    query = of_family(acting).order_by(Enrolment.id.desc()).limit(limit)
    if child_id is not None:
        query = query.where(Enrolment.child_id == child_id)
    if cursor is not None:
        query = query.where(Enrolment.id < cursor)
    return (await session.scalars(query)).all()


async def read(session: AsyncSession, acting: Acting, enrolment_id: UUID) -> Enrolment:
    """Raises NotFound."""
    return _found(await session.scalar(of_family(acting).where(Enrolment.id == enrolment_id)))


async def find(session: AsyncSession, acting: Acting, enrolment_id: UUID) -> Enrolment:
    """Locked. Raises NotFound."""
    query = of_family(acting).where(Enrolment.id == enrolment_id).with_for_update(of=Enrolment)
    return _found(await session.scalar(query))


def _found(enrolment: Enrolment | None) -> Enrolment:
    if enrolment is None:
        raise NotFound
    return enrolment


def site_of(activity_site_id: UUID | None, child: Child, school_year: str) -> UUID | None:
    """Where a child attends: the activity's own site, else its school of that year (none: not known)."""
    schooling = child.schooled(school_year)
    return activity_site_id or (schooling.school_id if schooling else None)


async def move_with_children(session: AsyncSession, child_ids: Collection[UUID], today: date) -> None:
    """To the schools that the children go to now, whose copies are locked, what is not over. Planning moves what is
    reserved.
    """
    if not child_ids:
        return
    query = (
        select(Enrolment, Child, Activity.site_id)
        .join(Child, Child.id == Enrolment.child_id)
        .join(Activity, Activity.id == Enrolment.activity_id)
        .where(Enrolment.child_id.in_(child_ids), Enrolment.valid_to >= today)
        .order_by(Enrolment.id)
        .with_for_update(of=Enrolment)
        .execution_options(populate_existing=True)
    )
    moved = []
    for enrolment, child, activity_site_id in await session.execute(query):
        site_id = site_of(activity_site_id, child, enrolment.school_year)
        if site_id != enrolment.site_id:
            enrolment.site_id = site_id
            enrolment.change()
            moved.append(event_of(enrolment))
    await publish(session, *moved)


def actor(acting: Acting) -> Actor:
    """Who acts, as it is kept and told."""
    by = acting.by
    return Actor(
        account_id=by.sub,
        guardian_id=by.guardian_id,
        role=by.role,
        name=by.name,
        reason=acting.override_reason,
        dossier_id=acting.dossier_id,
    )


def event_of(enrolment: Enrolment) -> EnrolmentChanged:
    """The enrolment as it is now."""
    facts = {name: getattr(enrolment, name) for name in EnrolmentChanged.model_fields if hasattr(enrolment, name)}
    return EnrolmentChanged(enrolment_id=enrolment.id, **facts)
