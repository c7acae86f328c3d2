"""What the pages refuse, or the API refused them:

Refused          a problem document, or what we say in its place
├── NotFound     no such page, or not this family's
├── TooLarge     a form that no page of ours sends
├── ForOthers    a page of another role
├── Forged       a form that was not sent from our pages, or whose session is over
└── Unavailable  the gateway was not reached
SignedOut        who asks must sign in first
"""

from dataclasses import dataclass, field
from typing import Any


@dataclass
class Refused(Exception):
    """`errors` are JSON pointers with their sentences; `more` is what the problem's type adds to it."""

    status: int
    type: str = ""
    title: str = ""
    detail: str = ""
    errors: list[tuple[str, str]] = field(default_factory=list)
    retry_after_s: int | None = None
    more: dict[str, Any] = field(default_factory=dict)

    @classmethod
    def of(cls, status: int, document: dict[str, Any], retry_after: str | None) -> "Refused":
        errors = [(str(one["pointer"]), str(one["detail"])) for one in document.get("errors", ())]
        more = {k: v for k, v in document.items() if k not in ("type", "title", "status", "detail", "errors")}
        waits = int(retry_after) if retry_after and retry_after.isdigit() else None
        words = {name: str(document.get(name, "")) for name in ("type", "title", "detail")}
        return cls(status, errors=errors, retry_after_s=waits, more=more, **words)


class NotFound(Refused):
    def __init__(self) -> None:
        super().__init__(404)


class TooLarge(Refused):
    def __init__(self) -> None:
        super().__init__(413)


class ForOthers(Refused):
    def __init__(self, detail: str) -> None:
        super().__init__(403, type="for-others", detail=detail)


class Forged(Refused):
    def __init__(self) -> None:
        super().__init__(403, type="forged")


class Unavailable(Refused):
    def __init__(self) -> None:
        super().__init__(503, detail="Le service ne répond pas pour le moment. Réessayez dans quelques instants.")


class SignedOut(Exception):
    """The session has ended, or there was none."""
