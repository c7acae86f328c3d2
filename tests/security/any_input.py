"""What schemathesis makes of each operation's schema, sent under each role: no answer may be a server's error."""

import json
from collections import Counter
from collections.abc import AsyncIterator, Iterable, Iterator, Mapping
from contextlib import asynccontextmanager
from importlib import import_module
from pathlib import Path
from types import SimpleNamespace
from typing import Any, NamedTuple
from uuid import UUID

import aiohttp
import asyncpg
import schemathesis
from chassis.app import create_app
from chassis.command import load
from chassis.database import Database
from chassis.identifiers import new_id
from chassis.service import Service
from chassis.settings import ServiceSettings
from chassis.testing import ISSUER, Databases, Signer, serving
from chassis.towns import read
from contracts.caller import CallerRole
from hypothesis import HealthCheck, Phase, given
from hypothesis import settings as hypothesis_settings
from schemathesis.core import NOT_SET
from schemathesis.generation import GenerationMode

from deploy.local.stack import TOWN

ROLES: tuple[CallerRole, ...] = ("guardian", "agent", "cashier", "administrator", "site_staff", "integrator")
#: Said by an operation, where what it needs (the broker, PayFiP) does not answer, as here.
SAID = "urn:problem:unavailable"
#: Whose ids a name means, where the service has one.
TABLES = {
    "dossier_id": "dossiers",
    "child_id": "children",
    "adult_id": "adults",
    "activity_id": "activities",
    "site_id": "sites",
    "school_id": "sites",
    "holiday_week_id": "holiday_weeks",
    "account_id": "accounts",
    "client_id": "clients",
}


class Request(NamedTuple):
    """One request of an operation."""

    label: str
    roles: tuple[CallerRole, ...]
    method: str
    path: str
    query: dict[str, str]
    headers: dict[str, str]
    body: bytes | None
    media_type: str


def drawn(document: dict[str, Any], known: dict[str, str], examples: int) -> Iterator[Request]:
    """So many requests of each operation, always the same; every second one names what there is."""
    for found in schemathesis.openapi.from_dict(document).get_all_operations():
        operation: Any = found.ok()  # type: ignore[union-attr] # one that cannot be read raises here
        said = document["paths"][operation.path][operation.method.lower()].get("x-roles", ())
        for place, case in enumerate(_cases(operation, examples)):
            yield _request(case, operation.label, tuple(said), known if place % 2 else {})


def _cases(operation: Any, examples: int) -> list[Any]:
    cases: list[Any] = []

    @hypothesis_settings(
        max_examples=examples,
        database=None,
        deadline=None,
        derandomize=True,
        phases=[Phase.generate],
        suppress_health_check=list(HealthCheck),
    )
    @given(operation.as_strategy(generation_mode=GenerationMode.POSITIVE))
    def keep(case: Any) -> None:
        cases.append(case)

    keep()
    return cases


def _request(case: Any, label: str, roles: tuple[CallerRole, ...], known: dict[str, str]) -> Request:
    path = {name: known.get(name, value) for name, value in (case.path_parameters or {}).items()}
    query = {name: known.get(name, value) for name, value in (case.query or {}).items()}
    case.path_parameters = path
    body = None if case.body is NOT_SET else _named(case.body, known)
    content = body if isinstance(body, bytes) else None if body is None else json.dumps(body).encode()
    headers = {str(name): str(value) for name, value in (case.headers or {}).items() if name.lower() != "authorization"}
    return Request(
        label,
        roles,
        case.method,
        case.formatted_path,
        {name: _text(value) for name, value in query.items() if value is not None},
        {name: value for name, value in headers.items() if value.isascii() and value.isprintable()},
        content,
        case.media_type or "application/json",
    )


def _named(body: Any, known: dict[str, str]) -> Any:
    """With what there is under its names, at any depth."""
    if isinstance(body, list):
        return [_named(one, known) for one in body]
    if isinstance(body, dict):
        return {name: known.get(name) or _named(one, known) for name, one in body.items()}
    return body


def _text(value: Any) -> str:
    return value if isinstance(value, str) else json.dumps(value)


