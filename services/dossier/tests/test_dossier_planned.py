"""Changes of who belongs where that are asked for a later day: done on it, once, or told to the desk."""

import asyncio
from datetime import timedelta
from pathlib import Path
from typing import Any
from uuid import UUID

import pytest
from chassis import clock
from chassis.database import Database
from chassis.identifiers import named_id, new_id
from contracts.dossier import DossierChanged, NoticeWritten
from dossier.households import planned
from dossier.worker import JOBS
from french import wording
from french.paris import day_in_paris
from sqlalchemy import text

from services.dossier.tests.villeneuve import MARTIN, MOREAU, Send
from tests.builders import published

pytestmark = pytest.mark.usefixtures("loaded")

INES, TOM = (named_id("child", "100042", name) for name in ("Inès", "Tom"))
DIALLO = named_id("dossier", "100002")
PAUL = {"first_name": "Paul", "last_name": "Moreau", "roles": ["legal_guardian"]}
TODAY = day_in_paris(clock.now())
DAY = TODAY + timedelta(days=10)
CHANGES: tuple[tuple[str, str, dict[str, Any]], ...] = (
    ("POST", f"/dossiers/{MOREAU}/split", {"adults": [str(new_id())], "children": []}),
    ("POST", f"/dossiers/{MOREAU}/merge", {"into": str(MARTIN), "reason": "Une famille"}),
    ("POST", f"/children/{TOM}/dossiers", {"dossier_id": str(MARTIN)}),
)


async def rows(database: Database, query: str) -> list[Any]:
    async with database.sessions() as session:
        return [tuple(row) for row in await session.execute(text(query))]


async def make_planned_changes(database: Database) -> None:
    """What the worker does."""
    await next(job.run for job in JOBS if job.run.__name__ == "make_planned_changes")(database, None)


def move_clock(clock_file: Path) -> None:
    """To that day."""
    clock_file.write_text(str(timedelta(days=10).total_seconds()))


async def the_day(database: Database) -> None:
    """It comes, as far as the worker sees, and two of them look at the same moment."""

    async def one() -> None:
        async with database.sessions.begin() as session:
            due = await planned.due(session, DAY)
        for change_id in due:
            async with database.sessions.begin() as session:
                await planned.do(session, change_id)

    await asyncio.gather(one(), one())


async def told_of(database: Database) -> list[UUID | None]:
    """Whose dossiers and notices were told."""
    notices = [one.dossier_id for one in await published(database, NoticeWritten)]
    return [*(one.dossier_id for one in await published(database, DossierChanged)), *notices]


async def agent(send: Send, method: str, path: str, body: Any = None, seen: int | None = None) -> tuple[int, Any]:
    status, answer, _ = await send(method, path, body, role="agent", seen=seen and f'"{seen}"')
    return status, answer


async def move(send: Send, seen: int = 1, **more: Any) -> Any:
    """Tom goes to the Diallo family on that day."""
    asked = {"dossier_id": str(DIALLO), "leaves": str(MOREAU), "from": str(DAY)} | more
    status, answer = await agent(send, "POST", f"/children/{TOM}/dossiers", asked, seen)
    assert status == 200
    return answer["planned"]


async def listed(send: Send, dossier_id: UUID) -> Any:
    return (await agent(send, "GET", f"/dossiers/{dossier_id}/planned-changes"))[1]["items"]


async def families(database: Database, child_id: UUID) -> set[UUID]:
    return {
        row[0] for row in await rows(database, f"SELECT dossier_id FROM dossier_children WHERE child_id = '{child_id}'")
    }


async def test_a_split_waits_for_its_day_and_is_done_once(send: Send, database: Database, clock_file: Path) -> None:
    _, made = await agent(send, "POST", f"/dossiers/{MOREAU}/adults", PAUL)
    paul = next(one["id"] for one in made["adults"] if one["first_name"] == "Paul")
    asked = {"adults": [paul], "children": [{"child_id": str(TOM), "shared": True}], "from": str(DAY)}
    path, before = f"/dossiers/{MOREAU}/split", await told_of(database)
    status, shown = await agent(send, "POST", f"{path}?preview=true", asked, 3)
    assert (status, shown["planned"], await listed(send, MOREAU)) == (200, None, [])
    assert shown["touches"][0] == f"Cela se fera le {wording.day(DAY)} ; d'ici là, rien ne change."
    status, answer = await agent(send, "POST", path, asked, 3)
    assert (status, answer["touches"], answer["created"], answer["dossier"]["version"]) == (
        200,
        shown["touches"],
        None,
        3,
    )
    assert (await agent(send, "POST", path, asked, 3))[1] == answer  # sent once more, it is kept once
    (kept,) = await listed(send, MOREAU)
    also = (await agent(send, "POST", f"{path}?preview=true", {"adults": [paul], "children": []}, 3))[1]
    assert also["touches"][-1] == f"Déjà prévu le {wording.day(DAY)} : {kept['about']}"
    assert answer["planned"] == {"id": kept["id"], "day": str(DAY)}
    assert (
        kept["about"] == "Le dossier 100042 se sépare : un nouveau dossier est créé pour Paul Moreau, avec Tom Moreau."
    )

    await make_planned_changes(database)  # not yet
    async with database.sessions() as session:  # and who dies in the middle has done nothing
        await planned.do(session, UUID(kept["id"]))
    assert await told_of(database) == before
    assert await families(database, TOM) == {MOREAU}
    move_clock(clock_file)
    await make_planned_changes(database)
    await the_day(database)
    (new,) = await families(database, TOM) - {MOREAU}
    assert sorted(map(str, await told_of(database))) == sorted(map(str, [*before, MOREAU, MOREAU, new, new]))
    assert await rows(database, "SELECT number FROM dossiers WHERE number > '100042' AND length(number) = 6") == [
        ("100043",)
    ]
    assert await listed(send, MOREAU) == []
    log = await rows(
        database, "SELECT subject_id, dossier_id, reason FROM desk_log WHERE act LIKE '%/split' ORDER BY id"
    )
    asked_for = (UUID(kept["id"]), MOREAU, f"(prévu pour le {wording.day(DAY)})")
    assert log == [asked_for, asked_for, (new, MOREAU, None)]


