"""Bodies that the API takes and answers that it gives."""

import re
from datetime import datetime
from typing import Annotated, Self
from uuid import UUID

from chassis.bodies import RequestBody
from chassis.problems import Malformed
from contracts.caller import CallerRole
from pydantic import AfterValidator, BaseModel, ConfigDict, Field, StringConstraints, model_validator

from identity.names import name_key


def _line(longest: int) -> StringConstraints:
    # Neither NUL, which PostgreSQL refuses, nor a line end, which a mail's header would.
    return StringConstraints(min_length=1, max_length=longest, pattern=r"^[^\x00-\x1f\x7f]*$")


def _name(name: str) -> str:
    if not name_key(name):
        raise ValueError("Indiquez un nom, en toutes lettres.")
    return name


# What a browser's email field accepts (HTML, "valid e-mail address"), with a dot in the domain.
_EMAIL = re.compile(r"[A-Za-z0-9.!#$%&'*+/=?^_`{|}~-]+@[A-Za-z0-9-]+(\.[A-Za-z0-9-]+)+")


def _email(email: str) -> str:
    if not _EMAIL.fullmatch(email):
        raise ValueError("Indiquez une adresse de courriel complète, par exemple prenom.nom@example.org.")
    return email


def _username(username: str) -> str:
    if not re.fullmatch(r"[\w.-]{3,50}", username):
        raise ValueError("Le nom d'utilisateur compte de 3 à 50 lettres, chiffres, points ou tirets.")
    return username


Line = Annotated[str, _line(254)]
Name = Annotated[str, _line(100), AfterValidator(_name)]
Email = Annotated[str, _line(254), AfterValidator(_email)]
Username = Annotated[str, _line(254), AfterValidator(_username)]
Password = Annotated[str, StringConstraints(min_length=1, max_length=200, strip_whitespace=False)]
Secret = Annotated[str, _line(200)]


class RegistrationCheck(RequestBody):
    """Any of the fields of the first step."""

    last_name: Name | None = None
    first_name: Name | None = None
    email: Email | None = None
    username: Username | None = None
    password: Password | None = None


class ClaimAsked(RequestBody):
    """`first_name` only serves two guardians of one dossier, name and email."""

    dossier_number: Annotated[str, _line(50)]
    last_name: Line
    email: Line
    first_name: Line | None = None


class ClaimGiven(BaseModel):
    dossier_claim: str
    expires_at: datetime


class LinkAsked(RequestBody):
    dossier_number: Annotated[str, _line(50)] | None = None
    last_name: Name
    first_name: Name
    email: Email


class LinkRequest(BaseModel):
    model_config = ConfigDict(from_attributes=True)

    id: UUID
    dossier_number: str | None
    last_name: str
    first_name: str
    email: str
    created_at: datetime


class LinkRequests(BaseModel):
    items: list[LinkRequest]
    next_cursor: UUID | None


class Registration(RequestBody):
    last_name: Name
    first_name: Name
    email: Email
    username: Username
    password: Password
    dossier_claim: Secret
    terms_version: Line
    privacy_version: Line


class ResendAsked(RequestBody):
    email: Line


def _refuse(pointer: str, detail: str) -> Malformed:
    return Malformed(errors=[{"pointer": pointer, "detail": detail}])


class Activation(RequestBody):
    """The password chosen at registration, or a new one in its place, and then perhaps another username too."""

    model_config = ConfigDict(json_schema_extra={"oneOf": [{"required": ["password"]}, {"required": ["new_password"]}]})

    token: Secret
    password: Password | None = None
    new_password: Password | None = None
    username: Username | None = None

    @model_validator(mode="after")
    def _one_password(self) -> Self:
        if self.password is None and self.new_password is None:
            raise _refuse("/password", "Indiquez le mot de passe choisi à l'inscription, ou un nouveau (new_password).")
        if self.password is not None and self.new_password is not None:
            raise _refuse("/new_password", "Indiquez soit le mot de passe choisi à l'inscription, soit un nouveau.")
        if self.username is not None and self.new_password is None:
            raise _refuse("/username", "Le nom d'utilisateur ne change qu'avec un nouveau mot de passe (new_password).")
        return self


class SignIn(RequestBody):
    """`login` is a username or an email; with `password`, and for staff `otp`, their application's code.

    Site staff give the `device_token` of their tablet and their `pin` instead.
    """

    model_config = ConfigDict(
        json_schema_extra={"oneOf": [{"required": ["password"]}, {"required": ["device_token", "pin"]}]}
    )

    login: Line
    password: Password | None = None
    otp: Annotated[str, StringConstraints(min_length=1, max_length=20)] | None = None
    device_token: Secret | None = None
    pin: Annotated[str, StringConstraints(min_length=1, max_length=20)] | None = None

    @model_validator(mode="after")
    def _one_way(self) -> Self:
        if self.device_token is None and self.pin is None:
            if self.password is None:
                raise _refuse("/password", "Indiquez votre mot de passe.")
            return self
        for name in ("password", "otp"):
            if getattr(self, name) is not None:
                raise _refuse(f"/{name}", "Sur une tablette, indiquez seulement l'identifiant et le code PIN.")
        for name, said in (("device_token", "Cette tablette n'est pas reconnue."), ("pin", "Indiquez votre code PIN.")):
            if getattr(self, name) is None:
                raise _refuse(f"/{name}", said)
        return self


class RefreshAsked(RequestBody):
    refresh_token: Secret


class Tokens(BaseModel):
    """`expires_in`: seconds that the access token is good for."""

    access_token: str
    refresh_token: str
    token_type: str = "Bearer"  # noqa: S105 -- the name of a scheme
    expires_in: int


class ClientToken(BaseModel):
    """RFC 6749, section 5.1."""

    access_token: str
    token_type: str = "Bearer"  # noqa: S105 -- the name of a scheme
    expires_in: int
    scope: str


class TokenAsked(BaseModel):
    """RFC 6749, section 4.4.2, client credentials in the body; parameters that it does not know are ignored."""

    grant_type: Line
    client_id: Line
    client_secret: Password
    scope: Line | None = None


class LegalText(BaseModel):
    model_config = ConfigDict(from_attributes=True)

    version: str
    title: str
    text: str


class Me(BaseModel):
    model_config = ConfigDict(from_attributes=True)

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


class KeySet(BaseModel):
    """A JWK set (RFC 7517) of public keys."""

    keys: list[dict[str, str]] = Field(min_length=1)
