"""The pure rules: what is missing, which quotient counts, and the families drawn."""

from datetime import date, timedelta
from itertools import islice, pairwise
from typing import Any, NamedTuple

import pytest
from contracts.dossier import PostalAddress, Quotient, Role
from dossier.completeness import missing
from dossier.families import Town, families, level_at
from dossier.quotient import default_end, in_force, periods
from dossier.town import birth_date
from hypothesis import given
from hypothesis import strategies as st

WRITTEN: dict[str, Any] = {
    "town": {"name": "Ville", "postcode": "94990"},
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


FIRST = Quotient(value=700, source="caf", valid_from=date(2026, 1, 1), valid_to=default_end(date(2026, 1, 1)))
SECOND = Quotient(value=900, source="caf", valid_from=date(2026, 9, 1), valid_to=date(2026, 12, 31))
DAYS = st.dates(date(2026, 1, 1), date(2026, 3, 31))


@st.composite
def histories(draw: st.DrawFn) -> list[Quotient]:
    """What may have been recorded, in any order: overlapping, with gaps, none beginning with another."""
    begins = draw(st.lists(DAYS, unique=True, max_size=6))
    return [
        Quotient(value=value, source="caf", valid_from=day, valid_to=max(day, draw(DAYS)))
        for value, day in enumerate(begins)
    ]


@pytest.mark.parametrize(
    ("day", "counts"),
    [
        (date(2025, 12, 31), None),
        (date(2026, 1, 1), 700),
        (date(2026, 8, 31), 700),
        (date(2026, 9, 1), 900),
        (date(2026, 12, 31), 900),
        (date(2027, 1, 1), None),
    ],
)
def test_the_quotient_begun_last_counts_until_its_end(day: date, counts: int | None) -> None:
    for history in ([FIRST, SECOND], [SECOND, FIRST]):
        found = in_force(periods(history), day)
        assert (found and found.value) == counts


@given(histories(), DAYS)
def test_the_periods_told_are_disjoint_and_say_of_each_day_what_was_recorded_last(
    history: list[Quotient], day: date
) -> None:
    told = periods(history)
    assert all(one.valid_from <= one.valid_to for one in told)
    assert all(older.valid_to < newer.valid_from for older, newer in pairwise(told))
    latest = max((one for one in history if one.valid_from <= day), key=lambda one: one.valid_from, default=None)
    expected = latest.value if latest and day <= latest.valid_to else None
    assert [one.value for one in told if one.valid_from <= day <= one.valid_to] == (
        [] if expected is None else [expected]
    )


def test_without_a_quotient_none_counts() -> None:
    assert in_force(periods([]), date(2026, 1, 1)) is None


@pytest.mark.parametrize("today", [date(2026, 11, 23), date(2028, 6, 8), date(2024, 2, 29), date(2027, 1, 1)])
@pytest.mark.parametrize("age", [3, 5, 11])
def test_a_child_has_its_age_on_the_day_of_loading(today: date, age: int) -> None:
    born = birth_date(age, today)
    assert today.year - born.year - ((today.month, today.day) < (born.month, born.day)) == age
    assert today - timedelta(days=100) - born < timedelta(days=366 * age + 1)


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
