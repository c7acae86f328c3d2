"""What is answered of an import."""

from datetime import datetime
from uuid import UUID

from chassis.bodies import Answer

from dossier.imports.columns import Kind
from dossier.imports.models import ImportStatus, Outcome


class ImportAnswer(Answer):
    """Of the file's `lines` that say something `done` have been looked at: so many created (on a dry run: would be),
    known already and left as they are, refused.
    """

    id: UUID
    status: ImportStatus
    kind: Kind
    dry_run: bool
    lines: int
    done: int
    created: int
    known: int
    refused: int
    asked_at: datetime
    finished_at: datetime | None


class FaultAnswer(Answer):
    """`column` is empty where it is the whole line that is wrong."""

    column: str
    detail: str


class LineAnswer(Answer):
    """A line of the file, the first being the titles; `number` is the dossier's."""

    line: int
    number: str
    outcome: Outcome
    faults: list[FaultAnswer]


class ReportAnswer(ImportAnswer):
    """With what became of its lines, in their order; `next_line` asks for those after it."""

    items: list[LineAnswer]
    next_line: int | None