@asynccontextmanager
async def running(
    service: Service, databases: Databases, signer: Signer, folder: Path
) -> AsyncIterator[tuple[aiohttp.ClientSession, dict[str, Any], dict[str, str]]]:
    """The service with the demo town in it, and nothing else to be reached; its document, and ids that are there."""
    settings = _settings(service, databases, folder)
    await load(service, databases.owner_url, read(TOWN))
    document = create_app(service, settings, Database(databases.url)).openapi()
    async with serving(service, settings, signer) as client:
        yield client, document, await _known(databases)


def _settings(service: Service, databases: Databases, folder: Path) -> ServiceSettings:
    nowhere = "http://127.0.0.1:9"
    own: dict[str, Any] = {}
    try:
        local = import_module(f"{service.name}.local")
    except ModuleNotFoundError:
        pass
    else:
        stack = SimpleNamespace(payfip=nowhere, gateway=nowhere, web=nowhere, smtp="smtp://127.0.0.1:9", files=folder)
        own = {name.lower(): value for name, value in local.settings(stack).items()}
    if "return_origins" in own:
        own["return_origins"] = json.loads(own["return_origins"])
    return service.settings(
        database_url=databases.url,
        owner_database_url=databases.owner_url,
        amqp_url="amqp://127.0.0.1:9",
        port=0,
        jwks_url=nowhere,
        token_issuer=ISSUER,
        **own,
    )


async def _known(databases: Databases) -> dict[str, str]:
    connection = await asyncpg.connect(databases.owner_url)
    found = {}
    for name, table in TABLES.items():
        key = await connection.fetchval(
            "SELECT attname FROM pg_attribute JOIN pg_index ON indrelid = attrelid AND attnum = ANY(indkey)"
            " WHERE indisprimary AND attrelid = to_regclass($1)",
            table,
        )
        if key and (one := await connection.fetchval(f"SELECT {key} FROM {table} ORDER BY 1 LIMIT 1")):
            found[name] = str(one)
    await connection.close()
    return found


async def answers(
    client: aiohttp.ClientSession, requests: Iterable[Request], tokens: Mapping[CallerRole, str]
) -> tuple[Counter[int], list[str]]:
    """How many answers there are of each status, and which are an error of the server's: under each role that may call,
    and one that may not.
    """
    statuses, faults = Counter[int](), []
    for request in requests:
        others = [role for role in ROLES if role not in request.roles]
        for role in (*request.roles, *others[:1]):
            headers = {"Authorization": f"Bearer {tokens[role]}", "Idempotency-Key": str(new_id())} | request.headers
            if request.body is not None:
                headers["Content-Type"] = request.media_type
            async with client.request(
                request.method, request.path, params=request.query, data=request.body, headers=headers
            ) as answer:
                text = await answer.text()
            statuses[answer.status] += 1
            if answer.status >= 500 and not (answer.status == 503 and SAID in text):
                faults.append(f"{request.label} by {role}: {answer.status} to {request}")
    return statuses, faults


async def tokens_of(databases: Databases, signer: Signer, known: dict[str, str]) -> dict[CallerRole, str]:
    """One of each role; the guardian's is of a family that is there. Identity knows their sessions."""
    claims: dict[CallerRole, dict[str, Any]] = {role: {"name": "Alex Petit"} for role in ROLES}
    claims["guardian"] = {"dossier_id": known.get("dossier_id", str(UUID(int=1))), "guardian_id": str(UUID(int=2))}
    connection = await asyncpg.connect(databases.owner_url)
    if await connection.fetchval("SELECT to_regclass('sessions') IS NOT NULL"):
        for role in ROLES:
            account = await connection.fetchrow(
                "SELECT id, dossier_id, guardian_id FROM accounts WHERE role = $1", role
            )
            if account is not None:
                claims[role] |= {"sub": account["id"], "sid": new_id()}
                claims[role] |= {name: account[name] for name in ("dossier_id", "guardian_id") if account[name]}
                await connection.execute(
                    "INSERT INTO sessions (id, account_id, generation, rotated_at, created_at, expires_at)"
                    " VALUES ($1, $2, 1, now(), now(), now() + interval '1 day')",
                    claims[role]["sid"],
                    account["id"],
                )
    await connection.close()
    return {role: signer.token(role, **said) for role, said in claims.items()}
