"""What billing answers."""

from pydantic import AwareDatetime

from web.answers import Answer


class Invoice(Answer):
    id: str
    status: str
    number: str | None
    due_cents: int
    payable_until: AwareDatetime | None
