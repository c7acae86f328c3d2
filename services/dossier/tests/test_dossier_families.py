"""The families drawn for a town."""

from itertools import islice
from typing import Any

import pytest
from dossier.families import Town, families, level_at

WRITTEN: dict[str, Any] = {
    "town": {"name": "Ville", "postcode": "94990"},
    "waiting_list": {"criteria": []},
    "schools": [{"code": "petits", "level": "nursery"}, {"code": "grands", "level": "elementary"}],
    "families": [
        {
            "number": "12",
            "address": {"street": "1 rue", "postcode": "94990", "city": "Ville"},
            "adults": [{"first_name": "Claire", "last_name": "Moreau"}],
            "children": [{"first_name": "Tom", "last_name": "Moreau", "age": 5}],
        }
    ],
    "generated_families": {
        "count": 200,
        "seed": 1,
        "first_number": 11,
        "last_names": ["Lefèvre", "Da Silva"],
        "first_names": ["Adam", "Chloé", "Eva", "Léo", "Maël", "Noah"],
        "streets": ["rue des Écoles"],
        "quotients": [0, 2400],
    },
}


def town(**generated: Any) -> Town:
    return Town.model_validate(WRITTEN | {"generated_families": WRITTEN["generated_families"] | generated})


TOWN = town()


def test_drawn_families_are_the_same_for_one_seed_and_others_for_another() -> None:
    assert list(families(TOWN)) == list(families(TOWN))
    assert list(families(TOWN))[1:] != list(families(town(seed=2)))[1:]


def test_a_larger_town_begins_with_the_families_of_the_smaller() -> None:
    assert list(islice(families(town(count=10_000_000)), 201)) == list(families(TOWN))


def test_a_number_written_in_the_town_is_not_drawn_again() -> None:
    numbers = [family.number for family in families(TOWN)]
    assert numbers[:4] == ["12", "11", "13", "14"]
    assert len(set(numbers)) == len(numbers) == 201


def test_whatever_the_lists_hold_families_can_be_drawn() -> None:
    odd = town(last_names=["D'Arc@\t", "李"], first_names=["a\nb", "@", "é è", "-", "Zoé", "x"], first_number=10**15)
    assert len(list(families(odd))) == 201


@pytest.mark.parametrize("generated", [{"count": 10**30}, {"first_number": 10**30}])
def test_no_more_families_than_can_be_drawn_and_numbered(generated: dict[str, int]) -> None:
    with pytest.raises(ValueError, match="less_than_equal"):
        town(**generated)


def test_drawn_families_are_plausible() -> None:
    drawn = list(families(TOWN))[1:]
    assert {len(family.children) for family in drawn} == {1, 2, 3, 4}
    assert {child.age for family in drawn for child in family.children} == set(range(3, 12))
    assert all(
        child.school == {"nursery": "petits", "elementary": "grands"}[level_at(child.age)]
        for family in drawn
        for child in family.children
    )
    for family in drawn:
        names = [a.first_name for a in family.adults] + [c.first_name for c in family.children]
        assert len(set(names)) == len(names)
        assert family.quotient is None or 0 <= family.quotient <= 2400
    assert 0 < sum(family.quotient is None for family in drawn) < 60
    emails = [adult.email for family in drawn for adult in family.adults]
    assert all(email and email.isascii() and " " not in email for email in emails)
    assert len(set(emails)) == len(emails)
    assert emails[0] is not None
    assert emails[0].endswith(".11@example.org")
