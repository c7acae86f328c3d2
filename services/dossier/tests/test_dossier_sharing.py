"""A child in two dossiers, whose its days are, and what either family sees of the other: nothing."""

import asyncio
from typing import Any
from uuid import UUID

import pytest
from chassis import clock
from chassis.database import Database
from chassis.identifiers import named_id, new_id
from contracts.dossier import ChildChanged, NoticeWritten
from dossier.models import Person

from services.dossier.tests.villeneuve import MARTIN, MOREAU, Send
from tests.builders import published

pytestmark = pytest.mark.usefixtures("loaded")

TOM = named_id("child", "100042", "Tom")
DIALLO = named_id("dossier", "100002")
WEEKS = ["own"] * 7 + ["other"] * 7
#: What the Moreau family alone is to know of itself.
THEIRS = ("27 rue du Lavoir", "claire.moreau@example.org", "Claire", "0600000042", "100042", str(MOREAU), "980")


async def share(send: Send, dossier_id: UUID = MARTIN, seen: int = 1, query: str = "", **more: Any) -> tuple[int, Any]:
    asked = {"dossier_id": str(dossier_id)} | more
    path = f"/children/{TOM}/dossiers{query}"
    status, answer, _ = await send("POST", path, asked, role="agent", seen=f'"{seen}"')
    return status, answer


async def give(send: Send, seen: int, dossier_id: UUID = MARTIN, query: str = "", **body: Any) -> tuple[int, Any]:
    asked = {"dossier_id": str(dossier_id), "patterns": [{"from": "2026-12-09", "days": WEEKS}]} | body
    status, answer, _ = await send("PUT", f"/children/{TOM}/custody{query}", asked, role="agent", seen=f'"{seen}"')
    return status, answer


async def last(database: Database) -> ChildChanged:
    return [one for one in await published(database, ChildChanged) if one.child_id == TOM][-1]


async def test_a_child_is_of_two_dossiers_and_each_sees_it(send: Send, database: Database) -> None:
    assert (await send("GET", f"/children/{TOM}", dossier_id=MARTIN))[0] == 404
    status, shown = await share(send, query="?preview=true")
    assert (status, shown["child"]["version"], shown["planned"]) == (200, 1, None)
    assert len([one for one in await published(database, ChildChanged) if one.child_id == TOM]) == 1
    for seen, changed in ((1, True), (2, False)):
        status, answer = await share(send, seen=seen)
        assert (status, answer["child"]["version"], answer["touches"] == shown["touches"]) == (200, 2, changed)
    assert "rien ne change" in str(answer["touches"])
    assert (await share(send))[0] == 412
    assert (await last(database)).dossier_ids == tuple(sorted((MARTIN, MOREAU)))
    for family in (MARTIN, MOREAU):
        _, mine, _ = await send("GET", "/dossiers/mine", dossier_id=family)
        assert [one["first_name"] for one in mine["children"]].count("Tom") == 1
    status, refused = await share(send, DIALLO, 2)
    assert (status, refused["type"]) == (409, "urn:problem:dossier:two-dossiers")
    told = [one for one in await published(database, NoticeWritten) if "Tom" in one.title]
    assert sorted(one.dossier_id for one in told if one.dossier_id) == sorted((MARTIN, MOREAU))


async def test_the_other_family_learns_nothing_of_the_first(send: Send) -> None:
    await share(send)
    await give(send, 2)
    answers = [
        (await send("GET", path, dossier_id=MARTIN))[1]
        for path in ("/dossiers/mine", f"/children/{TOM}", f"/children/{TOM}/custody")
    ]
    assert answers[0]["children"]
    said = str(answers)
    assert not [word for word in THEIRS if word in said]
    for path in (f"/dossiers/{MOREAU}", f"/dossiers/{MOREAU}/documents"):
        assert (await send("GET", path, dossier_id=MARTIN))[0] == 404


async def test_each_family_reads_the_calendar_as_its_own(send: Send, database: Database) -> None:
    assert (await give(send, 1, MOREAU))[1]["type"] == "urn:problem:dossier:not-shared"
    await share(send)
    exceptions = [
        {"from": "2026-12-24", "to": "2026-12-25", "whose": "other"},
        {"from": "2026-12-20", "to": "2026-12-20", "whose": "own"},
    ]
    status, shown = await give(send, 2, query="?preview=true", exceptions=exceptions)
    assert (status, shown["patterns"], (await last(database)).custody) == (200, [], None)
    assert "les jours de garde du dossier 100001 sont : toute la semaine une semaine" in shown["touches"][0]
    for seen, code in ((1, 412), (2, 200), (2, 412)):
        assert (await give(send, seen, exceptions=exceptions))[0] == code
    _, own, etag = await send("GET", f"/children/{TOM}/custody", dossier_id=MARTIN)
    assert (own, etag) == (
        {
            "shared": True,
            "other_dossier_id": None,
            "patterns": [{"from": "2026-12-09", "days": WEEKS}],
            "exceptions": [exceptions[1], exceptions[0]],
        },
        '"3"',
    )
    _, at_desk, _ = await send("GET", f"/children/{TOM}/custody?dossier_id={MARTIN}", role="agent")
    assert at_desk == own | {"other_dossier_id": str(MOREAU)}
    _, other, _ = await send("GET", f"/children/{TOM}/custody", dossier_id=MOREAU)
    assert other["patterns"][0]["days"] == ["other"] * 7 + ["own"] * 7
    custody = (await last(database)).custody
    assert custody is not None
    assert custody.patterns[0].days == (MARTIN,) * 7 + (MOREAU,) * 7
    assert [one.dossier_id for one in custody.exceptions] == [MARTIN, MOREAU]
    assert (await give(send, 3, patterns=[]))[1]["patterns"] == []
    assert (await last(database)).custody is None
    assert (await send("PUT", f"/children/{TOM}/custody", {"patterns": []}, seen='"4"'))[0] == 403


