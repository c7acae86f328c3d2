"""Everything a service holds about a person, from what each table declares (chassis.law): `GET /me/export`."""

from collections.abc import Awaitable, Callable, Mapping, Sequence
from datetime import datetime
from typing import Annotated, Any
from uuid import UUID

from fastapi import APIRouter, Depends, Request
from pydantic import BaseModel
from pydantic_core import to_jsonable_python
from sqlalchemy import ColumnElement, MetaData, Table, and_, false, or_, select
from sqlalchemy.ext.asyncio import AsyncSession

from chassis import clock
from chassis.database import Session
from chassis.law import Person, family, law_of, names, parent
from chassis.policies import Policy
from chassis.reach import Reach

Anybody = Annotated[
    Reach, Depends(Policy("guardian", "agent", "cashier", "administrator", "site_staff", reach="account"))
]
#: The nearest first: what an account or a guardian has for themselves is not their family's.
NEAREST: tuple[Person, ...] = ("account", "guardian", "dossier", "child")


class Held(BaseModel):
    """The rows of one table: `name` says in French what they are, each row what is kept under which name."""

    name: str
    table: str
    rows: list[dict[str, Any]]


class Export(BaseModel):
    """What a service holds about the caller at that moment; what nothing is held in is left out."""

    service: str
    exported_at: datetime
    held: list[Held]


#: What of the caller no table holds in the clear: of a session, the service's settings and the caller.
AlsoHeld = Callable[[AsyncSession, Any, Reach], Awaitable[list[Held]]]


def router(service: str, metadata: MetaData, also_held: AlsoHeld | None = None) -> APIRouter:
    """The call of that service."""
    made = APIRouter(tags=["personal data"])

    @made.get("/me/export")
    async def export_my_data(request: Request, reach: Anybody, session: Session) -> Export:
        """Everything that is held about the caller: a guardian's own, their family's, its children's."""
        found = await held(session, metadata, reach)
        if also_held is not None:
            found += await also_held(session, request.app.state.settings, reach)
        return Export(service=service, exported_at=clock.now(), held=found)

    return made


async def held(session: AsyncSession, metadata: MetaData, reach: Reach) -> list[Held]:
    """What is exported of each table, in the order of their keys."""
    of: dict[Person, list[UUID]] = {"account": [reach.sub], "guardian": [], "dossier": [], "child": []}
    if reach.guardian_id is not None:
        of["guardian"] = [reach.guardian_id]
    if reach.dossier_id is not None:
        merged = metadata.tables["merged"].c
        parts = await session.scalars(select(merged.id).where(merged.into_id == reach.dossier_id))
        of["dossier"] = [reach.dossier_id, *parts]
        of["child"] = list(await session.scalars(family(metadata, reach.dossier_id)))
    found = []
    for table in metadata.sorted_tables:
        law = law_of(table)
        if not law.name or law.unexported:
            continue
        shown = [column for column in table.columns if column.name not in law.hidden]
        rows = await session.execute(select(*shown).where(_whose(table, of)).order_by(*table.primary_key))
        if told := [_told(row) for row in rows.mappings()]:
            found.append(Held(name=law.name, table=table.name, rows=told))
    return found


def _told(row: Mapping[Any, Any]) -> dict[str, Any]:
    told: dict[str, Any] = to_jsonable_python(dict(row), fallback=str)
    return told


def _whose(table: Table, of: Mapping[Person, Sequence[UUID]]) -> ColumnElement[bool]:
    """Rows of the nearest that each names; of a part, where its whole is."""
    if leads := parent(table):
        by, whole = leads
        return by.in_(select(*whole.primary_key).where(_whose(whole, of)))
    whose: ColumnElement[bool] = false()
    columns = law_of(table).of
    for person in reversed([one for one in NEAREST if one in columns]):
        column = table.c[columns[person]]
        whose = or_(names(column, of[person]), and_(column.is_(None), whose))
    return whose
