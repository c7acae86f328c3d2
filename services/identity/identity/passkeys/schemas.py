"""Bodies and answers of passkeys."""

from datetime import datetime
from typing import Any
from uuid import UUID

from chassis.bodies import Answer, RequestBody
from chassis.fields import Line


class Options(Answer):
    """What `navigator.credentials` is given, as WebAuthn Level 3 has it in JSON."""

    public_key: dict[str, Any]


class NewPasskey(RequestBody):
    """`credential` is what the browser made (RegistrationResponseJSON), `name` what its owner calls it."""

    name: Line
    credential: dict[str, Any]


class Signed(RequestBody):
    """`credential` is what the browser answered (AuthenticationResponseJSON)."""

    credential: dict[str, Any]


class OwnPasskey(Answer):
    """`used_at`: when it last opened a session; null: never."""

    id: UUID
    name: str
    created_at: datetime
    used_at: datetime | None


class OwnPasskeys(Answer):
    items: list[OwnPasskey]
