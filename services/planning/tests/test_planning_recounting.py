"""An activity's places raised, lowered and cut otherwise while days are reserved: exact, and nobody loses one."""

import asyncio
from collections.abc import Sequence
from datetime import date
from itertools import product
from typing import Any
from uuid import UUID

import pytest
from french.calendar import age_on
from hypothesis import HealthCheck, given, reject, settings
from hypothesis import strategies as st
from planning.slots import recounting
from planning.slots.rules import Band, Bands, band_of
from pydantic import TypeAdapter, ValidationError
from sqlalchemy import text

from services.planning.tests.families import Household
from services.planning.tests.town import CANTEEN, CANTEEN_RULES, Desk

YESTERDAY, MONDAY, TUESDAY = date(2026, 11, 24), date(2026, 12, 7), date(2026, 12, 8)
PATH = f"/activities/{CANTEEN}/rules"


async def bands(desk: Desk, *wanted: Any, preview: bool = False) -> tuple[int, Any]:
    """What the administrator is answered who wants these."""
    *_, etag = await desk.ask("GET", PATH)
    path = f"{PATH}?preview=true" if preview else PATH
    return (await desk.ask("PUT", path, CANTEEN_RULES | {"bands": list(wanted)}, etag=etag))[:2]


def band(youngest: int, oldest: int, places: int, site_id: UUID | None = None) -> dict[str, Any]:
    return {"ages": [youngest, oldest], "places": places, "site_id": site_id and str(site_id)}


@pytest.fixture
async def three(desk: Desk) -> Household:
    """Of 5, 8 and 8 years on 7 December; the first is 6 on the 8th."""
    return await Household.enrolled(desk, "Tom", "Inès", "Léa", born={"Tom": date(2020, 12, 8)})


async def test_what_is_reserved_before_there_are_bands_is_counted_once_there_are(desk: Desk, three: Household) -> None:
    for name in three.children:
        await three.reserve(name, CANTEEN, YESTERDAY, MONDAY, TUESDAY)
    assert (await bands(desk, band(3, 5, 4), band(6, 11, 3)))[0] == 200
    assert await desk.taken(CANTEEN, MONDAY) == [("3-5", 4, 1), ("6-11", 3, 2)]
    assert await desk.taken(CANTEEN, TUESDAY) == [("6-11", 3, 3)]
    assert await desk.taken(CANTEEN, YESTERDAY) == []
    # Cut otherwise: nobody loses a day, and each is given back where it is counted now.
    assert (await bands(desk, band(3, 11, 3)))[0] == 200
    assert await desk.taken(CANTEEN, MONDAY) == [("3-11", 3, 3), ("3-5", 4, 0), ("6-11", 3, 0)]
    assert (await three.validate(three.wish("Tom", CANTEEN, MONDAY, reserve=False)))[0] == 200
    assert (await desk.taken(CANTEEN, MONDAY))[0] == ("3-11", 3, 2)
    assert (await bands(desk))[0] == 200
    assert [taken for *_, taken in await desk.taken(CANTEEN, MONDAY)] == [0, 0, 0]
    assert len(await desk.reserved(three.children["Inès"])) == 3


async def test_more_places_are_there_at_once_and_fewer_than_are_taken_are_refused(desk: Desk, three: Household) -> None:
    await desk.places(CANTEEN, band(6, 11, 1))
    await three.reserve("Inès", CANTEEN, MONDAY)
    wish = three.wish("Léa", CANTEEN, MONDAY)
    assert (await three.validate(wish))[0] == 409
    assert (await bands(desk, band(6, 11, 2)))[0] == 200
    assert (await three.validate(wish))[0] == 200
    # Whether children stay in their band or are cut otherwise; before anything is stored, and when it would be.
    for preview, others in product((True, False), ([], [band(3, 5, 0)])):
        status, problem = await bands(desk, *others, band(6, 11, 1), preview=preview)
        assert (status, problem["type"]) == (409, "urn:problem:planning:places-taken")
        assert problem["errors"] == [
            {
                "pointer": f"/bands/{len(others)}/places",
                "detail": "Places déjà prises le lundi 7 décembre 2026 : 2. Gardez-en au moins autant.",
            }
        ]
    assert await desk.taken(CANTEEN, MONDAY) == [("6-11", 2, 2)]
    assert (await three.validate(three.wish("Léa", CANTEEN, MONDAY, reserve=False)))[0] == 200
    assert (await bands(desk, band(6, 11, 1)))[0] == 200
    assert await desk.taken(CANTEEN, MONDAY) == [("6-11", 1, 1)]


