"""What a family may wish to be otherwise: each kind with its values, which are compared with those that are there."""

from typing import Annotated, Any, Literal
from uuid import UUID

from chassis.bodies import RequestBody
from chassis.fields import Day, Line, Name
from chassis.identifiers import named_id
from chassis.towns import Matching
from contracts.dossier import Level
from french.names import name_key
from pydantic import AfterValidator, Field

from dossier.households.rules import Whose
from dossier.households.schemas import one_or_two_weeks

Postcode = Annotated[str, Matching("[0-9]{5}", "Un code postal compte cinq chiffres.")]
SchoolYear = Annotated[str, Matching("20[0-9]{2}-20[0-9]{2}", "Une année scolaire est attendue, comme « 2026-2027 ».")]


class _Wish(RequestBody):
    kind: str

    @property
    def subject_id(self) -> UUID | None:
        """The adult or the child whom it is about."""
        return None

    def values(self) -> dict[str, Any]:
        """As they are kept."""
        return self.model_dump(mode="json", exclude={"kind", "adult_id", "child_id"})


class AdultName(_Wish):
    kind: Literal["adult_name"]
    adult_id: UUID
    first_name: Name
    last_name: Name

    @property
    def subject_id(self) -> UUID:
        return self.adult_id


class _OfChild(_Wish):
    child_id: UUID

    @property
    def subject_id(self) -> UUID:
        return self.child_id


class ChildIdentity(_OfChild):
    kind: Literal["child_identity"]
    first_name: Name
    last_name: Name
    birth_date: Day


class School(_OfChild):
    kind: Literal["school"]
    school_year: SchoolYear
    school_id: UUID
    level: Level
    class_name: Line | None = None


class Custody(_OfChild):
    """From that day on, over and over from the Monday of its week: whose the days of one week, or of two, are."""

    kind: Literal["custody"]
    valid_from: Day
    days: Annotated[list[Whose], AfterValidator(one_or_two_weeks)]


class Address(_Wish):
    kind: Literal["address"]
    street: Line
    postcode: Postcode
    city: Line


class Quotient(_Wish):
    """Whole euros."""

    kind: Literal["quotient"]
    value: Annotated[int, Field(ge=0, le=1_000_000)]
    source: Literal["caf", "msa", "municipal"]


class NewChild(_Wish):
    kind: Literal["new_child"]
    first_name: Name
    last_name: Name
    birth_date: Day

    @property
    def subject_id(self) -> UUID:
        """Not yet anybody's: tells twins apart."""
        return named_id(name_key(self.first_name), str(self.birth_date))


Wish = Annotated[
    AdultName | ChildIdentity | School | Custody | Address | Quotient | NewChild, Field(discriminator="kind")
]
