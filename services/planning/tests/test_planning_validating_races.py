"""Validations of one month at the same moment, in two halves: with what keeps them apart, and without."""

import asyncio
from datetime import date
from typing import Any

import pytest
from chassis.editing import Seen
from sqlalchemy import text

from services.planning.tests.families import Household
from services.planning.tests.races import take_the_guards_away
from services.planning.tests.town import CANTEEN, Desk

DAYS = [date(2026, 12, day) for day in (7, 8, 10, 11)]
AT_ONCE = 8


async def validated_at_once(*validations: Any) -> list[int]:
    return sorted([status for status, _ in await asyncio.gather(*validations)])


async def two_parents_two_tabs_and_the_desk(desk: Desk) -> tuple[Household, list[int]]:
    """All have seen the same month of a child of two dossiers, and change different days of it."""
    moreau = await Household.enrolled(desk, "Tom")
    other = await moreau.shared("Tom")
    seen = await moreau.etag()
    assert await other.etag() == seen
    changes = [moreau.wish("Tom", CANTEEN, day) for day in DAYS]
    statuses = await validated_at_once(
        moreau.validate(changes[0], seen=seen),
        moreau.validate(changes[1], seen=seen),
        other.validate(changes[2], seen=seen),
        moreau.validate(changes[3], seen=seen, role="agent"),
    )
    return moreau, statuses


async def reserved(desk: Desk) -> int:
    async with desk.database.sessions() as session:
        return int(await session.scalar(text("SELECT count(*) FROM reservations WHERE status = 'reserved'")) or 0)


async def test_of_all_who_have_seen_the_same_month_one_changes_it(desk: Desk) -> None:
    for round_ in range(1, 6):
        moreau, statuses = await two_parents_two_tabs_and_the_desk(desk)
        assert statuses == [200, 412, 412, 412]
        assert await reserved(desk) == round_
        assert await moreau.versions() == {date(2026, 12, 1): 1}


async def test_without_if_match_all_change_what_they_have_not_seen(desk: Desk, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(Seen, "refuse_if_older", lambda *_: None)
    moreau, statuses = await two_parents_two_tabs_and_the_desk(desk)
    assert statuses == [200] * 4
    assert await moreau.versions() == {date(2026, 12, 1): 4}


async def families_want_the_last_places(desk: Desk, places: int) -> list[int]:
    """A day of one school, each family of its own."""
    await desk.places(CANTEEN, {"ages": [6, 11], "places": places})
    first = await Household.enrolled(desk, "Awa")
    families = [first, *[await Household.enrolled(desk, "Tom", site_id=first.site_id) for _ in range(AT_ONCE - 1)]]
    wishes = [next(one.wish(name, CANTEEN, DAYS[0]) for name in one.children) for one in families]
    seen = [await one.etag() for one in families]
    return await validated_at_once(
        *(one.validate(wish, seen=tag) for one, wish, tag in zip(families, wishes, seen, strict=True))
    )


async def test_the_last_places_of_a_day_go_to_as_many(desk: Desk) -> None:
    assert await families_want_the_last_places(desk, 3) == [200] * 3 + [409] * (AT_ONCE - 3)
    assert await reserved(desk) == 3


async def test_without_the_lock_of_the_slot_and_its_guards_a_day_is_oversold(
    desk: Desk, monkeypatch: pytest.MonkeyPatch
) -> None:
    first = await Household.enrolled(desk, "Inès")
    await desk.places(CANTEEN, {"ages": [6, 11], "places": 3})
    assert (await first.validate(first.wish("Inès", CANTEEN, DAYS[0])))[0] == 200  # its slot is there
    await take_the_guards_away(desk, monkeypatch, AT_ONCE)
    families = [await Household.enrolled(desk, "Tom", site_id=first.site_id) for _ in range(AT_ONCE)]
    seen = [await one.etag() for one in families]
    statuses = await validated_at_once(
        *(one.validate(one.wish("Tom", CANTEEN, DAYS[0]), seen=tag) for one, tag in zip(families, seen, strict=True))
    )
    assert statuses == [200] * AT_ONCE
    assert await reserved(desk) == 1 + AT_ONCE  # of three places
