"""An administrator erases a family: for good, with its children, but for those that are of another dossier too."""

from uuid import UUID

import pytest
from chassis.database import Database
from chassis.identifiers import new_id
from contracts.dossier import ChildChanged, ChildErased, DossierErased
from sqlalchemy import text

from services.dossier.tests.villeneuve import CLAIRE, MARTIN, MOREAU, Ask, Send, activated, closed, hear, published

pytestmark = pytest.mark.usefixtures("loaded")

PATH, REASON = f"/dossiers/{MOREAU}", "reason=Demande+de+la+famille"


async def rows(database: Database) -> dict[str, int]:
    """How many there are of each."""
    async with database.sessions() as session:
        return {
            name: int(await session.scalar(text(f"SELECT count(*) FROM {name}")) or 0)
            for name in ("dossiers", "adults", "children", "schooling", "quotients", "accounts")
        }


async def share(database: Database, child_id: UUID) -> None:
    async with database.sessions.begin() as session:
        values = {"dossier_id": MARTIN, "child_id": child_id}
        await session.execute(text("INSERT INTO dossier_children VALUES (:dossier_id, :child_id)"), values)


async def test_a_preview_says_whom_it_touches_and_changes_nothing(database: Database, ask: Ask, send: Send) -> None:
    before, told = await rows(database), len(await published(database))
    dossier = (await ask(PATH))[1]
    first, second = [UUID(one["id"]) for one in dossier["children"]]
    await share(database, second)
    status, answer, _ = await send("DELETE", f"{PATH}?{REASON}&preview=true", role="administrator")
    assert status == 200
    touches = answer.pop("touches")
    assert touches[1:4] == [
        "Adultes effacés, avec leurs comptes : Claire Moreau.",
        "Enfants effacés : Inès Moreau.",
        "Enfants qui restent dans leur autre dossier : Tom Moreau.",
    ]
    assert answer == {
        "dossier_id": str(MOREAU),
        "number": "100042",
        "adults": len(dossier["adults"]),
        "children_erased": [str(first)],
        "children_kept": [str(second)],
        "preview": True,
    }
    assert await rows(database) == before
    assert len(await published(database)) == told


async def test_it_goes_with_its_children_and_everybody_is_told(database: Database, ask: Ask, send: Send) -> None:
    account = new_id()
    await hear(database, activated("claire@example.org", account_id=account))
    before = await rows(database)
    children = (await ask(PATH))[1]["children"]
    shared = UUID(children[1]["id"])
    await share(database, shared)
    assert (await send("DELETE", f"{PATH}?{REASON}", role="administrator"))[0] == 200
    after = await rows(database)
    assert (after["dossiers"], after["children"]) == (before["dossiers"] - 1, before["children"] - 1)
    assert after["accounts"] == 0
    events = (await published(database))[-3:]
    assert [type(one) for one in events] == [DossierErased, ChildErased, ChildChanged]
    assert isinstance(events[1], ChildErased)
    assert str(events[1].child_id) == children[0]["id"]
    assert isinstance(events[2], ChildChanged)
    assert (events[2].child_id, events[2].dossier_ids) == (shared, (MARTIN,))
    assert (await send("GET", PATH, role="agent"))[0] == 404
    assert (await send("DELETE", f"{PATH}?{REASON}", role="administrator"))[0] == 404


async def test_whom_a_court_forbids_stays_forbidden_for_a_child_of_another_family(
    database: Database, ask: Ask, send: Send
) -> None:
    shared = (await ask(PATH))[1]["children"][1]["id"]
    persons = f"/children/{shared}/authorised-persons"
    nana = {"first_name": "Odile", "last_name": "Petit", "phone": "0612345678"}
    foe = {"first_name": "Jean", "last_name": "Petit", "decision": "Jugement du 3 mars 2026"}
    body = {"authorised_persons": [nana], "forbidden_persons": [foe], "dossier_id": str(MOREAU)}
    assert (await send("PUT", persons, body, role="agent", seen='"1"'))[0] == 200
    await share(database, UUID(shared))
    assert (await send("DELETE", f"{PATH}?{REASON}", role="administrator"))[0] == 200
    left = (await ask(persons, dossier_id=MARTIN))[1]
    assert (left["authorised_persons"], [one["first_name"] for one in left["forbidden_persons"]]) == ([], ["Jean"])


@pytest.mark.parametrize("first", ["activated", "closed"])
async def test_an_account_that_is_heard_of_late_brings_nobody_back(database: Database, send: Send, first: str) -> None:
    account = new_id()
    events = [activated("claire@example.org", account_id=account), closed(2, account)]
    assert (await send("DELETE", f"{PATH}?{REASON}", role="administrator"))[0] == 200
    told = len(await published(database))
    for event in events if first == "activated" else reversed(events):
        await hear(database, event)
    async with database.sessions() as session:
        query = text("SELECT count(*) FROM accounts WHERE guardian_id = :id")
        assert await session.scalar(query, {"id": CLAIRE}) == 0
    assert len(await published(database)) == told


@pytest.mark.parametrize("role", ["guardian", "agent", "cashier"])
async def test_nobody_else_does(database: Database, send: Send, role: str) -> None:
    before = await rows(database)
    assert (await send("DELETE", f"{PATH}?{REASON}", role=role))[0] == 403
    assert (await send("DELETE", PATH, role="administrator"))[0] == 422
    assert await rows(database) == before
