"""The clock of a stack, which its `clock_file` moves: only ever forward."""

from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Protocol

from french.paris import PARIS


class Clocked(Protocol):
    """A running stack, by where its clock is shifted."""

    clock_file: Path


class Clock:
    def __init__(self, stack: Clocked) -> None:
        self.file = stack.clock_file

    def now(self) -> datetime:
        return datetime.now(UTC) + timedelta(seconds=float(self.file.read_text() if self.file.exists() else 0))

    def advance(self, **duration: float) -> None:
        """`advance(minutes=21)`."""
        shift = (self.now() - datetime.now(UTC)) + timedelta(**duration)
        written = self.file.with_suffix(".new")
        written.write_text(str(shift.total_seconds()))
        written.replace(self.file)  # nobody reads it half written

    def leave_the_evening(self) -> None:
        """Into the small hours where it is late: PayFiP deletes unused payments at midnight in Paris."""
        local = self.now().astimezone(PARIS)
        if local.hour >= 21:
            morning = (local + timedelta(days=1)).replace(hour=1, minute=0)
            self.advance(seconds=(morning - local).total_seconds())
