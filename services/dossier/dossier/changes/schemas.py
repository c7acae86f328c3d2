"""What families and the desk send to change a dossier, and what they are answered."""

from datetime import date
from typing import Annotated, Any, Literal, get_args
from uuid import UUID

from chassis.bodies import Answer, RequestBody
from chassis.fields import Day, Email, Line, Name, Phone, Reason
from contracts.dossier import Menu
from french.names import name_key
from pydantic import AfterValidator, AliasPath, AwareDatetime, Field

from dossier.changes.contacts import Contact
from dossier.changes.models import ChangeStatus
from dossier.changes.persons import Named
from dossier.changes.requests import Decision
from dossier.changes.wishes import Wish
from dossier.models import ConsentKind


class _Named(RequestBody):
    first_name: Name
    last_name: Name


def _each_once(people: list[Any]) -> list[Any]:
    if len({name_key(one.first_name + one.last_name) for one in people}) < len(people):
        raise ValueError("La même personne est donnée deux fois.")
    return people


class AdultChange(RequestBody):
    """What is not sent stays; null takes away what is there."""

    id: UUID
    phone: Phone | None = None
    email: Email | None = None


class NewContact(_Named):
    phone: Phone
    email: Email | None = None


def _each_adult_once(adults: list[AdultChange]) -> list[AdultChange]:
    if len({one.id for one in adults}) < len(adults):
        raise ValueError("La même personne est donnée deux fois.")
    return adults


class ContactsChange(RequestBody):
    """`contacts`, where it is sent, are all the people to call who are neither guardian nor payer."""

    adults: Annotated[list[AdultChange], Field(max_length=20), AfterValidator(_each_adult_once)] = Field(default=[])
    contacts: Annotated[list[NewContact], Field(max_length=10), AfterValidator(_each_once)] | None = None

    def changes(self) -> dict[UUID, dict[str, str | None]]:
        return {one.id: one.model_dump(exclude_unset=True, exclude={"id"}) for one in self.adults}

    def people(self) -> list[Contact] | None:
        return None if self.contacts is None else [Contact(**one.model_dump()) for one in self.contacts]


class Consents(RequestBody):
    """May be photographed, goes on outings, goes home alone; what is not sent stays."""

    photo: bool = Field(default=False)
    outings: bool = Field(default=False)
    leaves_alone: bool = Field(default=False)


class ChildChange(RequestBody):
    """What is not sent stays; `dossier_id` is for the desk alone."""

    menu: Menu | None = None
    consents: Consents = Consents()
    dossier_id: UUID | None = None

    def answers(self) -> dict[ConsentKind, bool]:
        return {
            kind: getattr(self.consents, kind)
            for kind in get_args(ConsentKind)
            if kind in self.consents.model_fields_set
        }


class NewAuthorised(_Named):
    """`relation`: « grand-mère », « voisin »."""

    phone: Phone
    relation: Annotated[Line, Field(max_length=100)] | None = None


class NewForbidden(_Named):
    """`decision`: which one, of which court, of which day."""

    decision: Reason


class Persons(RequestBody):
    """All whom this dossier authorises; `forbidden_persons` and `dossier_id` are for the desk alone."""

    authorised_persons: Annotated[list[NewAuthorised], Field(max_length=20), AfterValidator(_each_once)]
    forbidden_persons: Annotated[list[NewForbidden], Field(max_length=20), AfterValidator(_each_once)] | None = None
    dossier_id: UUID | None = None

    def authorised(self) -> list[Named]:
        return [Named(**one.model_dump()) for one in self.authorised_persons]

    def forbidden(self) -> list[Named] | None:
        sent = self.forbidden_persons
        return None if sent is None else [Named(**one.model_dump()) for one in sent]


class ChangeAsked(RequestBody):
    """`document_ids`: proofs that were handed in before."""

    change: Wish
    document_ids: Annotated[list[UUID], Field(max_length=10)] = Field(default=[])
    comment: Reason | None = None


class DecisionTaken(RequestBody):
    """`counts_from`: the first day of an accepted quotient (not said: of the next month); `resident`: whether who lives
    at an accepted address lives in the town (not said: by its postcode).
    """

    decision: Literal["accepted", "refused"]
    reason: Reason
    counts_from: Day | None = None
    resident: bool | None = None

    def decision_taken(self) -> Decision:
        return Decision(ChangeStatus(self.decision), self.reason, self.counts_from, self.resident)


class ChangeRequestAnswer(Answer):
    """That something be `new` that was `old` when it was asked (null: it was not there); `subject` is whom it is about.

    Decided, it says when and the `reason`; an accepted quotient from which day on it counts.
    """

    id: UUID
    status: ChangeStatus
    dossier_id: UUID
    dossier_number: str = Field(validation_alias=AliasPath("dossier", "number"))
    family: str
    kind: str
    subject_id: UUID | None
    subject: str | None
    old: dict[str, Any] | None
    new: dict[str, Any]
    document_ids: list[UUID]
    comment: str | None
    asked_at: AwareDatetime
    reason: str | None
    counts_from: date | None
    decided_at: AwareDatetime | None
