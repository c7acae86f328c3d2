"""What an agent sends of a household, and what is answered of a child."""

from datetime import date
from typing import Annotated, Any, Literal, Self
from uuid import UUID

from chassis.bodies import Answer, RequestBody
from chassis.fields import Day, Email, Line, Name, Phone, Reason, Shape
from contracts import dossier as contract
from contracts.dossier import Level, Role
from pydantic import AfterValidator, AwareDatetime, ConfigDict, Field

from dossier.households import rules
from dossier.households.models import PlannedChange
from dossier.schemas import ChildAnswer, DossierAnswer

Number = Annotated[
    str, Shape("^[0-9A-Za-z-]{1,20}$", "Un numéro de dossier compte de 1 à 20 lettres sans accent, chiffres ou tirets.")
]


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


class PlannedAnswer(Answer):
    """What is kept for that day."""

    id: UUID
    day: date


class PlannedChangeAnswer(PlannedAnswer):
    """`about` says in French what it is; `refused`, why it could not be done on its day."""

    kind: Literal["split", "merge", "share", "leave"]
    about: str
    dossier_id: UUID
    child_id: UUID | None
    reason: str | None
    asked_at: AwareDatetime
    asked_by_name: str | None
    refused: str | None

    @classmethod
    def of(cls, change: PlannedChange, about: str) -> Self:
        return cls.model_validate(vars(change) | {"about": about})


class Touching(Answer):
    """What a change comes to, in French; what is shown with it is as it is after it, or by a preview as it is."""

    touches: list[str]


class Touched(Touching):
    dossier: DossierAnswer


class FromDay(RequestBody):
    """From a day on: none is today."""

    since: Day | None = Field(default=None, validation_alias="from")


class Later(Touching):
    """`planned`: kept for the later day it is to be done on."""

    planned: PlannedAnswer | None


_Whose = rules.Whose
#: Said and answered in the same words.
_BY_ALIAS = ConfigDict(serialize_by_alias=True)


def one_or_two_weeks(days: list[_Whose]) -> list[_Whose]:
    if len(days) not in (7, 14):
        raise ValueError("Sept jours sont attendus, ou quatorze pour une semaine sur deux, à partir du lundi.")
    return days


class CustodyPattern(RequestBody):
    """From that day on, until the next pattern: whose the days are, over and over, from the Monday of its week on."""

    model_config = _BY_ALIAS

    valid_from: Day = Field(validation_alias="from", serialization_alias="from")
    days: Annotated[list[_Whose], AfterValidator(one_or_two_weeks)]


def _in_order(exception: "CustodyException") -> "CustodyException":
    if exception.last_day < exception.first_day:
        raise ValueError("Le dernier jour ne peut pas précéder le premier.")
    return exception


class CustodyException(RequestBody):
    """Both days included."""

    model_config = _BY_ALIAS

    first_day: Day = Field(validation_alias="from", serialization_alias="from")
    last_day: Day = Field(validation_alias="to", serialization_alias="to")
    whose: _Whose


def _each_day_once(patterns: list[CustodyPattern]) -> list[CustodyPattern]:
    if len({one.valid_from for one in patterns}) < len(patterns):
        raise ValueError("Deux rythmes commencent le même jour.")
    return sorted(patterns, key=lambda one: one.valid_from)


def _apart(exceptions: list[CustodyException]) -> list[CustodyException]:
    if rules.overlapping((one.first_day, one.last_day) for one in exceptions):
        raise ValueError("Deux exceptions portent sur le même jour.")
    return sorted(exceptions, key=lambda one: one.first_day)


class Custody(RequestBody):
    """Whose each day of a child of two dossiers is, as that one (`dossier_id`) says it; without a pattern: nobody's."""

    dossier_id: UUID | None = None
    patterns: Annotated[list[CustodyPattern], Field(max_length=50), AfterValidator(_each_day_once)]
    exceptions: Annotated[
        list[Annotated[CustodyException, AfterValidator(_in_order)]], Field(max_length=200), AfterValidator(_apart)
    ] = Field(default=[])


class CustodyAnswer(Answer):
    """The same, as the caller's dossier sees it; `shared`: whether the child has another dossier at all, which one only
    the desk is told when it reads."""

    shared: bool
    other_dossier_id: UUID | None = None
    patterns: list[CustodyPattern]
    exceptions: list[CustodyException]

    @classmethod
    def of(cls, custody: contract.Custody | None, family: UUID, *, shared: bool, **more: Any) -> Self:
        def whose(dossier_id: UUID) -> _Whose:
            return "own" if dossier_id == family else "other"

        patterns, exceptions = (custody.patterns, custody.exceptions) if custody else ((), ())
        return cls(
            **more,
            shared=shared,
            patterns=[
                CustodyPattern.model_validate({"from": one.valid_from, "days": [whose(day) for day in one.days]})
                for one in patterns
            ],
            exceptions=[
                CustodyException.model_validate(
                    {"from": one.first_day, "to": one.last_day, "whose": whose(one.dossier_id)}
                )
                for one in exceptions
            ],
        )


class CustodyTouched(CustodyAnswer, Touching):
    """The same, and what it comes to."""


class PayerChange(RequestBody):
    """The adult who pays from that day on."""

    adult_id: UUID
    valid_from: Day = Field(validation_alias="from")


class ChildOfSplit(RequestBody):
    """A child that the new dossier has; `shared`: the other one as well."""

    child_id: UUID
    shared: bool


def _distinct(ids: list[UUID]) -> list[UUID]:
    if len(set(ids)) < len(ids):
        raise ValueError("Une personne est donnée deux fois.")
    return ids


def _each_child_once(children: list[ChildOfSplit]) -> list[ChildOfSplit]:
    _distinct([one.child_id for one in children])
    return children


class OtherDossier(FromDay):
    """A dossier that the child belongs to from that day on, and where it moves there the one that it `leaves`."""

    dossier_id: UUID
    leaves: UUID | None = None


class ChildTouched(Later):
    """`child` is as that dossier sees it."""

    child: ChildAnswer


class Split(FromDay):
    """Who has a dossier of their own from that day on; without an address, at the same one."""

    adults: Annotated[list[UUID], Field(min_length=1, max_length=10), AfterValidator(_distinct)]
    children: Annotated[list[ChildOfSplit], Field(max_length=20), AfterValidator(_each_child_once)]
    address: NewAddress | None = None


class SplitAnswer(Touched, Later):
    """`created` is the new dossier; none as long as there is none."""

    created: DossierAnswer | None


class Merge(FromDay):
    """The dossier that is kept, and why the two are one."""

    into: UUID
    reason: Reason


class MergeAnswer(Touched, Later):
    """`into` is the dossier that is kept."""

    into: DossierAnswer


class Priorities(RequestBody):
    """Codes of the town's criteria that the desk certifies: all of them."""

    priorities: Annotated[list[Line], Field(max_length=50)]
