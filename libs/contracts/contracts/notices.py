"""A message to a family or to the desk, worded by the service that knows, delivered by identity."""

from typing import ClassVar
from uuid import UUID

from pydantic import Field

from contracts.envelope import Event


class NoticeWritten(Event):
    """A message, once and for all: its version is always 1, and it is never published again.

    One of `dossier_id`, `account_id` and `desk` says to whom; to the desk, `dossier_id` says about whom, if anybody.
    `link` is a path of the web application.
    """

    subject_field: ClassVar[str] = "notice_id"

    notice_id: UUID
    version: int = 1
    dossier_id: UUID | None = None
    account_id: UUID | None = None
    desk: bool = False
    title: str = Field(min_length=1, max_length=150)
    paragraphs: tuple[str, ...] = Field(min_length=1)
    link: str | None = None
