"""Two dossiers of one family become one."""

import asyncio
from typing import Any
from uuid import UUID

import pytest
from chassis.database import Database
from chassis.identifiers import named_id, new_id
from contracts.dossier import ChildChanged, DossierChanged, DossierErased, NoticeWritten
from contracts.enrolment import BookingConfirmed
from dossier.worker import JOBS
from sqlalchemy import text

from services.dossier.tests.villeneuve import CLAIRE, MARTIN, MOREAU, Send, hear
from tests.builders import published, sample

pytestmark = pytest.mark.usefixtures("loaded")

DIALLO = named_id("dossier", "100002")
PAUL = {"first_name": "Paul", "last_name": "Petit", "roles": ["legal_guardian"]}
INES, TOM = (named_id("child", "100042", name) for name in ("Inès", "Tom"))


async def merge(send: Send, gone: UUID = MOREAU, into: UUID = MARTIN, query: str = "", seen: int = 2) -> Any:
    body = {"into": str(into), "reason": "Deux dossiers pour une même famille"}
    path = f"/dossiers/{gone}/merge{query}"
    status, answer, _ = await send("POST", path, body, role="agent", seen=f'"{seen}"')
    return status, answer


async def rows(database: Database, query: str) -> list[Any]:
    async with database.sessions() as session:
        return list(await session.scalars(text(query)))


async def version(send: Send, dossier_id: UUID) -> int:
    return int((await send("GET", f"/dossiers/{dossier_id}", role="agent"))[1]["version"])


async def test_all_that_was_in_one_is_in_the_other(send: Send, database: Database) -> None:
    await hear(database, sample(BookingConfirmed, dossier_id=MOREAU))
    persons, odile = f"/children/{TOM}/authorised-persons", {"first_name": "Odile", "last_name": "Le Goff"}
    named = {"dossier_id": str(MOREAU), "authorised_persons": [odile | {"phone": "06 12 34 56 78"}]}
    child = next(one for one in await published(database, ChildChanged) if one.child_id == TOM)
    assert (await send("PUT", persons, named, role="agent", seen=f'"{child.version}"'))[0] == 200
    twin = {"first_name": "claire", "last_name": "MOREAU", "roles": ["contact"]}
    before = (await send("POST", f"/dossiers/{MARTIN}/adults", twin, role="agent"))[1]
    told = len(await published(database, DossierChanged))
    seen = await version(send, MOREAU)
    status, shown = await merge(send, query="?preview=true", seen=seen)
    assert (status, shown["dossier"]["status"], shown["into"]) == (200, "active", before)
    assert "Claire Moreau figure dans les deux dossiers" in shown["touches"][-1]
    assert len(await published(database, DossierChanged)) == told

    status, made = await merge(send, seen=seen)
    assert (status, made["touches"]) == (200, shown["touches"])
    gone, kept = made["dossier"], made["into"]
    assert (gone["status"], gone["merged_into"], gone["adults"], gone["children"]) == ("archived", str(MARTIN), [], [])
    assert {"Inès", "Tom"} < {one["first_name"] for one in kept["children"]}
    roles = {one["id"]: one["roles"] for one in kept["adults"]}
    assert roles[str(CLAIRE)] == ["legal_guardian"]
    assert sum("payer" in one for one in roles.values()) == 1
    assert (kept["quotient"], kept["address"]) == (before["quotient"], before["address"])
    assert (await send("GET", f"/dossiers/{MARTIN}", role="agent"))[1] == kept
    first, second = (await published(database, DossierChanged))[-2:]
    assert (first.dossier_id, second.dossier_id, second.merged_into) == (MARTIN, MOREAU, MARTIN)
    assert (second.status, second.adults) == ("archived", ())
    theirs = {one.child_id: one.dossier_ids for one in await published(database, ChildChanged)}
    assert theirs[INES] == theirs[TOM] == (MARTIN,)
    notice = (await published(database, NoticeWritten))[-1]
    assert (notice.dossier_id, "retirez" in str(notice.paragraphs)) == (MARTIN, False)
    assert await rows(database, "SELECT DISTINCT dossier_id FROM bookings UNION SELECT dossier_id FROM persons") == [
        MARTIN
    ]
    # What the archived dossier keeps is the family's still: seen by the desk, and exported.
    history = (await send("GET", f"/dossiers/{MOREAU}/quotients", role="agent"))[1]["items"]
    held = (await send("GET", "/me/export", dossier_id=MARTIN))[1]["held"]
    exported = [one["value"] for table in held if table["table"] == "quotients" for one in table["rows"]]
    assert [one["value"] for one in history] == [980]
    assert 980 in exported
    (log,) = await rows(database, "SELECT reason FROM desk_log WHERE act LIKE '%/merge'")
    assert log.startswith("Deux dossiers")
    # Sent once more, and what comes late.
    status, problem = await merge(send, seen=seen)
    assert (status, problem["type"]) == (409, "urn:problem:dossier:archived")
    await hear(database, sample(BookingConfirmed, booking_id=new_id(), dossier_id=MOREAU))
    assert await rows(database, "SELECT dossier_id FROM bookings") == [MARTIN, MARTIN]
    erasing = f"/dossiers/{MOREAU}?reason=Demande"
    assert (await send("DELETE", erasing, role="administrator"))[0] == 409, "it goes with the one that is kept"


