"""What is sent and answered of quotients."""

from datetime import date
from typing import Annotated, Literal

from chassis.bodies import Answer, RequestBody
from chassis.fields import Day, Reason
from pydantic import Field


class NewQuotient(RequestBody):
    """Whole euros. `counts_from` is the first of the next month where it is not said; from before that needs a
    `reason`, which is kept. `valid_to` is the end of the year after where it is not said.
    """

    value: Annotated[int, Field(ge=0, le=1_000_000)]
    source: Literal["caf", "msa", "municipal"]
    counts_from: Day | None = None
    valid_to: Day | None = None
    reason: Reason | None = None


class RecordedQuotient(Answer):
    """As recorded: a later one ends an earlier one from its own first day on."""

    value: int
    source: Literal["caf", "msa", "municipal"]
    valid_from: date
    valid_to: date
    reason: str | None


class Quotients(Answer):
    """The whole history, the newest first."""

    items: list[RecordedQuotient]
