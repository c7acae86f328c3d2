"""What the law asks of a table, which each one declares: of whom its rows speak, so that they are exported and erased
with them, or why not; and how long they are kept.

`may("UPDATE", law=personal("Réservations", dossier="dossier_id"))`: the application role may then delete them, too.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, Literal
from uuid import UUID

from sqlalchemy import (
    ARRAY,
    ColumnElement,
    LargeBinary,
    MetaData,
    Select,
    Table,
    Uuid,
    cast,
    delete,
    false,
    literal,
    literal_column,
    select,
    tuple_,
)
from sqlalchemy.ext.asyncio import AsyncSession

#: Whom a row may speak of, the nearest first: what an account or a guardian has for themselves is not their family's.
Person = Literal["account", "guardian", "dossier", "child"]
#: A moment (a column, or an expression of SQL) and how long after it the worker deletes the row; or, in words, what
#: bounds it.
Kept = tuple[str, timedelta] | str

#: Why a copy is not exported.
COPY = "a copy: it is exported by the service that owns it"
#: Kept with the moment at which a row is over.
AT_ONCE = timedelta()


@dataclass(frozen=True, kw_only=True)
class Law:
    """`of` names the column that says of whom a row speaks; or it is a part of one of the table `part_of`, by `by`.

    `name` is what a family reads over the rows; `hidden` columns are not exported; `unexported` and `stays` say why the
    rows are not, or are not erased.
    """

    kept: Kept
    name: str = ""
    of: Mapping[Person, str]
    part_of: str | None = None
    by: str | None = None
    hidden: frozenset[str] = frozenset()
    unexported: str | None = None
    stays: str | None = None

    @property
    def deletes(self) -> bool:
        """Whether the application has to be able to delete a row."""
        return isinstance(self.kept, tuple) or (self.stays is None and bool(self.of or self.part_of))


def personal(
    name: str,
    *,
    account: str | None = None,
    guardian: str | None = None,
    dossier: str | None = None,
    child: str | None = None,
    hidden: tuple[str, ...] = (),
    unexported: str | None = None,
    stays: str | None = None,
    kept: Kept = "as long as those of whom it speaks",
) -> Law:
    """Of these: each names the column with the id (or, of a child, the ids of its dossiers).

    Exported to the nearest that a row names; erased with any of them. A column with several dossiers is exported to
    each, and erases nothing: that is for its child.
    """
    columns: dict[Person, str | None] = {"account": account, "guardian": guardian, "dossier": dossier, "child": child}
    of: dict[Person, str] = {person: column for person, column in columns.items() if column is not None}
    return Law(kept=kept, name=name, of=of, hidden=frozenset(hidden), unexported=unexported, stays=stays)


def part_of(
    parent: str,
    name: str,
    *,
    by: str | None = None,
    child: str | None = None,
    hidden: tuple[str, ...] = (),
    unexported: str | None = None,
    stays: str | None = None,
    kept: Kept = "as long as what it is a part of",
) -> Law:
    """Of whom the row of that table speaks to which `by` leads (none given: the foreign key), and of that child."""
    of: dict[Person, str] = {"child": child} if child else {}
    return Law(
        kept=kept, name=name, of=of, part_of=parent, by=by, hidden=frozenset(hidden), unexported=unexported, stays=stays
    )


def impersonal(kept: Kept) -> Law:
    """Of nobody: what it is, or how long it is kept."""
    return Law(kept=kept, of={})


def faults(metadata: MetaData) -> list[str]:
    """A sentence for each table that says nothing of the law, or what cannot be."""
    found = []
    for table in metadata.sorted_tables:
        law: Law | None = table.info.get("law")
        if law is None:
            found.append(f"{table.name}: declare what the law asks of it (`may(..., law=...)`, chassis.law).")
            continue
        named = {*law.of.values(), *law.hidden, *([law.by] if law.by else [])}
        if unknown := sorted(named - set(table.columns.keys())):
            found.append(f"{table.name}: the law's column {', '.join(unknown)} is not there.")
        if law.part_of is not None and law.part_of not in metadata.tables:
            found.append(f"{table.name}: there is no table {law.part_of} to be a part of.")
        elif law.part_of is not None and law.by is None and len(_leading(table, law.part_of)) != 1:
            found.append(f"{table.name}: say by which column it is a part of {law.part_of}.")
        if secret := sorted(_secrets(table) - law.hidden if law.name and not law.unexported else ()):
            found.append(f"{table.name}: {', '.join(secret)} cannot be exported: hide it.")
        if bool(law.of or law.part_of) != bool(law.name):
            found.append(f"{table.name}: say what it holds, and of whom.")
    return found


def _secrets(table: Table) -> set[str]:
    """Bytes are digests, or what nobody can read."""
    return {column.name for column in table.columns if isinstance(column.type, LargeBinary)}


def refuse_tables_without_law(metadata: MetaData) -> None:
    """Raises RuntimeError naming them, and those whose law cannot be."""
    if found := faults(metadata):
        raise RuntimeError(" ".join(found))


def _leading(table: Table, parent: str) -> list[str]:
    """The columns whose foreign key leads to that table."""
    return [key.parent.name for key in table.foreign_keys if key.column.table.name == parent]


async def forget(session: AsyncSession, metadata: MetaData, now: datetime) -> None:
    """Delete what has been kept for as long as it may be, with its parts, but for the rows in use."""
    for table in metadata.sorted_tables:
        kept = law_of(table).kept
        if isinstance(kept, str):
            continue
        moment, after = kept
        over = select(*table.primary_key).where(literal_column(moment) <= now - after)
        if "UPDATE" in table.info["rights"]:  # a lock needs it
            over = over.with_for_update(skip_locked=True)
        key = tuple_(*table.primary_key)
        if _parts(table):
            rows = [tuple(row) for row in await session.execute(over)]
            await delete_rows(session, table, key.in_(rows))
        else:
            await session.execute(delete(table).where(key.in_(over)))


async def delete_rows(session: AsyncSession, table: Table, where: ColumnElement[bool]) -> None:
    """The rows and, before them, their parts."""
    for part, by in _parts(table):
        if law_of(part).stays is None:
            await delete_rows(session, part, part.c[by].in_(select(*table.primary_key).where(where)))
    await session.execute(delete(table).where(where))


def law_of(table: Table) -> Law:
    law: Law = table.info["law"]
    return law


def parent(table: Table) -> tuple[ColumnElement[UUID], Table] | None:
    """Of what its rows are a part, and the column that leads there."""
    law = law_of(table)
    if law.part_of is None:
        return None
    return table.c[law.by or _leading(table, law.part_of)[0]], table.metadata.tables[law.part_of]


def names(column: ColumnElement[Any], ids: Sequence[UUID]) -> ColumnElement[bool]:
    """Whether a row's column is one of them, or holds one."""
    if isinstance(column.type, ARRAY):
        return column.bool_op("&&")(cast(ids, ARRAY(Uuid())))
    return column.in_(ids)


def family(metadata: MetaData, dossier_id: UUID) -> Select[UUID]:
    """The ids of that dossier's children, by the table that knows them: `children`, or `dossier_children` beside it."""
    for name in ("dossier_children", "children"):
        if (table := metadata.tables.get(name)) is not None:
            child, dossier = table.c[law_of(table).of["child"]], table.c[law_of(table).of["dossier"]]
            return select(child).where(names(dossier, [dossier_id]))
    return select(literal(None, Uuid())).where(false())


def _parts(table: Table) -> list[tuple[Table, str]]:
    """The tables whose rows are parts of this one's, each with the column that leads here."""
    parts = [one for one in table.metadata.sorted_tables if law_of(one).part_of == table.name]
    return [(one, law_of(one).by or _leading(one, table.name)[0]) for one in parts]
