"""The families of a town's description: those written there, then those drawn from its lists of names."""

import random
import re
import unicodedata
from collections.abc import Iterator, Mapping, Sequence
from itertools import count, islice
from typing import Annotated, Literal, get_args

from chassis.towns import Code, Email, Entry, Matching, Words, refers_to, unique_in
from contracts.dossier import Level
from pydantic import Field, field_validator, model_validator

from dossier import completeness
from dossier.documents.kinds import USUAL, DocumentKindEntry

#: Two adults and four children.
LARGEST = 6

Postcode = Annotated[str, Matching("[0-9]{5}", "Cinq chiffres sont attendus, entre guillemets.")]
Euros = Annotated[int, Field(ge=0, le=1_000_000)]


class AdultEntry(Entry):
    first_name: Words
    last_name: Words
    email: Email | None = None
    phone: Words | None = None


class ChildEntry(Entry):
    """`age` in whole years on the day of loading; `school` is a site's code."""

    first_name: Words
    last_name: Words
    age: Annotated[int, Field(ge=0, le=17)]
    school: Annotated[Code, refers_to("schools")] | None = None


class Address(Entry):
    street: Words
    postcode: Postcode
    city: Words


class Family(Entry):
    """`quotient` is in whole euros."""

    number: Annotated[
        str,
        Matching("[0-9A-Za-z-]{1,20}", "De 1 à 20 chiffres, lettres ou tirets sont attendus, entre guillemets."),
        unique_in("families", by="number"),
    ]
    address: Address
    adults: Annotated[list[AdultEntry], Field(min_length=1)]
    children: list[ChildEntry]
    quotient: Euros | None = None

    @field_validator("children")
    @classmethod
    def _first_names_differ(cls, children: list[ChildEntry]) -> list[ChildEntry]:
        if len({child.first_name for child in children}) < len(children):
            raise ValueError("Deux enfants portent le même prénom.")
        return children


class GeneratedFamilies(Entry):
    """Drawn, always the same for one seed; `quotients` are the lowest and the highest."""

    count: Annotated[int, Field(ge=0, le=10_000_000)]
    seed: int
    first_number: Annotated[int, Field(ge=1, le=10**15)]
    last_names: Annotated[list[Words], Field(min_length=1)]
    first_names: Annotated[list[Words], Field(min_length=LARGEST)]
    streets: Annotated[list[Words], Field(min_length=1)]
    quotients: Annotated[list[Euros], Field(min_length=2, max_length=2)]

    @field_validator("first_names")
    @classmethod
    def _first_names_differ(cls, names: list[str]) -> list[str]:
        if len(set(names)) < len(names):
            raise ValueError("Un prénom est donné deux fois.")
        return names

    @field_validator("quotients")
    @classmethod
    def _lowest_first(cls, quotients: list[int]) -> list[int]:
        if quotients[0] > quotients[1]:
            raise ValueError("Le quotient le plus bas vient en premier.")
        return quotients


class Commune(Entry):
    name: Words
    postcode: Postcode


class School(Entry):
    code: Code
    level: Level


class Criterion(Entry):
    """`certified` is what an agent certifies in a dossier, under this code."""

    code: Code
    kind: Literal["resident", "sibling", "certified"]


class WaitingList(Entry):
    criteria: list[Criterion]


class Completeness(Entry):
    """What a dossier needs beside a legal guardian and a payer; `documents` are kinds that the desk must accept."""

    fields: list[completeness.Field] = Field(default=list(completeness.USUAL))
    documents: list[Code] = Field(default=[])
    certification: bool = False


class Town(Entry):
    """What the dossier service takes from a town's description."""

    town: Commune
    schools: list[School]
    waiting_list: WaitingList
    families: list[Family] = Field(default=[])
    generated_families: GeneratedFamilies | None = None
    document_kinds: list[DocumentKindEntry] = Field(default=USUAL)
    completeness: Completeness = Completeness()

    @model_validator(mode="after")
    def _documents_are_known(self) -> "Town":
        kinds = {kind.code for kind in self.document_kinds}
        if unknown := [code for code in self.completeness.documents if code not in kinds]:
            raise ValueError(f"completeness.documents : « {unknown[0]} » n'existe pas dans document_kinds.")
        return self

    @model_validator(mode="after")
    def _drawn_children_have_schools(self) -> "Town":
        if self.generated_families and {school.level for school in self.schools} != {"nursery", "elementary"}:
            raise ValueError("generated_families demande une école de chaque niveau (nursery et elementary).")
        return self


def families(town: Town) -> Iterator[Family]:
    """Every family of the town, one at a time: their number may be any."""
    yield from town.families
    if lists := town.generated_families:
        taken = {family.number for family in town.families}
        drawn = (family for family in _drawn(town, lists) if family.number not in taken)
        yield from islice(drawn, lists.count)


def level_at(age: int) -> Level:
    """Where a child of that age goes to school."""
    return "nursery" if age < 6 else "elementary"


def _drawn(town: Town, lists: GeneratedFamilies) -> Iterator[Family]:
    """For ever; the family of a number depends only on the lists and the seed."""
    schools = {level: [school.code for school in town.schools if school.level == level] for level in get_args(Level)}
    for number in count(lists.first_number):
        draw = random.Random(f"{lists.seed} {number}")  # noqa: S311 -- reproducible, and no secret
        last_name = draw.choice(lists.last_names)
        adults, children = draw.choice((1, 2, 2)), draw.choice((1, 1, 2, 2, 2, 3, 3, 4))
        first_names = draw.sample(lists.first_names, adults + children)
        street = f"{draw.randint(1, 99)} {draw.choice(lists.streets)}"
        yield Family(
            number=str(number),
            address=Address(street=street, postcode=town.town.postcode, city=town.town.name),
            adults=[
                AdultEntry(
                    first_name=first_name,
                    last_name=last_name,
                    email=_email(first_name, last_name, number),
                    phone=_phone(number, position),
                )
                for position, first_name in enumerate(first_names[:adults])
            ],
            children=[_child(draw, schools, first_name, last_name) for first_name in first_names[adults:]],
            quotient=draw.randint(*lists.quotients) if draw.random() < 0.9 else None,
        )


def _child(draw: random.Random, schools: Mapping[Level, Sequence[str]], first_name: str, last_name: str) -> ChildEntry:
    age = draw.randint(3, 11)
    return ChildEntry(first_name=first_name, last_name=last_name, age=age, school=draw.choice(schools[level_at(age)]))


def _email(first_name: str, last_name: str, number: int) -> str:
    plain = unicodedata.normalize("NFKD", f"{first_name}.{last_name}.{number}").lower()
    return re.sub("[^a-z0-9.-]", "", plain) + "@example.org"


def _phone(number: int, position: int) -> str:
    # 06 39 98 is kept by the regulator for fiction: nobody's telephone rings.
    return f"063998{(2 * number + position) % 10_000:04}"
