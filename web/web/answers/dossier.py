"""What dossier answers."""

import datetime

from web.answers import Answer


class Address(Answer):
    street: str
    postcode: str
    city: str


class Adult(Answer):
    id: str
    first_name: str
    last_name: str
    roles: list[str]
    email: str | None
    phone: str | None
    has_account: bool | None = None


class Schooling(Answer):
    school_year: str
    school_id: str
    level: str
    class_name: str | None


class Child(Answer):
    id: str
    first_name: str
    last_name: str
    birth_date: datetime.date
    schooling: list[Schooling]
    menu: str


class Quotient(Answer):
    value: int
    source: str
    valid_from: datetime.date
    valid_to: datetime.date


class Person(Answer):
    id: str
    first_name: str
    last_name: str


class FoundDossier(Answer):
    """One that a search has found."""

    id: str
    number: str
    address: Address | None = None
    adults: list[Person]
    children: list[Person]


class Dossier(Answer):
    """`missing` says in French what keeps it incomplete."""

    id: str
    number: str
    address: Address | None
    adults: list[Adult]
    children: list[Child]
    quotient: Quotient | None
    missing: list[str]

    @property
    def family_name(self) -> str:
        """« Moreau », « Moreau – Diallo »: its guardians'."""
        guardians = [one for one in self.adults if "legal_guardian" in one.roles] or self.adults
        return " – ".join(dict.fromkeys(one.last_name for one in guardians))
