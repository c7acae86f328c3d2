"""What dossier answers."""

from datetime import date
from typing import Literal, Self
from uuid import UUID

from chassis.bodies import Answer
from contracts.dossier import Level, Menu, PostalAddress, Role

from dossier.models import Dossier, DossierStatus
from dossier.quotient import in_force


class Person(Answer):
    id: UUID
    first_name: str
    last_name: str


class AdultAnswer(Person):
    roles: list[Role]
    email: str | None
    phone: str | None


class SchoolingAnswer(Answer):
    """Of one school year (« 2026-2027 »); `school_id` is a site of the catalogue."""

    school_year: str
    school_id: UUID
    level: Level
    class_name: str | None


class ChildAnswer(Person):
    birth_date: date
    schooling: list[SchoolingAnswer]
    menu: Menu


class QuotientAnswer(Answer):
    """Whole euros."""

    value: int
    source: Literal["caf", "msa", "municipal"]
    valid_from: date
    valid_to: date


class DossierAnswer(Answer):
    """`quotient` is the one in force; `missing` says in French what keeps the dossier incomplete."""

    id: UUID
    number: str
    status: DossierStatus
    address: PostalAddress | None
    adults: list[AdultAnswer]
    children: list[ChildAnswer]
    quotient: QuotientAnswer | None
    missing: tuple[str, ...]

    @classmethod
    def of(cls, dossier: Dossier, today: date) -> Self:
        quotient = in_force(dossier.quotient_periods, today)
        return cls(
            id=dossier.id,
            number=dossier.number,
            status=dossier.status,
            address=dossier.address,
            adults=[AdultAnswer.model_validate(adult) for adult in dossier.adults],
            children=[ChildAnswer.model_validate(child) for child in dossier.children],
            quotient=QuotientAnswer.model_validate(quotient) if quotient else None,
            missing=dossier.missing,
        )


class FoundDossier(Answer):
    id: UUID
    number: str
    status: DossierStatus
    adults: list[Person]
    children: list[Person]
