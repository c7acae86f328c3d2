"""What an agent sends of a household, and what is answered of a child."""

from typing import Annotated, Literal
from uuid import UUID

from chassis.bodies import RequestBody
from chassis.fields import Day, Email, Line, Name, Phone, Reason
from contracts.dossier import Level, Role
from pydantic import AfterValidator, Field, StringConstraints

from dossier.households import rules

Number = Annotated[str, StringConstraints(pattern="^[0-9A-Za-z-]{1,20}$")]


def _school_year(written: str) -> str:
    if not rules.is_school_year(written):
        raise ValueError("Une année scolaire est attendue, par exemple 2026-2027.")
    return written


def _postcode(written: str) -> str:
    if not (len(written) == 5 and written.isascii() and written.isdigit()):
        raise ValueError("Cinq chiffres sont attendus.")
    return written


class NewAddress(RequestBody):
    street: Line
    postcode: Annotated[str, AfterValidator(_postcode)]
    city: Line


class _Adult(RequestBody):
    first_name: Name
    last_name: Name
    email: Email | None = None
    phone: Phone | None = None


class FirstAdult(_Adult):
    """An adult of a new dossier."""

    roles: Annotated[list[Role], Field(min_length=1)]


class NewAdult(_Adult):
    """Who pays is said from a day, by itself."""

    roles: Annotated[list[Literal["legal_guardian", "contact"]], Field(min_length=1)]


class Roles(RequestBody):
    """Whether the adult is a legal guardian, or somebody to call; paying is said by itself."""

    roles: list[Literal["legal_guardian", "contact"]]


class Schooling(RequestBody):
    """In one school year (« 2026-2027 »); `school_id` is a school of the catalogue."""

    school_year: Annotated[str, AfterValidator(_school_year)]
    school_id: UUID
    level: Level
    class_name: Line | None = None


def _each_year_once(schooling: list[Schooling]) -> list[Schooling]:
    if len({one.school_year for one in schooling}) < len(schooling):
        raise ValueError("Une année scolaire est donnée deux fois.")
    return schooling


EachYear = Annotated[list[Schooling], Field(max_length=30), AfterValidator(_each_year_once)]


class Schoolings(RequestBody):
    """Of every school year that is known: what is left out is forgotten."""

    dossier_id: UUID | None = None
    schooling: EachYear


class NewChild(RequestBody):
    """`resident`, of the town, is judged by the dossier's address where it is not said."""

    first_name: Name
    last_name: Name
    birth_date: Day
    resident: bool | None = None
    schooling: EachYear = Field(default=[])


def _whole(adults: list[FirstAdult]) -> list[FirstAdult]:
    if not any("legal_guardian" in one.roles for one in adults):
        raise ValueError("Un dossier compte au moins un responsable légal.")
    if sum("payer" in one.roles for one in adults) > 1:
        raise ValueError("Un dossier n'a qu'un payeur à la fois.")
    return adults


class NewDossier(RequestBody):
    """The next number where none is given; the first legal guardian pays where nobody is said to.

    `override_reason`: why it is created though the family seems to have one.
    """

    number: Number | None = None
    address: NewAddress
    adults: Annotated[list[FirstAdult], Field(min_length=1, max_length=10), AfterValidator(_whole)]
    children: Annotated[list[NewChild], Field(max_length=20)] = Field(default=[])
    override_reason: Reason | None = None


class Priorities(RequestBody):
    """Codes of the town's criteria that the desk certifies: all of them."""

    priorities: Annotated[list[Line], Field(max_length=50)]
