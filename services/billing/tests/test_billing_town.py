"""A town's description loaded."""

from sqlalchemy import text

from services.billing.tests.billing_scene import Scene, load_town


async def test_loading_the_town_again_adds_nothing(scene: Scene) -> None:
    counts = text("SELECT (SELECT count(*) FROM regies), (SELECT count(*) FROM tariffs)")
    async with scene.database.sessions() as session:
        before = (await session.execute(counts)).one()
        assert tuple(before) == (1, 9)
    await load_town(scene.settings.owner_database_url or "")
    async with scene.database.sessions() as session:
        assert (await session.execute(counts)).one() == before
