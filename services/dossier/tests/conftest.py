"""The service these tests are of, the demo town in it, and how they ask it."""

from pathlib import Path
from typing import Any
from uuid import UUID

import aiohttp
import pytest
from chassis.command import load
from chassis.service import Service
from chassis.testing import ISSUER, Databases, Signer
from dossier.local import new_health_keys
from dossier.main import SERVICE
from dossier.settings import Settings

from services.dossier.tests.villeneuve import MOREAU, WRITTEN, Ask, Send


@pytest.fixture(scope="session")
def service() -> Service:
    return SERVICE


@pytest.fixture
def settings(databases: Databases, tmp_path: Path) -> Settings:
    return Settings(
        database_url=databases.url,
        owner_database_url=databases.owner_url,
        amqp_url="amqp://127.0.0.1:9",
        port=0,
        jwks_url="http://127.0.0.1:9",
        token_issuer=ISSUER,
        documents=tmp_path / "documents",
        health_keys=new_health_keys(),
    )


@pytest.fixture
def ask(client: aiohttp.ClientSession, signer: Signer) -> Ask:
    async def asked(path: str, role: str = "guardian", dossier_id: UUID | None = MOREAU) -> tuple[int, Any, str | None]:
        token = signer.token(role, dossier_id=dossier_id if role == "guardian" else None)
        async with client.get(f"/v1{path}", headers={"Authorization": f"Bearer {token}"}) as answer:
            return answer.status, await answer.json(), answer.headers.get("ETag")

    return asked


@pytest.fixture
def send(client: aiohttp.ClientSession, signer: Signer) -> Send:
    async def sent(
        method: str,
        path: str,
        body: object = None,
        role: str = "guardian",
        dossier_id: UUID | None = MOREAU,
        seen: str | None = None,
    ) -> tuple[int, Any, str | None]:
        token = signer.token(role, dossier_id=dossier_id if role == "guardian" else None)
        headers = {"Authorization": f"Bearer {token}"} | ({"If-Match": seen} if seen else {})
        async with client.request(method, f"/v1{path}", json=body, headers=headers) as answer:
            return answer.status, await answer.json() if await answer.read() else None, answer.headers.get("ETag")

    return sent


@pytest.fixture
async def loaded(service: Service, databases: Databases) -> Databases:
    await load(service, databases.owner_url, WRITTEN)
    return databases
