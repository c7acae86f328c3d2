"""Events that planning publishes."""

from typing import ClassVar

from contracts.envelope import Event
from contracts.notices import NoticeWritten as Notice


class NoticeWritten(Notice):
    type: ClassVar[str] = "planning.notice_written"


EVENTS: tuple[type[Event], ...] = (NoticeWritten,)