@pytest.mark.parametrize(
    ("body", "pointer"),
    [
        ({"patterns": [{"from": "2026-12-09", "days": ["own"] * 8}]}, "/patterns/0/days"),
        ({"patterns": [{"from": "2026-12-09", "days": ["mine"] * 7}]}, "/patterns/0/days/0"),
        ({"patterns": [{"from": "le 9", "days": WEEKS}]}, "/patterns/0/from"),
        ({"patterns": [{"from": "2026-12-09", "days": WEEKS}] * 2}, "/patterns"),
        ({"exceptions": [{"from": "2026-12-09", "to": "2026-12-08", "whose": "own"}]}, "/exceptions/0"),
        ({"exceptions": [{"from": "2026-12-09", "to": "2026-12-10", "whose": "own"}] * 2}, "/exceptions"),
        ({"patterns": None}, "/patterns"),
    ],
)
async def test_what_is_wrong_with_a_calendar_is_named(send: Send, body: Any, pointer: str) -> None:
    await share(send)
    status, problem = await give(send, 2, **body)
    assert (status, {one["pointer"] for one in problem["errors"]} >= {pointer}) == (422, True)


async def test_a_child_leaves_a_dossier_but_not_the_last(send: Send, database: Database) -> None:
    async def leave(dossier_id: UUID, seen: int, query: str = "") -> tuple[int, Any]:
        path = f"/children/{TOM}/dossiers/{dossier_id}{query}"
        status, answer, _ = await send("DELETE", path, role="agent", seen=f'"{seen}"')
        return status, answer

    status, refused = await leave(MOREAU, 1)
    assert (status, refused["type"]) == (409, "urn:problem:dossier:last-dossier")
    await share(send)
    await give(send, 2)
    assert (await leave(DIALLO, 3))[0] == 404
    facts = {"child_id": TOM, "dossier_id": MOREAU, "recorded_at": clock.now(), "recorded_by": MOREAU}
    async with database.sessions.begin() as session:
        session.add(Person(id=new_id(), first_name="Luc", last_name="Petit", phone="0600000044", **facts))
        session.add(Person(id=new_id(), first_name="Jo", last_name="Noir", decision="JAF 12/34", **facts))
    assert (await leave(MOREAU, 2))[0] == 412
    status, shown = await leave(MOREAU, 3, "?preview=true")
    assert (status, len((await last(database)).dossier_ids)) == (200, 2)
    assert "Son calendrier de garde prend fin." in shown["touches"]
    status, answer = await leave(MOREAU, 3)
    assert (status, answer["touches"]) == (200, shown["touches"])
    _, tom, _ = await send("GET", f"/children/{TOM}", dossier_id=MARTIN)
    assert (tom["authorised_persons"], [one["last_name"] for one in tom["forbidden_persons"]]) == ([], ["Noir"])
    left = await last(database)
    assert (left.dossier_ids, left.custody) == ((MARTIN,), None)
    await share(send, MOREAU, 4)
    gone = await asyncio.gather(*(leave(one, 5) for one in (MOREAU, MARTIN)))
    assert sorted(status for status, _ in gone) == [200, 412]


async def test_a_child_moves_at_once(send: Send, database: Database) -> None:
    for seen in (1, 2):
        status, moved = await share(send, seen=seen, leaves=str(MOREAU))
        assert (status, moved["child"]["version"]) == (200, 2)
    assert (await share(send, seen=2, leaves=str(MARTIN)))[1]["child"]["version"] == 2  # from itself: nothing
    status, problem = await share(send, DIALLO, 2, leaves=str(MOREAU))  # where it is no more
    assert (status, [one["pointer"] for one in problem["errors"]]) == (422, ["/leaves"])
    assert (await last(database)).dossier_ids == (MARTIN,)
    assert (await send("GET", f"/children/{TOM}", dossier_id=MOREAU))[0] == 404
    assert (await share(send, new_id(), 2))[0] == 404
