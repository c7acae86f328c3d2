"""Bodies and answers of requests for a dossier."""

from datetime import date, datetime
from typing import Annotated, Literal, Self
from uuid import UUID

from chassis.bodies import Answer, RequestBody
from chassis.fields import Day, Email, Line, Name, Phone, line
from pydantic import AfterValidator, Field, StringConstraints, model_validator

from identity.desk_requests import RequestStatus
from identity.fields import refusal


def _postcode(postcode: str) -> str:
    if len(postcode) != 5 or not (postcode.isascii() and postcode.isdigit()):
        raise ValueError("Un code postal compte cinq chiffres.")
    return postcode


def _storable(words: str) -> str:
    if "\0" in words:
        raise ValueError("Ce texte contient un caractère qui ne peut pas être enregistré.")
    return words


class AddressAsked(RequestBody):
    street: Line
    postcode: Annotated[str, AfterValidator(_postcode)]
    city: Line


class ChildAsked(RequestBody):
    first_name: Name
    last_name: Name
    birth_date: Day


class DossierAsked(RequestBody):
    """Who asks becomes the first guardian; the desk asks for what else it needs."""

    first_name: Name
    last_name: Name
    email: Email
    phone: Phone | None = None
    address: AddressAsked
    children: list[ChildAsked] = Field(min_length=1, max_length=10)
    message: Annotated[str, StringConstraints(max_length=1000), AfterValidator(_storable)] | None = None


class Address(Answer):
    street: str
    postcode: str
    city: str


class Child(Answer):
    first_name: str
    last_name: str
    birth_date: date


class DossierRequest(Answer):
    """`decided_by` is the account of who decided."""

    id: UUID
    status: RequestStatus
    first_name: str
    last_name: str
    email: str
    phone: str | None
    address: Address
    children: list[Child]
    message: str | None
    created_at: datetime
    dossier_id: UUID | None
    reason: str | None
    decided_by: UUID | None
    decided_at: datetime | None


class DossierDecision(RequestBody):
    """`dossier_id` is the dossier that was made of it; `guardian_id` its guardian who asked, if the names differ.

    `reason` is kept and, of a refusal, told to who asked.
    """

    decision: Literal["accepted", "refused"]
    dossier_id: UUID | None = None
    guardian_id: UUID | None = None
    reason: Annotated[str, line(500)]

    @model_validator(mode="after")
    def _with_a_dossier(self) -> Self:
        if (self.decision == "accepted") != (self.dossier_id is not None):
            raise refusal("/dossier_id", "Indiquez le dossier créé pour cette famille, et alors seulement.")
        if self.guardian_id is not None and self.dossier_id is None:
            raise refusal("/guardian_id", "Un responsable ne s'indique qu'avec son dossier.")
        return self
