"""Families in enrolment's database with weeks that have places for everybody, and requests in their names."""

import json
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID, uuid4

import asyncpg
from chassis.identifiers import new_id
from chassis.testing import Signer

from deploy.local.stack import Stack
from tests.actors import signing_key
from tests.lab.bench import load

FAMILIES, WEEKS = 20_000, 50
#: What an id is of: the n-th of its kind can be named by anybody, a script of pgbench too.
DOSSIER, CHILD, WEEK, ACCOUNT, GUARDIAN = range(1, 6)


def named(kind: int, number: int) -> UUID:
    return UUID(f"{kind:08x}-0000-7000-8000-{number:012x}")


_ACCOUNT = """
    INSERT INTO accounts SELECT (jsonb_populate_record(account, jsonb_build_object(
        'id', new.id, 'username', $4 || new.n, 'username_key', $4 || new.n, 'guardian_id', new.guardian_id,
        'dossier_id', new.dossier_id, 'email', $4 || new.n || '@example.org', 'email_key', $4 || new.n || '@example.org'
    ))).*
    FROM unnest($1::uuid[], $2::uuid[], $3::uuid[]) WITH ORDINALITY AS new (id, guardian_id, dossier_id, n),
         accounts AS account WHERE account.username = 'martin'
"""


async def open_accounts(running: Stack, name: str, dossier_ids: Sequence[UUID]) -> None:
    """An account a dossier, under the name with 1 and so on, and with the demo town's password."""
    connection = await asyncpg.connect(running.owner_databases["identity"])
    try:
        new = [[new_id() for _ in dossier_ids] for _ in range(2)]
        await connection.execute(_ACCOUNT, *new, dossier_ids, name)
    finally:
        await connection.close()


async def fill(url: str) -> None:
    """Families of two children, and a week every week from a hundred days on; all of it again changes nothing."""
    connection = await asyncpg.connect(url)
    try:
        if not await connection.fetchval("SELECT 1 FROM dossiers WHERE id = $1", named(DOSSIER, 0)):
            await _families(connection)
            await _weeks(connection)
            await connection.execute("VACUUM ANALYZE")
    finally:
        await connection.close()


async def _families(connection: asyncpg.Connection) -> None:
    today = datetime.now(UTC).date()
    born = today.replace(year=today.year - 8, day=1)
    await connection.copy_records_to_table(
        "dossiers",
        columns=("id", "number", "status", "missing", "priorities", "reachable", "version"),
        records=((named(DOSSIER, n), f"9{n:06}", "active", [], [], True, 1) for n in range(FAMILIES)),
    )
    await connection.copy_records_to_table(
        "children",
        columns=("id", "dossier_ids", "first_name", "birth_date", "schooling", "resident", "version"),
        records=((named(CHILD, n), [named(DOSSIER, n // 2)], "Inès", born, "[]", True, 1) for n in range(2 * FAMILIES)),
    )


async def _weeks(connection: asyncpg.Connection) -> None:
    """Like one that the town has."""
    now = datetime.now(UTC)
    week = dict(await connection.fetchrow("SELECT * FROM holiday_weeks LIMIT 1"))
    for n in range(WEEKS):
        first = now.date() + timedelta(days=100 - now.weekday(), weeks=n)
        dates = [first + timedelta(days=day) for day in range(5)]
        values = week | {
            "id": named(WEEK, n),
            "dates": dates,
            "period": asyncpg.Range(dates[0], dates[-1], upper_inc=True),
            "places": 10_000_000,
            "taken": 0,
            "min_age": 3,
            "max_age": 11,
            "booking_opens_at": None,
            "residents_open_at": None,
            "booking_closes_at": now + timedelta(days=90),
            "cancellation_closes_at": now + timedelta(days=90),
        }
        places = ", ".join(f"${at}" for at in range(1, len(values) + 1))
        await connection.execute(f"INSERT INTO holiday_weeks ({', '.join(values)}) VALUES ({places})", *values.values())


class Families:
    """Signs for families as identity would."""

    def __init__(self, running: Stack) -> None:
        self.signer = Signer(signing_key(running))
        self.issuer = running.gateway
        self._tokens: dict[int, str] = {}

    def token(self, family: int) -> str:
        if family not in self._tokens:
            self._tokens[family] = self.signer.token(
                iss=self.issuer,
                sub=named(ACCOUNT, family),
                dossier_id=named(DOSSIER, family),
                guardian_id=named(GUARDIAN, family),
                exp=int((datetime.now(UTC) + timedelta(hours=2)).timestamp()),
            )
        return self._tokens[family]

    def lines(self, family: int, week: int) -> dict[str, Any]:
        """A place in that week for both children."""
        children = (named(CHILD, 2 * family), named(CHILD, 2 * family + 1))
        return {"lines": [{"child_id": str(child), "holiday_week_id": str(named(WEEK, week))} for child in children]}

    def hold(self, family: int, week: int) -> bytes:
        """The request for it."""
        body = json.dumps(self.lines(family, week)).encode()
        return load.request("POST", "/v1/bookings", self.token(family), body, Idempotency_Key=uuid4().hex)
