"""The desk log: each act of the staff once, in its transaction, and nothing else."""

import asyncio
from collections.abc import AsyncIterator
from datetime import timedelta
from typing import Annotated, Any
from uuid import UUID, uuid4

import aiohttp
import asyncpg
import pytest
from chassis import clock, desk, migrations
from chassis.bodies import RequestBody
from chassis.database import Driver, Session
from chassis.desk import READING
from chassis.idempotency import OnceOnly
from chassis.policies import Policy
from chassis.problems import NotFound
from chassis.reach import Reach
from chassis.service import Service
from chassis.settings import ServiceSettings
from chassis.testing import Databases, Signer, serving
from fastapi import APIRouter, Depends, Response
from pydantic import BaseModel

from libs.chassis.tests.toy.toy.main import SERVICE, Base, Notice

THING, FAMILY = uuid4(), uuid4()
Json = dict[str, Any]


class Wish(RequestBody):
    dossier_id: UUID | None = None
    override_reason: str | None = None
    reason: str | None = None
    refused: bool = False


class Done(BaseModel):
    done: bool = True


router = APIRouter()
Desk = Annotated[Reach, Depends(Policy("guardian", "agent", reach="dossier"))]
Own = Annotated[Reach, Depends(Policy("agent", reach="account"))]


@router.put("/things/{thing_id}")
async def change(thing_id: UUID, body: Wish, reach: Desk, session: Session, preview: bool = False) -> Done:
    if body.refused:
        raise NotFound
    return Done()


@router.post("/things", response_model=Done)
async def make(body: Wish, reach: Desk, connection: Driver, once: OnceOnly) -> Response:
    async def made() -> Response:
        desk.note(connection, subject_id=THING, dossier_id=FAMILY)
        return await once.keep(connection, 201, Done())

    return await once.replay_or(connection, made)


@router.get("/things/{thing_id}")
async def look(thing_id: UUID, reach: Desk, session: Session) -> Done:
    return Done()


@router.post("/things/searches", dependencies=[READING])
async def search(reach: Desk, session: Session) -> Done:
    return Done()


@router.put("/own")
async def change_own(body: Wish, reach: Own, session: Session) -> Done:
    return Done()


@pytest.fixture
async def client(settings: ServiceSettings, signer: Signer) -> AsyncIterator[aiohttp.ClientSession]:
    service = Service("toy", SERVICE.settings, Base.metadata, (router,), notice=Notice)
    async with serving(service, settings, signer) as opened:
        yield opened


class Caller:
    def __init__(self, client: aiohttp.ClientSession, signer: Signer, role: str) -> None:
        self.client, self.account_id = client, str(uuid4())
        token = signer.token(role, sub=self.account_id, name="Alex Petit")
        self.headers = {"Authorization": f"Bearer {token}", "Idempotency-Key": str(uuid4())}

    async def call(self, method: str, path: str, body: Json | None = None, **query: str) -> tuple[int, Json]:
        sent = self.client.request(method, f"/v1{path}", json=body, params=query, headers=self.headers)
        async with sent as answer:
            return answer.status, await answer.json(content_type=None)

    async def log(self, **query: str) -> list[Json]:
        status, page = await self.call("GET", "/desk-log", None, **query)
        assert status == 200
        items: list[Json] = page["items"]
        return items


@pytest.fixture
def admin(client: aiohttp.ClientSession, signer: Signer) -> Caller:
    return Caller(client, signer, "administrator")


@pytest.fixture
def agent(client: aiohttp.ClientSession, signer: Signer) -> Caller:
    return Caller(client, signer, "agent")


async def test_an_act_is_kept_with_who_what_whom_and_why(admin: Caller, agent: Caller) -> None:
    body = {"dossier_id": str(FAMILY), "override_reason": "Décision du maire"}
    assert (await agent.call("PUT", f"/things/{THING}", body))[0] == 200
    [kept] = await admin.log()
    assert kept.pop("id")
    assert kept.pop("at")
    assert kept == {
        "account_id": agent.account_id,
        "role": "agent",
        "name": "Alex Petit",
        "act": "PUT /things/{thing_id}",
        "subject_id": str(THING),
        "dossier_id": str(FAMILY),
        "reason": "Décision du maire",
    }


