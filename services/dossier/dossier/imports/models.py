"""Files of families or quotients that were sent, and what became of each of their lines."""

from datetime import datetime, timedelta
from enum import StrEnum
from typing import Any, ClassVar
from uuid import UUID

from chassis.law import impersonal, part_of
from chassis.schema import may
from chassis.states import Moves, state
from sqlalchemy import ARRAY, CheckConstraint, ForeignKey, Index, Text, text
from sqlalchemy.dialects.postgresql import JSONB
from sqlalchemy.orm import Mapped, mapped_column

from dossier.imports.columns import Kind
from dossier.models import Base

#: So long a report can be read.
KEPT = timedelta(days=365)


class ImportStatus(StrEnum):
    WAITING = "waiting"
    RUNNING = "running"
    DONE = "done"


class Outcome(StrEnum):
    """Of a line: stored (or, on a dry run, would be); there already, and left as it is; not stored at all."""

    CREATED = "created"
    KNOWN = "known"
    REFUSED = "refused"


class Import(Moves[ImportStatus], Base):
    """`lines` of the file are to be stored, `done` have been looked at; `asked_by` is none on the command line."""

    __tablename__ = "imports"
    __table_args__ = (
        CheckConstraint("kind IN ('families', 'quotients')", name="kind_known"),
        Index("ix_imports_unfinished", "id", postgresql_where=text("status <> 'done'")),
        may("UPDATE", law=impersonal(("asked_at", KEPT))),
    )
    TRANSITIONS: ClassVar = {
        ImportStatus.WAITING: frozenset({ImportStatus.RUNNING, ImportStatus.DONE}),
        ImportStatus.RUNNING: frozenset({ImportStatus.DONE}),
        ImportStatus.DONE: frozenset(),
    }

    id: Mapped[UUID] = mapped_column(primary_key=True)
    status: Mapped[ImportStatus] = state(ImportStatus)
    version: Mapped[int]
    kind: Mapped[Kind] = mapped_column(Text())
    dry_run: Mapped[bool]
    columns: Mapped[list[str]] = mapped_column(ARRAY(Text()))
    lines: Mapped[int]
    done: Mapped[int]
    created: Mapped[int]
    known: Mapped[int]
    refused: Mapped[int]
    asked_by: Mapped[UUID | None]
    asked_at: Mapped[datetime]
    finished_at: Mapped[datetime | None]


class ImportLine(Base):
    """A line of a file, by its number there. What it says (`cells`) is kept until its `outcome` is known.

    `faults` are `{column, detail}`.
    """

    __tablename__ = "import_lines"
    __table_args__ = (
        CheckConstraint("outcome IN ('created', 'known', 'refused')", name="outcome_known"),
        CheckConstraint("(outcome IS NULL) = (cells IS NOT NULL)", name="forgotten_when_done"),
        Index("ix_import_lines_number", "import_id", "number"),
        may("UPDATE", law=part_of("imports", "Lignes importées")),
    )

    import_id: Mapped[UUID] = mapped_column(ForeignKey("imports.id"), primary_key=True)
    line: Mapped[int] = mapped_column(primary_key=True)
    number: Mapped[str]
    cells: Mapped[list[str] | None] = mapped_column(ARRAY(Text()))
    outcome: Mapped[str | None]
    faults: Mapped[list[dict[str, Any]]] = mapped_column(JSONB())
