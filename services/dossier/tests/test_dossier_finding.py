"""Families found by what an agent remembers of them."""

import asyncio
import random
from collections.abc import Callable
from typing import Any
from urllib.parse import quote

import asyncpg
import pytest
from chassis.command import load
from chassis.database import Database
from chassis.identifiers import named_id, new_id
from chassis.service import Service
from chassis.testing import Databases
from dossier.searching import rules
from dossier.searching.finding import find
from sqlalchemy import event, text

from libs.chassis.tests.waiting import until
from services.dossier.tests.villeneuve import CLAIRE, MOREAU, WRITTEN, Ask

Found = Callable[..., Any]
WAITING = "SELECT EXISTS (SELECT FROM pg_stat_activity WHERE datname = current_database() AND wait_event_type = 'Lock')"


@pytest.fixture
def found(ask: Ask) -> Found:
    """The numbers an agent finds."""

    async def finding(q: str, more: str = "") -> list[str]:
        status, page, _ = await ask(f"/dossiers?q={quote(q)}{more}", "agent")
        assert status == 200, page
        return [item["number"] for item in page["items"]]

    return finding


@pytest.mark.usefixtures("loaded")
async def test_a_family_is_found_by_what_is_remembered_of_it(ask: Ask, found: Found) -> None:
    for remembered in (
        "100042",
        "moreau",
        "MOREAU cl",
        "Claire Moreau",
        "mo",
        "Inès",
        "inès 100042",
        "Ine\u0300s moreau",
        "27, rue du Lavoir",
        "lavoir moreau",
        "Mroeau",
        "claier mroeau",
        "oreau tom",
        "moreau " * 14,
    ):
        assert (await found(remembered))[:1] == ["100042"], remembered
    for unknown in ("42", "eau", "%", "' & !(", "moreau martin", "100043", "Tim", "moreau 100001"):
        assert await found(unknown) == [], unknown
    (family,) = (await ask("/dossiers?q=moreau", "agent"))[1]["items"]
    assert [child["first_name"] for child in family["children"]] == ["Inès", "Tom"]
    assert family["address"]["street"] == "27 rue du Lavoir"


@pytest.mark.parametrize("path", ["limit=0", "limit=201", "cursor=100002", "q=a%00", "q=", f"q={'a' * 101}"])
async def test_what_is_malformed_is_said(ask: Ask, path: str) -> None:
    status, problem, _ = await ask(f"/dossiers?{path}", "agent")
    assert (status, problem["type"]) == (422, "urn:problem:malformed")


def _family(number: str, last_name: str, first_name: str = "Zoé") -> dict[str, Any]:
    family: dict[str, Any] = WRITTEN["families"][2]
    adult = family["adults"][0] | {"last_name": last_name, "first_name": first_name}
    return family | {"number": number, "adults": [adult], "children": []}


async def test_the_same_comes_before_what_begins_so_and_that_before_what_is_like_it_page_by_page(
    service: Service, databases: Databases, ask: Ask, found: Found
) -> None:
    families = [
        _family("200001", "Dupond"),
        _family("200002", "Duponte"),
        _family("200003", "Dupont"),
        _family("200004", "Dupontel"),
        _family("200005", "L’Hôpital-Dupont", "Jean-Loup"),
        _family("dupont", "Martin"),
    ]
    await load(service, databases.owner_url, WRITTEN | {"families": families, "accounts": []})
    ranked = ["dupont", "200003", "200005", "200002", "200004", "200001"]
    assert await found("dupont") == ranked
    seen, cursor = [], ""
    while cursor is not None:
        page = (await ask(f"/dossiers?q=dupont&limit=1{cursor and f'&cursor={cursor}'}", "agent"))[1]
        seen += [item["number"] for item in page["items"]]
        cursor = page["next_cursor"]
    assert seen == ranked
    assert await found("l'hopital jean loup") == ["200005"]
    assert await found("dupont", f"&cursor={new_id()}") == []
    assert await found("dupont", f"&cursor={named_id('dossier', '200003')}") == ranked[2:]
    everybody = (await ask("/dossiers?limit=2", "agent"))[1]
    assert [item["number"] for item in everybody["items"]] == ["200001", "200002"]
    rest = (await ask(f"/dossiers?cursor={everybody['next_cursor']}", "agent"))[1]
    assert [item["number"] for item in rest["items"]] == ["200003", "200004", "200005", "dupont"]


async def _words(database: Database) -> set[str]:
    async with database.sessions.begin() as session:
        return set(await session.scalars(text("SELECT word FROM search_words")))


