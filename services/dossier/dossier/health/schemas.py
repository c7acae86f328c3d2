"""A health record as it is written, sealed and answered; briefs; who has read it."""

from datetime import date
from typing import Annotated
from uuid import UUID

from chassis.bodies import Answer, RequestBody
from chassis.fields import Day, Phone, line
from contracts.caller import CallerRole
from contracts.dossier import Menu
from pydantic import AfterValidator, AwareDatetime, Field, StringConstraints


def _storable(words: str) -> str:
    if "\0" in words:
        raise ValueError("Ce texte contient un caractère qui ne peut pas être enregistré.")
    return words


#: None: nothing to say.
Words = Annotated[
    str, StringConstraints(strip_whitespace=True, min_length=1, max_length=2000), AfterValidator(_storable)
]


class Pai(RequestBody):
    """A protocol signed for the child (projet d'accueil individualisé): from the first to the last day, both included;
    what is to be done.
    """

    valid_from: Day
    valid_to: Day
    instructions: Words


class Doctor(RequestBody):
    name: Annotated[str, line(100)]
    phone: Phone | None = None


class Vaccine(RequestBody):
    name: Annotated[str, line(100)]
    date: Day


class HealthContent(RequestBody):
    """All of a record. What is not given is not known, or nothing."""

    allergies: Words | None = None
    treatments: Words | None = None
    pai: Pai | None = None
    doctor: Doctor | None = None
    vaccines: list[Vaccine] = Field(default=[], max_length=50)
    remarks: Words | None = None


class HealthChange(HealthContent):
    """`dossier_id` is named by the desk alone."""

    dossier_id: UUID | None = None

    def content(self) -> HealthContent:
        return HealthContent.model_validate(self.model_dump(exclude={"dossier_id"}))


class HealthAnswer(HealthContent):
    """`version` 0: nothing was ever written."""

    child_id: UUID
    version: int
    changed_at: AwareDatetime | None


class ChildIds(RequestBody):
    child_ids: Annotated[list[UUID], Field(min_length=1, max_length=300)]


class Brief(Answer):
    """What who looks after a child must know today; `pai` only while it is valid."""

    child_id: UUID
    first_name: str
    last_name: str
    birth_date: date
    menu: Menu
    allergies: str | None
    treatments: str | None
    pai: Pai | None
    doctor: Doctor | None
    remarks: str | None


class Briefs(Answer):
    items: list[Brief]


class AccessAnswer(Answer):
    """A read: by whom (`mine`: by the caller's own account), at which site, and why, as they said."""

    id: UUID
    at: AwareDatetime
    role: CallerRole
    mine: bool
    site_name: str | None
    reason: str | None
