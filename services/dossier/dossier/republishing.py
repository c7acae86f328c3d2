"""What others keep copies of: dossiers, their quotients, children, and who is erased."""

from collections import defaultdict
from collections.abc import Iterable, Sequence
from uuid import UUID

from chassis.republishing import kept, republishing
from contracts import Event
from contracts.dossier import ChildErased, DossierErased, QuotientChanged
from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncSession

from dossier import children
from dossier.dossiers import WHOLE, dossier_changed
from dossier.models import Base, Child, Dossier, dossier_children

_ERASED = Base.metadata.tables["erased"]


async def _dossiers(session: AsyncSession, named: Sequence[UUID]) -> Iterable[Event]:
    found = (await session.scalars(select(Dossier).where(Dossier.id.in_(named)).options(*WHOLE))).all()
    quotients = [
        QuotientChanged(version=one.version, dossier_id=one.id, quotients=one.quotient_periods)
        for one in found
        if one.quotients
    ]
    return [*map(dossier_changed, found), *quotients]


async def _children(session: AsyncSession, named: Sequence[UUID]) -> Iterable[Event]:
    found = (await session.scalars(select(Child).where(Child.id.in_(named)).options(*children.parts()))).all()
    theirs = select(dossier_children).where(dossier_children.c.child_id.in_(named))
    dossiers = defaultdict(list)
    for one in (await session.execute(theirs.order_by(dossier_children.c.dossier_id))).mappings():
        dossiers[one["child_id"]].append(one["dossier_id"])
    return [children.child_changed(child, dossiers[child.id]) for child in found]


async def _erased(session: AsyncSession, named: Sequence[UUID]) -> Iterable[Event]:
    """Who has a backup of before they were erased erases them again. None has a version any more."""
    found = await session.execute(select(_ERASED.c.kind, _ERASED.c.id).where(_ERASED.c.id.in_(named)))
    erased = defaultdict[str, list[UUID]](list)
    for kind, one in found:
        erased[kind].append(one)
    return [
        *(DossierErased(version=1, dossier_id=one) for one in erased["dossier"]),
        *(ChildErased(version=1, child_id=one) for one in erased["child"]),
    ]


REPUBLISH = republishing(kept(_dossiers, Dossier.id), kept(_children, Child.id), kept(_erased, _ERASED.c.id))