async def test_who_changes_their_name_is_found_by_the_new_one_alone(
    loaded: Databases, database: Database, found: Found
) -> None:
    owner = await asyncpg.connect(loaded.owner_url)
    await owner.execute("UPDATE children SET first_name = 'Swann' WHERE first_name = 'Tom'")
    assert (await found("swann"), await found("tom")) == (["100042"], [])
    assert {"swann", "moreau"} <= await _words(database)
    assert "tom" not in await _words(database)
    # Who moves to another dossier is found there; who is erased is no word any more.
    await owner.execute("UPDATE adults SET dossier_id = $1 WHERE last_name = 'Moreau'", named_id("dossier", "100001"))
    assert (await found("claire"), await found("swann")) == (["100001"], ["100042"])
    for table in ("dossier_children", "quotients"):
        await owner.execute(f"DELETE FROM {table} WHERE dossier_id = $1", MOREAU)
    await owner.execute("DELETE FROM dossiers WHERE id = $1", MOREAU)
    await owner.close()
    assert await found("swann") == []
    assert {"swann", "ines"}.isdisjoint(await _words(database))


async def test_two_who_change_one_family_at_once_are_both_found(loaded: Databases, found: Found) -> None:
    renaming = "UPDATE children SET first_name = $1 WHERE first_name = $2"
    one, other, watching = [await asyncpg.connect(loaded.owner_url) for _ in range(3)]
    first = one.transaction()
    await first.start()
    await one.execute(renaming, "Swann", "Tom")
    second = asyncio.create_task(other.execute(renaming, "Ysé", "Inès"))
    await until(lambda: watching.fetchval(WAITING))
    await first.commit()
    await second
    assert await found("swann yse moreau") == ["100042"]
    for connection in (one, other, watching):
        await connection.close()


async def test_a_large_town_is_searched_by_index(loaded: Databases, database: Database) -> None:
    draw, sounds = random.Random(7), ["ba", "mor", "le", "tin", "du", "val", "gui", "fer", "nan", "sy"]
    owner = await asyncpg.connect(loaded.owner_url)
    # Six thousand families like one, but for their number and their name.
    families = [(f"{200_000 + number}", "".join(draw.choices(sounds, k=4))) for number in range(6_000)]
    new_number = "'id', gen_random_uuid(), 'number', given"
    new_name = "'id', gen_random_uuid(), 'dossier_id', dossiers.id, 'last_name', name"
    like = "(jsonb_populate_record(one, jsonb_build_object({}))).*"
    await owner.execute(
        f"INSERT INTO dossiers SELECT {like.format(new_number)}"
        " FROM dossiers one, unnest($1::text[]) given WHERE one.id = $2",
        [number for number, _ in families],
        MOREAU,
    )
    await owner.execute(
        f"INSERT INTO adults SELECT {like.format(new_name)}"
        " FROM adults one, unnest($1::text[], $2::text[]) family (number, name) JOIN dossiers USING (number)"
        " WHERE one.id = $3",
        *map(list, zip(*families, strict=True)),
        CLAIRE,
    )
    await owner.execute("ANALYZE search_texts")
    number, name = families[0]
    asked: list[tuple[str, Any]] = []
    async with database.sessions.begin() as session:
        connection = await session.connection()

        def keep(_: Any, __: Any, statement: str, parameters: Any, *___: Any) -> None:
            asked.append((statement, parameters))

        event.listen(connection.sync_connection, "before_cursor_execute", keep)
        misspelt = name[:3] + name[4] + name[3] + name[5:]
        for remembered in (name, misspelt):
            assert number in [one.number for one in await find(session, remembered, None, 50)]
    searched = [(sql, values) for sql, values in asked if "search_texts" in sql]
    assert len(searched) >= 6
    for sql, values in searched:
        plan = "\n".join(row[0] for row in await owner.fetch(f"EXPLAIN {sql}", *values))
        assert "Seq Scan on search_texts" not in plan, plan
    await owner.close()


@pytest.mark.parametrize(("word", "slips"), [("tom", 0), ("ines", 1), ("moreau", 2), ("100042", 0), ("a1234", 0)])
def test_a_longer_word_may_be_misspelt_more_and_a_number_never(word: str, slips: int) -> None:
    assert rules.slips(word) == slips


def test_a_search_asks_for_each_word_once_and_not_for_a_whole_letter() -> None:
    assert rules.asked(["a", "b", "a"]) == ("a", "b")
    assert len(rules.asked([f"w{number}" for number in range(50)])) == rules.MOST_WORDS
    assert rules.alike(("moreau", "cl"), {"moreau": ["morot"]}) == "(moreau:* | morot) & (cl:*)"


@pytest.mark.usefixtures("loaded")
async def test_families_are_named_by_their_ids_to_the_staff_alone(ask: Ask) -> None:
    path = f"/dossiers?ids={MOREAU}&ids={new_id()}&limit=1"
    for role in ("agent", "administrator"):
        status, page, _ = await ask(path, role)
        assert (status, [one["number"] for one in page["items"]], page["next_cursor"]) == (200, ["100042"], None)
    assert (await ask(path))[0] == 403
