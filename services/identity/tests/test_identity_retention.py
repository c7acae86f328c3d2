"""What is over is forgotten, table by table; what is not over, or in use, stays."""

from identity.worker import forget_what_is_over
from sqlalchemy import text

from services.identity.tests.portal import MARTIN, Portal

COUNTS = "SELECT " + " || ' ' || ".join(
    f"(SELECT count(*) FROM {table})" for table in ("claims", "tries", "lanes", "sessions", "known_addresses")
)


async def test_each_row_is_forgotten_when_it_is_over_and_not_before(portal: Portal) -> None:
    await portal.claim()
    await portal.sign_in(**MARTIN)
    await portal.sign_in("nobody", "wrong")
    await portal.execute("DELETE FROM tries WHERE tried = 0")
    for shift, left in (
        ({"minutes": 9}, "1 3 2 1 1"),
        ({"minutes": 11}, "1 0 0 1 1"),
        ({"minutes": 61}, "0 0 0 1 1"),
        ({"days": 15}, "0 0 0 0 1"),
        ({"days": 91}, "0 0 0 0 0"),
    ):
        portal.later(**shift)
        await forget_what_is_over(portal.database, portal.settings)
        assert await portal.scalars(COUNTS) == [left], shift


async def test_a_row_in_use_is_left_for_the_next_time(portal: Portal) -> None:
    await portal.claim()
    portal.later(minutes=61)
    async with portal.database.sessions.begin() as session:
        await session.execute(text("SELECT digest FROM claims FOR UPDATE"))
        await forget_what_is_over(portal.database, portal.settings)
        assert await portal.scalars("SELECT count(*) FROM claims") == [1]
    await forget_what_is_over(portal.database, portal.settings)
    assert await portal.scalars("SELECT count(*) FROM claims") == [0]
