"""What each service answers, the same of all."""

from pydantic import AwareDatetime

from web.answers import Answer
from web.answers.dossier import OfFamily


class DeadLetter(Answer):
    """A message that the service set aside: `rejected`, or `delivery_limit` where it ended the process."""

    reason: str | None
    type: str | None
    time: AwareDatetime | None


class DeadLetters(Answer):
    """How many, and the first of them."""

    count: int
    items: list[DeadLetter]


class Replayed(Answer):
    replayed: int
    left: int


class DeskAct(OfFamily):
    """Who of the staff did what: `act` is the call, `reason` why, where one was said."""

    at: AwareDatetime
    role: str
    name: str | None
    act: str
    reason: str | None