async def test_what_a_use_case_knows_better_is_kept_once_however_often_it_is_asked(
    admin: Caller, agent: Caller
) -> None:
    for _ in range(3):
        assert (await agent.call("POST", "/things", {"reason": "Demandé au téléphone"}))[0] == 201
    [kept] = await admin.log()
    assert (kept["subject_id"], kept["dossier_id"], kept["reason"]) == (str(THING), str(FAMILY), "Demandé au téléphone")


async def test_nothing_else_is_kept(
    client: aiohttp.ClientSession, signer: Signer, admin: Caller, agent: Caller
) -> None:
    guardian = Caller(client, signer, "guardian")
    assert (await guardian.call("PUT", f"/things/{THING}", {}))[0] == 200
    for status, method, path, body, query in (
        (200, "GET", f"/things/{THING}", None, {}),
        (404, "PUT", f"/things/{THING}", {"refused": True}, {}),
        (422, "PUT", f"/things/{THING}", {"colour": "red"}, {}),
        (200, "PUT", f"/things/{THING}", {}, {"preview": "true"}),
        (200, "POST", "/things/searches", None, {}),
        (200, "PUT", "/own", {}, {}),
    ):
        assert (await agent.call(method, path, body, **query))[0] == status, (method, path, body)
    assert await admin.log() == []
    assert (await agent.call("PUT", f"/things/{THING}", {}))[0] == 200
    assert len(await admin.log()) == 1


async def test_an_administrator_asks_for_some_of_it_by_pages_and_nobody_else_does(admin: Caller, agent: Caller) -> None:
    other = str(uuid4())
    for body in ({"dossier_id": str(FAMILY)}, {"dossier_id": other}, {"dossier_id": other}):
        assert (await agent.call("PUT", f"/things/{uuid4()}", body))[0] == 200
    newest = await admin.log()
    assert [one["dossier_id"] for one in newest] == [other, other, str(FAMILY)]
    assert await admin.log(dossier_id=other) == newest[:2]
    assert await admin.log(subject_id=newest[1]["subject_id"]) == [newest[1]]
    assert await admin.log(account_id=agent.account_id, since=newest[0]["at"]) == [newest[0]]
    assert await admin.log(until=newest[2]["at"]) == await admin.log(account_id=admin.account_id) == []
    _, page = await admin.call("GET", "/desk-log", limit="2")
    assert (page["items"], page["next_cursor"]) == (newest[:2], newest[1]["id"])
    assert (await admin.call("GET", "/desk-log", limit="2", cursor=page["next_cursor"]))[1]["items"] == newest[2:]
    assert (await agent.call("GET", "/desk-log"))[0] == 403


async def test_nobody_changes_it_afterwards(admin: Caller, agent: Caller, databases: Databases) -> None:
    assert (await agent.call("PUT", f"/things/{THING}", {}))[0] == 200
    application = await asyncpg.connect(databases.url)
    for refused in ("UPDATE desk_log SET reason = NULL", "DELETE FROM desk_log", "TRUNCATE desk_log"):
        with pytest.raises(asyncpg.InsufficientPrivilegeError):
            await application.execute(refused)
    await application.close()
    assert len(await admin.log()) == 1


async def test_after_five_years_its_owner_deletes_it(admin: Caller, agent: Caller, databases: Databases) -> None:
    for _ in range(2):
        assert (await agent.call("PUT", f"/things/{THING}", {}))[0] == 200
    newer, older = await admin.log()
    owner = await asyncpg.connect(databases.owner_url)
    await owner.execute("ALTER TABLE desk_log DISABLE TRIGGER USER")  # which would not let it pass either
    for one, days in ((newer, 5 * 365 - 1), (older, 5 * 365 + 1)):
        await owner.execute("UPDATE desk_log SET at = $1 WHERE id = $2", clock.now() - timedelta(days=days), one["id"])
    await owner.execute("ALTER TABLE desk_log ENABLE TRIGGER USER")
    await owner.close()
    await asyncio.to_thread(migrations.upgrade, "toy", databases.owner_url)
    assert [one["id"] for one in await admin.log()] == [newer["id"]]
