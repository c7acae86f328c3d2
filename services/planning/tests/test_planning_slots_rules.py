"""Which places a child takes, by its age and where it is."""

from typing import Any
from uuid import UUID

import pytest
from chassis.identifiers import named_id
from hypothesis import given
from hypothesis import strategies as st
from planning.slots.rules import Band, Bands, band_of
from pydantic import TypeAdapter, ValidationError

BANDS: TypeAdapter[list[Band]] = TypeAdapter(Bands)
SCHOOL, OTHER = named_id("site", "marie-curie"), named_id("site", "jean-jaures")
SITES = st.sampled_from([None, SCHOOL, OTHER])
AGES = st.integers(0, 25)


def band(youngest: int, oldest: int, places: int = 10, site_id: UUID | None = None) -> Band:
    return Band(ages=[youngest, oldest], places=places, site_id=site_id)


SMALL, GREAT, OWN = band(3, 5), band(6, 11), band(4, 5, 2, SCHOOL)


@pytest.mark.parametrize(
    ("site_id", "age", "found"),
    [
        (OTHER, 2, None),
        (OTHER, 3, SMALL),
        (OTHER, 5, SMALL),
        (OTHER, 6, GREAT),
        (OTHER, 12, None),
        (None, 5, SMALL),
        (SCHOOL, 3, SMALL),
        (SCHOOL, 4, OWN),
        (SCHOOL, 6, GREAT),
    ],
)
def test_a_sites_own_band_goes_before_that_of_every_site(site_id: UUID | None, age: int, found: Band | None) -> None:
    for bands in ([SMALL, GREAT, OWN], [OWN, GREAT, SMALL]):
        assert band_of(bands, site_id, age) == found


def test_without_bands_places_are_not_counted() -> None:
    assert band_of([], SCHOOL, 5) is None


@pytest.mark.parametrize(
    ("bands", "refused"),
    [
        ([(3, 5, None), (6, 11, None)], False),
        ([(3, 5, None), (5, 11, None)], True),
        ([(3, 5, None), (3, 5, None)], True),
        ([(3, 11, SCHOOL), (5, 5, SCHOOL)], True),
        ([(3, 5, None), (5, 11, SCHOOL)], False),
        ([(3, 5, OTHER), (5, 11, SCHOOL)], False),
    ],
)
def test_no_two_bands_of_one_site_share_an_age(bands: list[Any], refused: bool) -> None:
    given_ = [{"ages": [youngest, oldest], "places": 1, "site_id": site} for youngest, oldest, site in bands]
    if refused:
        with pytest.raises(ValidationError, match="se chevauchent"):
            BANDS.validate_python(given_)
    else:
        assert len(BANDS.validate_python(given_)) == len(bands)


@given(st.lists(st.builds(lambda ends, site: band(min(ends), max(ends), 1, site), st.tuples(AGES, AGES), SITES)))
def test_each_age_has_one_band_at_most_whatever_their_order(bands: list[Band]) -> None:
    try:
        BANDS.validate_python(bands)
    except ValidationError:
        return
    for site_id in (SCHOOL, OTHER):
        for age in range(26):
            found = band_of(bands, site_id, age)
            assert found == band_of(bands[::-1], site_id, age)
            assert found is None or (found.holds(age) and found.site_id in (None, site_id))


def test_a_band_is_named_and_told_by_its_ages() -> None:
    assert (SMALL.key, SMALL.in_words()) == ("3-5", "de 3 à 5 ans")