async def test_what_cannot_be_done_on_its_day_is_told_to_the_desk(send: Send, database: Database) -> None:
    asked = {"into": str(MARTIN), "reason": "Une famille", "from": str(DAY)}
    assert (await agent(send, "POST", f"/dossiers/{MOREAU}/merge", asked, 2))[0] == 200
    kept = await move(send)
    assert [len(await listed(send, one)) for one in (MOREAU, MARTIN, DIALLO)] == [2, 1, 1]
    assert (await send("DELETE", f"/dossiers/{MARTIN}?reason=Essai", role="administrator"))[0] == 200
    await the_day(database)
    assert await families(database, TOM) == {DIALLO}
    (refused,) = await listed(send, MOREAU)
    assert (refused["kind"], refused["refused"]) == ("merge", "Une personne ou un dossier n'existe plus.")
    (notice,) = [one for one in await published(database, NoticeWritten) if one.desk]
    assert (notice.dossier_id, notice.link) == (MOREAU, f"/agent/dossiers/{MOREAU}")
    assert "Le dossier 100042 rejoint le dossier (effacé)" in notice.paragraphs[0]
    for one, code in ((refused["id"], 204), (refused["id"], 404), (kept["id"], 404)):
        assert (await agent(send, "DELETE", f"/planned-changes/{one}"))[0] == code
    assert await listed(send, MOREAU) == []


async def test_what_is_planned_follows_the_family_into_another_dossier(send: Send, database: Database) -> None:
    await move(send)
    asked = {"dossier_id": str(MARTIN), "leaves": str(MOREAU)}
    also = (await agent(send, "POST", f"/children/{TOM}/dossiers?preview=true", asked, 1))[1]["touches"]
    assert also[-1].startswith(f"Déjà prévu le {wording.day(DAY)}")
    merge = {"into": str(MARTIN), "reason": "Une famille"}
    assert (await agent(send, "POST", f"/dossiers/{MOREAU}/merge", merge | {"from": str(DAY)}, 2))[1]["planned"]
    assert len(await listed(send, MARTIN)) == 1
    assert (await agent(send, "POST", f"/dossiers/{MOREAU}/merge", merge, 2))[0] == 200
    (kept,) = await listed(send, MARTIN)  # done now, the same is not planned any more
    assert kept["about"] == "Tom Moreau rejoint le dossier 100002, et quitte le dossier 100001."
    await the_day(database)
    assert await families(database, TOM) == {DIALLO}
    assert await families(database, INES) == {MARTIN}
    # An erased family has nothing planned any more, nor an erased child.
    await agent(send, "POST", f"/children/{INES}/dossiers", {"dossier_id": str(DIALLO), "from": str(DAY)}, 2)
    await agent(send, "POST", f"/children/{TOM}/dossiers", {"dossier_id": str(MARTIN), "from": str(DAY)}, 3)
    assert len(await rows(database, "SELECT kind FROM planned_changes")) == 2
    assert (await send("DELETE", f"/dossiers/{MARTIN}?reason=Essai", role="administrator"))[0] == 200
    assert await rows(database, "SELECT kind FROM planned_changes") == []


async def test_a_change_is_withdrawn_or_done_at_one_moment(send: Send, database: Database) -> None:
    kept = await move(send)
    (status, _), _ = await asyncio.gather(agent(send, "DELETE", f"/planned-changes/{kept['id']}"), the_day(database))
    assert (status, await families(database, TOM)) in ((204, {MOREAU}), (404, {DIALLO}))
    assert not [one for one in await published(database, NoticeWritten) if one.desk]


async def test_no_change_is_made_before_today(send: Send, database: Database) -> None:
    before = await told_of(database)
    yesterday = str(TODAY - timedelta(days=1))
    for method, path, body in CHANGES:
        status, problem = await agent(send, method, path, body | {"from": yesterday}, 1)
        assert (status, [one["pointer"] for one in problem["errors"]]) == (422, ["/from"])
    status, problem = await agent(send, "DELETE", f"/children/{TOM}/dossiers/{MOREAU}?from={yesterday}", seen=1)
    assert (status, [one["pointer"] for one in problem["errors"]]) == (422, ["/from"])
    assert (await agent(send, *CHANGES[2], None))[0] == 428
    assert await told_of(database) == before
    assert (await agent(send, *CHANGES[2], 1))[0] == 200