async def test_a_child_of_both_is_of_one_family_again(send: Send, database: Database) -> None:
    await send("POST", f"/children/{TOM}/dossiers", {"dossier_id": str(MARTIN)}, role="agent", seen='"1"')
    assert (await merge(send, seen=await version(send, MOREAU)))[0] == 200
    told = next(one for one in reversed(await published(database, ChildChanged)) if one.child_id == TOM)
    assert (told.dossier_ids, told.custody) == ((MARTIN,), None)
    # Erased with the dossier that it is part of now.
    status, _, _ = await send("DELETE", f"/dossiers/{MARTIN}?reason=Essai", role="administrator")
    assert status < 300
    assert {one.dossier_id for one in await published(database, DossierErased)} == {MOREAU, MARTIN}
    assert not await rows(database, f"SELECT id FROM dossiers WHERE id IN ('{MOREAU}', '{MARTIN}')")


async def test_what_is_refused(send: Send) -> None:
    seen = await version(send, MOREAU)
    status, problem = await merge(send, into=MOREAU, seen=seen)
    assert (status, "lui-même" in str(problem)) == (422, True)
    assert (await merge(send, into=new_id(), seen=seen))[0] == 404
    assert (await merge(send, seen=seen - 1))[0] == 412
    assert (await merge(send, seen=seen))[0] == 200


async def test_two_that_are_merged_into_each_other_at_once_leave_one(send: Send, database: Database) -> None:
    seen = [await version(send, one) for one in (MOREAU, MARTIN)]
    answers = await asyncio.gather(merge(send, MOREAU, MARTIN, seen=seen[0]), merge(send, MARTIN, MOREAU, seen=seen[1]))
    statuses = sorted(status for status, _ in answers)
    assert statuses[0] == 200
    assert statuses[1] in (409, 412)
    archived = f"SELECT count(*) FROM dossiers WHERE id IN ('{MOREAU}', '{MARTIN}') AND status = 'archived'"
    assert await rows(database, archived) == [1]
    for job in JOBS:  # the sweep finds nothing more
        if job.run.__qualname__ == "Merging.sweep":
            await job.run(database, None)


@pytest.mark.parametrize("other", ["split of it", "split of the kept one", "merge of the kept one"])
async def test_what_happens_at_the_moment_of_a_merge_loses_nobody(send: Send, database: Database, other: str) -> None:
    parted = MOREAU if other == "split of it" else MARTIN
    made = (await send("POST", f"/dossiers/{parted}/adults", PAUL, role="agent"))[1]
    parts = {"adults": [one["id"] for one in made["adults"] if one["first_name"] == "Paul"], "children": []}
    adults = await rows(database, "SELECT count(*) FROM adults")
    gone, kept = await version(send, MOREAU), await version(send, MARTIN)

    async def split() -> Any:
        seen = f'"{gone if parted == MOREAU else kept}"'
        return (await send("POST", f"/dossiers/{parted}/split", parts, role="agent", seen=seen))[:2]

    then = merge(send, MARTIN, DIALLO, seen=kept) if other == "merge of the kept one" else split()
    answers = [status for status, _ in await asyncio.gather(merge(send, seen=gone), then)]
    assert set(answers) <= {200, 409, 412}, answers
    assert 200 in answers
    if other != "split of the kept one":  # which leaves what is merged as it was seen
        assert answers != [200, 200]
    archived = "SELECT id FROM dossiers WHERE status = 'archived'"
    for table in ("adults", "dossier_children", "payers"):
        assert await rows(database, f"SELECT dossier_id FROM {table} WHERE dossier_id IN ({archived})") == []
    assert await rows(database, f"SELECT id FROM dossiers WHERE merged_into IN ({archived})") == []
    assert await rows(database, "SELECT count(*) FROM adults") == adults
    assert await rows(database, f"SELECT count(*) FROM dossier_children WHERE child_id = '{TOM}'") == [1]
