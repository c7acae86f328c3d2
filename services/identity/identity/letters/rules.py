"""Who a letter is addressed to, as the post reads it. Pure."""

from collections.abc import Sequence
from typing import TypedDict


class Named(TypedDict):
    guardian_id: str
    first_name: str
    last_name: str


class Postal(TypedDict):
    street: str
    postcode: str
    city: str


def recipient(guardians: Sequence[Named], only: str | None, number: str) -> str:
    """That one guardian, or all of them; an archived dossier has none any more."""
    named = [one for one in guardians if only in (None, one["guardian_id"])]
    return " et ".join(f"{one['first_name']} {one['last_name']}" for one in named) or f"Famille du dossier {number}"


def address_lines(address: Postal) -> list[str]:
    """The last line in capitals and without commas, as machines sort it."""
    city = " ".join(address["city"].replace(",", " ").split()).upper()
    return [*address["street"].splitlines(), f"{address['postcode']} {city}"]
