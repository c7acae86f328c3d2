"""The families of a town's description: those written there, then those drawn from its lists of names."""

import random
import unicodedata
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from itertools import count, islice
from typing import Any


@dataclass(frozen=True)
class AdultEntry:
    first_name: str
    last_name: str
    email: str | None
    phone: str | None


@dataclass(frozen=True)
class ChildEntry:
    """`age` in whole years on the day of loading; `school` is a site's code."""

    first_name: str
    last_name: str
    age: int
    school: str | None


@dataclass(frozen=True)
class Family:
    """`address` holds street, postcode and city; `quotient` is in whole euros."""

    number: str
    address: Mapping[str, str]
    adults: tuple[AdultEntry, ...]
    children: tuple[ChildEntry, ...]
    quotient: int | None


def families(town: Mapping[str, Any]) -> Iterator[Family]:
    """Every family of the town, one at a time: their number may be any."""
    written = [_written(entry) for entry in town.get("families", ())]
    yield from written
    if "generated_families" in town:
        taken = {family.number for family in written}
        drawn = (family for family in _drawn(town) if family.number not in taken)
        yield from islice(drawn, town["generated_families"]["count"])


def level_at(age: int) -> str:
    """Where a child of that age goes to school."""
    return "nursery" if age < 6 else "elementary"


def _written(entry: Mapping[str, Any]) -> Family:
    return Family(
        number=entry["number"],
        address=entry["address"],
        adults=tuple(
            AdultEntry(adult["first_name"], adult["last_name"], adult.get("email"), adult.get("phone"))
            for adult in entry["adults"]
        ),
        children=tuple(
            ChildEntry(child["first_name"], child["last_name"], child["age"], child.get("school"))
            for child in entry["children"]
        ),
        quotient=entry.get("quotient"),
    )


def _drawn(town: Mapping[str, Any]) -> Iterator[Family]:
    """For ever; the family of a number depends only on the lists and the seed."""
    lists = town["generated_families"]
    for number in count(lists["first_number"]):
        draw = random.Random(f"{lists['seed']} {number}")  # noqa: S311 -- reproducible, and no secret
        last_name = draw.choice(lists["last_names"])
        adults, children = draw.choice((1, 2, 2)), draw.choice((1, 1, 2, 2, 2, 3, 3, 4))
        first_names = draw.sample(lists["first_names"], adults + children)
        street = f"{draw.randint(1, 99)} {draw.choice(lists['streets'])}"
        yield Family(
            number=str(number),
            address={"street": street, "postcode": town["town"]["postcode"], "city": town["town"]["name"]},
            adults=tuple(
                AdultEntry(first_name, last_name, _email(first_name, last_name, number), _phone(number, position))
                for position, first_name in enumerate(first_names[:adults])
            ),
            children=tuple(_child(draw, town, first_name, last_name) for first_name in first_names[adults:]),
            quotient=draw.randint(*lists["quotients"]) if draw.random() < 0.9 else None,
        )


def _child(draw: random.Random, town: Mapping[str, Any], first_name: str, last_name: str) -> ChildEntry:
    age = draw.randint(3, 11)
    schools = [school["code"] for school in town["schools"] if school["level"] == level_at(age)]
    return ChildEntry(first_name, last_name, age, draw.choice(schools))


def _email(first_name: str, last_name: str, number: int) -> str:
    plain = unicodedata.normalize("NFKD", f"{first_name}.{last_name}.{number}").encode("ascii", "ignore").decode()
    return plain.lower().replace(" ", "") + "@example.org"


def _phone(number: int, position: int) -> str:
    # 06 39 98 is kept by the regulator for fiction: nobody's telephone rings.
    return f"063998{(2 * number + position) % 10_000:04}"
