"""What the catalogue gives over HTTP."""

from typing import Literal
from uuid import UUID

from chassis.bodies import Answer


class SiteAnswer(Answer):
    id: UUID
    kind: Literal["school", "centre"]
    name: str


class ActivityAnswer(Answer):
    """`open` and the `reason` where it is not are told of a child only."""

    id: UUID
    code: str
    name: str
    kind: Literal["periscolaire", "restauration", "extrascolaire"]
    site_id: UUID | None
    payment: Literal["immediate", "monthly"]
    charging: Literal["reservation", "attendance", "flat"]
    open: bool | None = None
    reason: str | None = None
