"""What dossier answers."""

from datetime import date
from typing import Any, Literal, Self
from uuid import UUID

from chassis.bodies import Answer
from contracts.dossier import Level, Menu, PostalAddress, Role
from french.calendar import school_year
from pydantic import AwareDatetime

from dossier.models import Child, Dossier, DossierStatus
from dossier.models import Person as RecordedPerson
from dossier.quotient import in_force


class Person(Answer):
    id: UUID
    first_name: str
    last_name: str


class AdultAnswer(Person):
    """`pays_from`: the day to come from which they pay."""

    roles: list[Role]
    email: str | None
    phone: str | None
    has_account: bool
    pays_from: date | None = None


class SchoolingAnswer(Answer):
    """Of one school year (« 2026-2027 »); `school_id` is a site of the catalogue."""

    school_year: str
    school_id: UUID
    level: Level
    class_name: str | None


class ConsentsAnswer(Answer):
    """May be photographed, goes on outings, goes home alone; nothing where nobody has said."""

    photo: bool | None = None
    outings: bool | None = None
    leaves_alone: bool | None = None


class AuthorisedPerson(Person):
    """Who may pick the child up; `own`: by the word of this dossier, not of the child's other one."""

    relation: str | None
    phone: str
    own: bool


class ForbiddenPerson(Person):
    """Who may not pick the child up, and by which decision of a court."""

    decision: str


class PersonsAnswer(Answer):
    authorised_persons: list[AuthorisedPerson]
    forbidden_persons: list[ForbiddenPerson]

    @staticmethod
    def parts(persons: list[RecordedPerson], dossier_id: UUID) -> dict[str, list[dict[str, Any]]]:
        """Its fields, as that dossier sees them."""
        shown = [vars(one) | {"own": one.dossier_id == dossier_id} for one in persons]
        return {
            "authorised_persons": [one for one in shown if one["decision"] is None],
            "forbidden_persons": [one for one in shown if one["decision"] is not None],
        }


class ChildAnswer(Person, PersonsAnswer):
    birth_date: date
    schooling: list[SchoolingAnswer]
    menu: Menu
    resident: bool
    consents: ConsentsAnswer
    version: int

    @classmethod
    def of(cls, child: Child, dossier_id: UUID) -> Self:
        """As that dossier sees it."""
        return cls(
            id=child.id,
            first_name=child.first_name,
            last_name=child.last_name,
            birth_date=child.birth_date,
            schooling=[SchoolingAnswer.model_validate(year) for year in child.schooling],
            menu=child.menu,
            resident=child.resident,
            consents=ConsentsAnswer(**{one.kind: one.given for one in child.consents}),
            version=child.version,
            **cls.parts(child.persons, dossier_id),
        )


class QuotientAnswer(Answer):
    """Whole euros."""

    value: int
    source: Literal["caf", "msa", "municipal"]
    valid_from: date
    valid_to: date


class CertificationAnswer(Answer):
    """When the family said, of that school year, that all is right."""

    school_year: str
    certified_at: AwareDatetime


class DossierAnswer(Answer):
    """`quotient` is the one in force; `missing` says in French what keeps the dossier incomplete; `certified` is of the
    present school year; `priorities` are codes of the town's criteria that the desk has certified; `merged_into` is the
    dossier that an archived one is part of.
    """

    id: UUID
    number: str
    status: DossierStatus
    address: PostalAddress | None
    adults: list[AdultAnswer]
    children: list[ChildAnswer]
    quotient: QuotientAnswer | None
    missing: list[str]
    certified: CertificationAnswer | None
    priorities: list[str]
    merged_into: UUID | None
    version: int

    @classmethod
    def of(cls, dossier: Dossier, today: date) -> Self:
        quotient = in_force(dossier.quotient_periods, today)
        paying = {one.adult_id: one.valid_from for one in reversed(dossier.payers) if one.valid_from > today}
        return cls(
            id=dossier.id,
            number=dossier.number,
            status=dossier.status,
            address=dossier.address,
            adults=[
                AdultAnswer.model_validate(adult).model_copy(update={"pays_from": paying.get(adult.id)})
                for adult in dossier.adults
            ],
            children=[ChildAnswer.of(child, dossier.id) for child in dossier.children],
            certified=next((one for one in dossier.certifications if one.school_year == school_year(today)), None),
            quotient=QuotientAnswer.model_validate(quotient) if quotient else None,
            missing=dossier.missing,
            priorities=dossier.priorities,
            merged_into=dossier.merged_into,
            version=dossier.version,
        )
