"""The columns of files: a line a family, its adults and children numbered (`adulte1_nom`), or a line a quotient."""

import re
from collections.abc import Mapping, Sequence
from typing import Literal

from contracts.dossier import Level, Menu, Role
from french.names import name_key

#: So many adults and children a line may have.
ADULTS, CHILDREN = 10, 20

#: By column, the field that its values are.
FAMILY: Mapping[str, str] = {
    "numero": "number",
    "rue": "street",
    "code_postal": "postcode",
    "commune": "city",
    "quotient": "value",
    "quotient_source": "source",
    "quotient_debut": "valid_from",
}
QUOTIENT: Mapping[str, str] = {
    "numero": "number",
    "quotient": "value",
    "quotient_source": "source",
    "quotient_debut": "counts_from",
    "quotient_fin": "valid_to",
    "motif": "reason",
}
ADULT: Mapping[str, str] = {
    "nom": "last_name",
    "prenom": "first_name",
    "courriel": "email",
    "telephone": "phone",
    "role": "roles",
}
CHILD: Mapping[str, str] = {
    "nom": "last_name",
    "prenom": "first_name",
    "naissance": "birth_date",
    "ecole": "school",
    "niveau": "level",
    "classe": "class_name",
    "menu": "menu",
}
Kind = Literal["families", "quotients"]
NEEDED: Mapping[Kind, Sequence[str]] = {
    "families": ("numero", "rue", "code_postal", "commune", "adulte1_nom", "adulte1_prenom"),
    "quotients": ("numero", "quotient"),
}

#: What stands in the cells, without case, accents and spaces.
ROLES: Mapping[str, Role] = {"responsable": "legal_guardian", "payeur": "payer", "contact": "contact"}
LEVELS: Mapping[str, Level] = {"maternelle": "nursery", "elementaire": "elementary"}
MENUS: Mapping[str, Menu] = {
    "standard": "standard",
    "sansporc": "no_pork",
    "vegetarien": "vegetarian",
    "panier": "own_meal",
}
SOURCES: Mapping[str, str] = {"caf": "caf", "msa": "msa", "commune": "municipal"}


def titles(adults: int, children: int) -> list[str]:
    """All columns of a file of families that have so many adults and children at most."""
    return [
        *("numero", "rue", "code_postal", "commune"),
        *(f"adulte{number}_{field}" for number in range(1, adults + 1) for field in ADULT),
        *(f"enfant{number}_{field}" for number in range(1, children + 1) for field in CHILD),
        *("quotient", "quotient_source", "quotient_debut"),
    ]


_TITLES: Mapping[Kind, Sequence[str]] = {
    "families": titles(ADULTS, CHILDREN),
    "quotients": list(QUOTIENT),
}
_KNOWN = {kind: {name_key(title): title for title in titles} for kind, titles in _TITLES.items()}


def known(title: str, kind: Kind = "families") -> str | None:
    """The column of that title however it was written: « Code postal » is `code_postal`; None: there is no such."""
    return _KNOWN[kind].get(name_key(title))


def place(column: str) -> tuple[str, int, str]:
    """Where the values of a known column go: (adults, 1, last_name) of `adulte1_nom`, ("", 0, number) of `numero`."""
    numbered = re.fullmatch("(adulte|enfant)([0-9]+)_(.+)", column)
    if numbered is None:
        return "", 0, FAMILY[column]
    if numbered[1] == "adulte":
        return "adults", int(numbered[2]), ADULT[numbered[3]]
    return "children", int(numbered[2]), CHILD[numbered[3]]
