"""Bodies and answers of registrations."""

from collections.abc import Sequence
from datetime import datetime
from typing import Annotated, Literal, Self
from uuid import UUID

from chassis.bodies import Answer, RequestBody
from chassis.fields import Email, Line, Name, line
from pydantic import ConfigDict, model_validator

from identity.copies import Guardian
from identity.desk_requests import RequestStatus
from identity.fields import Password, Secret, Username, refusal
from identity.registrations.legal import Kind
from identity.registrations.registration import Asked


class LegalText(Answer):
    version: str
    title: str
    text: str


class RegistrationCheck(RequestBody):
    """Any of the fields of the first step."""

    last_name: Name | None = None
    first_name: Name | None = None
    email: Email | None = None
    username: Username | None = None
    password: Password | None = None


class ClaimAsked(RequestBody):
    """`first_name` only serves two guardians of one dossier, name and email."""

    dossier_number: Annotated[str, line(50)]
    last_name: Line
    email: Line
    first_name: Line | None = None


class CodeGiven(RequestBody):
    """The code of an invitation letter, however it is spaced."""

    code: Annotated[str, line(50)]


class InvitationAsked(RequestBody):
    """For that guardian; none: for each of the dossier's who has no account."""

    guardian_id: UUID | None = None


class Invitation(Answer):
    """A letter that is to be printed; its code stands there alone."""

    guardian_id: UUID
    first_name: str
    last_name: str
    expires_at: datetime


class Invitations(Answer):
    items: list[Invitation]


class ClaimGiven(Answer):
    dossier_claim: str
    expires_at: datetime


class LinkAsked(RequestBody):
    dossier_number: Annotated[str, line(50)] | None = None
    last_name: Name
    first_name: Name
    email: Email


class Candidate(Answer):
    """A guardian of the dossier that the request names; `email` as the dossier has it."""

    guardian_id: UUID
    first_name: str
    last_name: str
    email: str | None
    has_account: bool


class LinkRequest(Answer):
    """`decided_by` is the account of who decided."""

    id: UUID
    status: RequestStatus
    dossier_number: str | None
    last_name: str
    first_name: str
    email: str
    created_at: datetime
    guardian_id: UUID | None
    reason: str | None
    decided_by: UUID | None
    decided_at: datetime | None


class LinkRequestToDecide(LinkRequest):
    candidates: list[Candidate]

    @classmethod
    def of(cls, request: object, guardians: Sequence[tuple[Guardian, bool]]) -> Self:
        candidates = [Candidate(**one, has_account=has_account) for one, has_account in guardians]
        return cls(**LinkRequest.model_validate(request).model_dump(), candidates=candidates)


class LinkDecision(RequestBody):
    """For which guardian it is accepted, of whatever dossier; `reason` is kept and, of a refusal, told to who asked."""

    decision: Literal["accepted", "refused"]
    guardian_id: UUID | None = None
    reason: Annotated[str, line(500)]

    @model_validator(mode="after")
    def _for_a_guardian(self) -> Self:
        if (self.decision == "accepted") != (self.guardian_id is not None):
            raise refusal("/guardian_id", "Indiquez pour quel responsable la demande est acceptée, et alors seulement.")
        return self


class Registration(RequestBody):
    last_name: Name
    first_name: Name
    email: Email
    username: Username
    password: Password
    dossier_claim: Secret
    terms_version: Line
    privacy_version: Line

    def asked(self) -> Asked:
        versions: dict[Kind, str] = {"terms": self.terms_version, "privacy": self.privacy_version}
        return Asked(self.dossier_claim, self.email, self.username, self.password, versions)


class ResendAsked(RequestBody):
    email: Line


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
            raise refusal("/password", "Indiquez le mot de passe choisi à l'inscription, ou un nouveau (new_password).")
        if self.password is not None and self.new_password is not None:
            raise refusal("/new_password", "Indiquez soit le mot de passe choisi à l'inscription, soit un nouveau.")
        if self.username is not None and self.new_password is None:
            raise refusal("/username", "Le nom d'utilisateur ne change qu'avec un nouveau mot de passe (new_password).")
        return self
