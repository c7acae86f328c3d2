"""What keeps a dossier incomplete."""

from dataclasses import dataclass, field
from typing import NamedTuple
from uuid import UUID

import pytest
from chassis.identifiers import named_id
from contracts.dossier import PostalAddress, Role
from dossier.completeness import DocumentNeed, Needs, missing

HOME = PostalAddress(street="1 rue", postcode="94990", city="Ville")
TOM, INES = named_id("Tom"), named_id("Inès")
YEAR = "2026-2027"
HOUSE = DocumentNeed("domicile", "Justificatif de domicile", of_child=False, health=False)
INSURANCE = DocumentNeed("assurance", "Attestation d'assurance", of_child=True, health=False)
VACCINES = DocumentNeed("vaccinations", "Copie des pages de vaccinations", of_child=True, health=True)


class Adult(NamedTuple):
    roles: tuple[Role, ...] = ("legal_guardian", "payer")
    phone: str | None = "0639980000"
    email: str | None = None


class Year(NamedTuple):
    school_year: str


class Child(NamedTuple):
    id: UUID
    first_name: str
    schooling: tuple[Year, ...] = ()
    consents: tuple[str, ...] = ()


@dataclass
class Family:
    address: PostalAddress | None = HOME
    adults: list[Adult] = field(default_factory=lambda: [Adult()])
    children: list[Child] = field(default_factory=list)
    certifications: list[Year] = field(default_factory=list)


@pytest.mark.parametrize(
    ("family", "lacks"),
    [
        (Family(), []),
        (Family(adults=[Adult(("legal_guardian",)), Adult(("payer",), phone=None)]), []),
        (Family(children=[Child(TOM, "Tom")]), []),
        (Family(address=None), ["adresse postale"]),
        (Family(adults=[Adult(("payer",))]), ["responsable légal", "téléphone d'un responsable légal"]),
        (Family(adults=[Adult(phone=None), Adult(("contact",))]), ["téléphone d'un responsable légal"]),
        (Family(adults=[Adult(("legal_guardian",))]), ["payeur"]),
    ],
)
def test_a_town_usually_asks_for_an_address_a_guardian_a_telephone_and_a_payer(
    family: Family, lacks: list[str]
) -> None:
    assert list(missing(family, Needs(), (), YEAR)) == lacks


def test_a_town_may_ask_for_less_and_for_more() -> None:
    children = [Child(TOM, "Tom", (Year(YEAR),), ("a", "b", "c")), Child(INES, "Inès", (Year("2025-2026"),), ("a",))]
    family = Family(address=None, adults=[Adult(phone=None)], children=children)
    assert missing(family, Needs(fields=()), (), YEAR) == ()
    needs = Needs(fields=("email", "school", "consents"), certification=True)
    assert missing(family, needs, (), YEAR) == (
        "courriel d'un responsable légal",
        "école pour Inès",
        "autorisations pour Inès",
        "certification pour l'année scolaire 2026-2027",
    )
    family.certifications.append(Year(YEAR))
    assert missing(family, Needs(fields=(), certification=True), (), YEAR) == ()


def test_documents_are_asked_for_by_name_but_for_those_about_health() -> None:
    family = Family(children=[Child(TOM, "Tom"), Child(INES, "Inès")])
    needs = Needs(documents=(HOUSE, INSURANCE, VACCINES))
    shown: set[tuple[str, UUID | None]] = {("assurance", TOM), ("vaccinations", INES)}
    assert missing(family, needs, shown, YEAR) == (
        "justificatif de domicile",
        "attestation d'assurance pour Inès",
        "document demandé par la ville pour Tom",
    )
    whole = shown | {("domicile", None), ("assurance", INES), ("vaccinations", TOM)}
    assert missing(family, needs, whole, YEAR) == ()
