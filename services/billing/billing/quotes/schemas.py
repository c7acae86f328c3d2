"""What a quote is asked for, and says. Amounts are cents."""

from datetime import datetime
from typing import Annotated
from uuid import UUID

from chassis.bodies import Answer, RequestBody
from pydantic import Field, field_validator


class WantedLine(RequestBody):
    child_id: UUID
    holiday_week_id: UUID


class WantedQuote(RequestBody):
    """`dossier_id` is an agent's to say; a guardian's is their own."""

    lines: Annotated[list[WantedLine], Field(min_length=1, max_length=20)]
    dossier_id: UUID | None = None

    @field_validator("lines")
    @classmethod
    def _each_once(cls, lines: list[WantedLine]) -> list[WantedLine]:
        if len({(line.child_id, line.holiday_week_id) for line in lines}) < len(lines):
            raise ValueError("La même semaine est demandée deux fois pour le même enfant.")
        return lines


class QuoteLineAnswer(Answer):
    child_id: UUID
    holiday_week_id: UUID = Field(validation_alias="source_id")
    amount_cents: int
    explanation: str


class QuoteAnswer(Answer):
    quote_id: UUID = Field(validation_alias="id")
    lines: list[QuoteLineAnswer]
    total_cents: int
    valid_until: datetime
