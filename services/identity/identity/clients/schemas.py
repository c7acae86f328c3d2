"""What a program asks, its token; and what an administrator says and sees of programs."""

from collections.abc import Sequence
from datetime import datetime
from typing import Annotated, Self
from uuid import UUID

from chassis.bodies import Answer, RequestBody
from chassis.fields import Line, Shape
from pydantic import BaseModel, Field, StringConstraints

from identity.clients.models import Client, ClientSecret
from identity.fields import Password

_NAME = "Le nom d'un programme compte de 2 à 50 lettres minuscules sans accent, chiffres ou tirets."
_SCOPE = "Indiquez des droits séparés par une espace, par exemple « meals:read »."
Name = Annotated[str, Shape("^[a-z0-9][a-z0-9-]{1,49}$", _NAME)]
Scope = Annotated[str, StringConstraints(max_length=500), Shape("^[a-z-]+:[a-z-]+( [a-z-]+:[a-z-]+)*$", _SCOPE)]


class TokenAsked(BaseModel):
    """RFC 6749, section 4.4.2, client credentials in the body; parameters that it does not know are ignored."""

    grant_type: Line
    client_id: Line
    client_secret: Password
    scope: Line | None = None


class ClientToken(Answer):
    """RFC 6749, section 5.1."""

    access_token: str
    token_type: str = "Bearer"  # noqa: S105 -- the name of a scheme
    expires_in: int
    scope: str


class NewClient(RequestBody):
    """`name` is its `client_id` (RFC 6749); `scope` are words with spaces between, as in « meals:read »."""

    name: Name
    scope: Scope


class Rotation(RequestBody):
    """`former_valid_h`: hours for which the present secret is good still; 0 where it is in the wrong hands."""

    former_valid_h: int = Field(default=24, ge=0, le=24 * 30)


class SecretTold(Answer):
    """`secret` is told this once."""

    id: UUID
    name: str
    scope: str
    secret: str


class GoodSecret(Answer):
    """One that was replaced has its end."""

    created_at: datetime
    expires_at: datetime | None


class Program(Answer):
    """`secrets`: when those that are good were made, the newest first."""

    id: UUID
    name: str
    scope: str
    created_at: datetime
    secrets: list[GoodSecret]

    @classmethod
    def of(cls, client: Client, secrets: Sequence[ClientSecret]) -> Self:
        return cls(
            id=client.id,
            name=client.name,
            scope=client.scope,
            created_at=client.created_at,
            secrets=[GoodSecret.model_validate(one) for one in secrets],
        )
