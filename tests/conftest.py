"""One whole stack for all tests of whole stacks; its clock only ever moves forward, so no test needs an order."""

import asyncio
import re
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from contextlib import AsyncExitStack

import asyncpg
import pytest
from identity.second_factor import STEP_S, totp

from deploy.local.portal import Portal
from deploy.local.stack import TOWN, Stack
from deploy.local.stack import stack as running_stack
from tests.actors import PASSWORD, STAFF_PASSWORD, TOTP_SECRET, Clock, Family, Guardian

#: Each test that wants a family has its own: more than the demo town has.
FAMILIES = 400


@pytest.fixture(scope="package")
def stack(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Stack]:
    """Ends with the tests of this folder: it takes its share of the machine even when nobody asks it for anything."""
    text = TOWN.read_text()
    drawn = re.sub(r"(?<=\[generated_families\]\n)count = \d+", f"count = {FAMILIES}", text)
    assert drawn != text
    town = tmp_path_factory.mktemp("town") / TOWN.name
    town.write_text(drawn)
    with running_stack(tmp_path_factory.mktemp("stack"), town=town) as running:
        yield running


@pytest.fixture
def moving_clock(stack: Stack) -> Clock:
    clock = Clock(stack)
    clock.leave_the_evening()
    return clock


@pytest.fixture(scope="package")
def guardians(stack: Stack) -> Iterator[Guardian]:
    """The generated families with two children or more, each handed out once."""

    async def read() -> list[Guardian]:
        connection = await asyncpg.connect(stack.databases["dossier"])
        try:
            rows = await connection.fetch(
                """
                SELECT number, dossiers.id AS dossier_id, first_name, last_name, recorded_email AS email,
                       ARRAY(SELECT child_id::text FROM dossier_children
                             WHERE dossier_id = dossiers.id ORDER BY child_id) AS children
                FROM dossiers JOIN adults ON adults.dossier_id = dossiers.id
                WHERE number > '100002' AND number <> '100042' AND 'payer' = ANY(roles) ORDER BY number
                """
            )
        finally:
            await connection.close()
        return [Guardian(**{**row, "dossier_id": str(row["dossier_id"])}) for row in rows if len(row["children"]) > 1]

    return iter(asyncio.run(read()))


@pytest.fixture
def guardian(guardians: Iterator[Guardian]) -> Guardian:
    """Somebody without an account, whom no other test knows."""
    return next(guardians)


@pytest.fixture
async def portal(stack: Stack) -> AsyncIterator[Portal]:
    async with Portal(stack) as opened:
        yield opened


NewFamily = Callable[[], Awaitable[Family]]


@pytest.fixture
async def new_family(stack: Stack, guardians: Iterator[Guardian], moving_clock: Clock) -> AsyncIterator[NewFamily]:
    """Makes families that register, follow their link and sign in, as everybody does.

    After `moving_clock`, which may leave the evening: what they sign in with lasts ten minutes.
    """
    async with AsyncExitStack() as opened:

        async def make() -> Family:
            portal, guardian = await opened.enter_async_context(Portal(stack)), next(guardians)
            claim = await portal.claim(guardian.number, guardian.last_name, guardian.email)
            await portal.register(claim, guardian.username, PASSWORD, **guardian.names())
            await portal.activate(await portal.activation_token(guardian.email), PASSWORD)
            await portal.sign_in(guardian.username, PASSWORD)
            return Family(portal, guardian)

        yield make


@pytest.fixture
async def family(new_family: NewFamily) -> Family:
    return await new_family()


@pytest.fixture
async def agent(stack: Stack, moving_clock: Clock) -> AsyncIterator[Portal]:
    """The desk, signed in with its second factor; a code is good once, so the clock moves to the next one."""
    moving_clock.advance(seconds=31)
    async with Portal(stack) as opened:
        code = totp(TOTP_SECRET, int(moving_clock.now().timestamp()) // STEP_S)
        await opened.sign_in("agent", STAFF_PASSWORD, code)
        yield opened


@pytest.fixture
async def enrolment_database(stack: Stack) -> AsyncIterator[asyncpg.Connection]:
    """As its owner: to set the scene where no call can, and to count places."""
    connection = await asyncpg.connect(stack.owner_databases["enrolment"])
    yield connection
    await connection.close()


@pytest.fixture
async def last_week(family: Family, enrolment_database: asyncpg.Connection) -> AsyncIterator[tuple[str, str]]:
    """A child of the family and the last week it may book, which has one place left."""
    child_id, week_id = await family.line(week=-1)
    places = await enrolment_database.fetchval("SELECT places FROM holiday_weeks WHERE id = $1", week_id)
    await enrolment_database.execute("UPDATE holiday_weeks SET places = taken + 1 WHERE id = $1", week_id)
    yield child_id, week_id
    await enrolment_database.execute("UPDATE holiday_weeks SET places = $2 WHERE id = $1", week_id, places)
