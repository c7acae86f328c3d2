"""What enrolment knows of dossiers and children: copies kept from dossier's events."""

from collections.abc import Collection
from dataclasses import dataclass
from uuid import UUID

from chassis.problems import NotFound
from contracts.dossier import ChildChanged, DossierChanged
from sqlalchemy import Uuid, any_, bindparam, select
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.ext.asyncio import AsyncSession

from enrolment.models import Child, Dossier

_FAMILY = (
    select(Child, Dossier)
    .outerjoin(Dossier, Dossier.id == bindparam("dossier_id", type_=Uuid()))
    .where(
        Child.id.in_(bindparam("children", expanding=True)),
        bindparam("dossier_id", type_=Uuid()) == any_(Child.dossier_ids),
    )
)


@dataclass(frozen=True)
class Family:
    """A dossier (none while its copy has not arrived) and those of its children that were asked for, by id."""

    dossier: Dossier | None
    children: dict[UUID, Child]


async def find_family(session: AsyncSession, dossier_id: UUID, child_ids: Collection[UUID]) -> Family:
    """Raises NotFound unless every one of the children (one or more) is of that dossier."""
    rows = (await session.execute(_FAMILY, {"dossier_id": dossier_id, "children": list(child_ids)})).all()
    if len(rows) < len(set(child_ids)):
        raise NotFound
    return Family(rows[0][1], {child.id: child for child, _ in rows})


async def keep_dossier(session: AsyncSession, event: DossierChanged) -> None:
    facts = {"number": event.number, "status": event.status, "missing": list(event.missing), "version": event.version}
    await _keep(session, Dossier, event.dossier_id, facts)


async def keep_child(session: AsyncSession, event: ChildChanged) -> None:
    facts = {
        "dossier_ids": list(event.dossier_ids),
        "first_name": event.first_name,
        "birth_date": event.birth_date,
        "version": event.version,
    }
    await _keep(session, Child, event.child_id, facts)


async def _keep(session: AsyncSession, copy: type[Child | Dossier], id_: UUID, facts: dict[str, object]) -> None:
    """Store the copy unless a newer one is there."""
    statement = insert(copy).values(id=id_, **facts)
    await session.execute(
        statement.on_conflict_do_update(
            index_elements=[copy.id], set_=facts, where=copy.version < statement.excluded.version
        )
    )
