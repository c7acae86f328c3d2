"""Bodies and answers of sessions."""

from datetime import datetime
from typing import Self
from uuid import UUID

from chassis.bodies import Answer, RequestBody
from chassis.fields import Line
from chassis.reach import Reach
from contracts.caller import ACCESS_VALID, CallerRole
from pydantic import ConfigDict, Field, model_validator

from identity.fields import Code, Password, Secret, refusal
from identity.sessions.lines import Granted
from identity.sessions.models import SignedIn


class SignIn(RequestBody):
    """`login` is a username or an email; with `password`, and for staff `otp`, their application's code.

    Site staff give the `device_token` of their tablet and their `pin` instead.
    """

    model_config = ConfigDict(
        json_schema_extra={"oneOf": [{"required": ["password"]}, {"required": ["device_token", "pin"]}]}
    )

    login: Line
    password: Password | None = None
    otp: Code | None = None
    device_token: Secret | None = None
    pin: Code | None = None

    @model_validator(mode="after")
    def _one_way(self) -> Self:
        if self.device_token is None and self.pin is None:
            if self.password is None:
                raise refusal("/password", "Indiquez votre mot de passe.")
            return self
        for name in ("password", "otp"):
            if getattr(self, name) is not None:
                raise refusal(f"/{name}", "Sur une tablette, indiquez seulement l'identifiant et le code PIN.")
        for name, said in (("device_token", "Cette tablette n'est pas reconnue."), ("pin", "Indiquez votre code PIN.")):
            if getattr(self, name) is None:
                raise refusal(f"/{name}", said)
        return self


class RefreshAsked(RequestBody):
    refresh_token: Secret


class Tokens(Answer):
    """`expires_in`: seconds that the access token is good for."""

    access_token: str
    refresh_token: str
    token_type: str = "Bearer"  # noqa: S105 -- the name of a scheme
    expires_in: int

    @classmethod
    def of(cls, granted: Granted) -> Self:
        return cls(**granted._asdict(), expires_in=int(ACCESS_VALID.total_seconds()))


class OwnSession(Answer):
    """From a sign-in on; `used_at` is when it was last refreshed, and it ends at `expires_at` if it is not before."""

    id: UUID
    created_at: datetime
    used_at: datetime
    expires_at: datetime
    current: bool

    @classmethod
    def of(cls, line: SignedIn, caller: Reach) -> Self:
        return cls(
            id=line.id,
            created_at=line.created_at,
            used_at=line.rotated_at,
            expires_at=line.expires_at,
            current=line.id == caller.sid,
        )


class OwnSessions(Answer):
    items: list[OwnSession]


class Me(Answer):
    id: UUID
    status: str
    role: CallerRole
    username: str
    first_name: str
    last_name: str
    email: str
    dossier_id: UUID | None
    guardian_id: UUID | None
    site_ids: list[UUID]
    regies: list[str]
    has_second_factor: bool


class KeySet(Answer):
    """A JWK set (RFC 7517) of public keys."""

    keys: list[dict[str, str]] = Field(min_length=1)