async def test_days_that_are_over_keep_nobody_from_having_fewer_places(desk: Desk, three: Household) -> None:
    await three.reserve("Inès", CANTEEN, YESTERDAY)
    assert (await bands(desk, band(6, 11, 0)))[0] == 200


async def test_a_preview_of_places_counts_nothing(desk: Desk, three: Household) -> None:
    await three.reserve("Inès", CANTEEN, MONDAY)
    assert (await bands(desk, band(6, 11, 2), preview=True))[0] == 200
    assert await desk.taken(CANTEEN, MONDAY) == []


async def test_whoever_validates_while_places_are_lowered_is_first_or_refused(desk: Desk) -> None:
    for round_ in range(4):
        day = date(2026, 12, 14 + round_ % 2)
        assert (await bands(desk, band(6, 11, 3)))[0] == 200
        first = await Household.enrolled(desk, "Tom")
        families = [first, *[await Household.enrolled(desk, "Tom", site_id=first.site_id) for _ in range(2)]]
        seen = [await one.etag() for one in families]
        answers = await asyncio.gather(
            bands(desk, band(6, 11, 1)),
            *(one.validate(one.wish("Tom", CANTEEN, day), seen=tag) for one, tag in zip(families, seen, strict=True)),
        )
        lowered, *validated = [status for status, _ in answers]
        statement = "SELECT places, taken FROM slots WHERE site_id = :site AND day = :day"
        async with desk.owner.sessions() as session:
            [(places, taken)] = await session.execute(text(statement), {"site": first.site_id, "day": day})
        assert (taken, places) == (validated.count(200), 1 if lowered == 200 else 3)
        assert taken == 1 if lowered == 200 else taken in (2, 3)


AGES = st.tuples(st.integers(0, 12), st.integers(0, 6)).map(lambda one: [one[0], one[0] + one[1]])


@settings(max_examples=25, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    born=st.lists(st.dates(date(2012, 1, 1), date(2024, 12, 31)) | st.just(date(2020, 2, 29)), min_size=1, max_size=4),
    ages=st.lists(AGES, max_size=3),
    where=st.lists(st.sampled_from([None, UUID(int=1), UUID(int=2)]), min_size=3, max_size=3),
    day=st.dates(date(2026, 11, 26), date(2028, 3, 1)),
)
async def test_the_database_finds_each_child_the_band_that_the_rules_do(
    desk: Desk, born: Sequence[date], ages: Sequence[list[int]], where: Sequence[UUID | None], day: date
) -> None:
    said = [{"ages": one, "places": 50, "site_id": site} for one, site in zip(ages, where, strict=False)]
    try:
        wanted: list[Band] = TypeAdapter(Bands).validate_python(said)
    except ValidationError:
        reject()  # two bands of a site share an age
    async with desk.owner.sessions() as session:
        for number, birth_date in enumerate(born):
            for site in (None, UUID(int=1), UUID(int=3)):
                child = {"id": UUID(int=10 * number + (site.int if site else 0)), "born": birth_date, "site": site}
                await session.execute(
                    text("INSERT INTO children VALUES (:id, 1, '{}', 'Tom', :born)"),
                    {"id": child["id"], "born": birth_date},
                )
                await session.execute(
                    text(
                        "INSERT INTO reservations VALUES (:id, :activity, :day, 'reserved', :id, :site, '', 1, now())"
                    ),
                    {"id": child["id"], "activity": CANTEEN, "day": day, "site": site},
                )
        await recounting.recount(session, CANTEEN, [Band(ages=[0, 25], places=0)], wanted, day)
        found = await session.execute(
            text("SELECT birth_date, site_id, band FROM reservations JOIN children ON id = child_id WHERE day = :day"),
            {"day": day},
        )
        for birth_date, site, key in found.all():
            expected = band_of(wanted, site, age_on(birth_date, day))
            assert key == (expected and expected.key)
        await session.rollback()
