"""What keeps a dossier incomplete."""

from typing import NamedTuple

import pytest
from contracts.dossier import PostalAddress, Role
from dossier.completeness import missing

HOME = PostalAddress(street="1 rue", postcode="94990", city="Ville")


class Adult(NamedTuple):
    roles: tuple[Role, ...]
    phone: str | None = "0639980000"


def test_a_dossier_with_address_guardian_telephone_and_payer_is_complete() -> None:
    assert missing(HOME, [Adult(("legal_guardian", "payer"))]) == ()
    assert missing(HOME, [Adult(("legal_guardian",)), Adult(("payer",), phone=None)]) == ()


@pytest.mark.parametrize(
    ("address", "adults", "lacks"),
    [
        (None, [Adult(("legal_guardian", "payer"))], ["adresse postale"]),
        (HOME, [Adult(("payer",))], ["responsable légal", "téléphone d'un responsable légal"]),
        (
            HOME,
            [Adult(("legal_guardian", "payer"), phone=None), Adult(("contact",))],
            ["téléphone d'un responsable légal"],
        ),
        (HOME, [Adult(("legal_guardian",))], ["payeur"]),
    ],
)
def test_an_incomplete_dossier_names_what_it_lacks(
    address: PostalAddress | None, adults: list[Adult], lacks: list[str]
) -> None:
    assert list(missing(address, adults)) == lacks
