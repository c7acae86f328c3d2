"""Answers of the desk's notices."""

from datetime import datetime
from uuid import UUID

from chassis.bodies import Answer


class DeskNotice(Answer):
    """What a service told the desk, of that dossier where it is about one; `done_by_name` has dealt with it."""

    id: UUID
    dossier_id: UUID | None
    title: str
    paragraphs: list[str]
    created_at: datetime
    done_at: datetime | None
    done_by_name: str | None
