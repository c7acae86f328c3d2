"""A family asks for all that is held about it, then is erased: everywhere, but for what accounting law keeps."""

import asyncio
from collections.abc import AsyncIterator, Awaitable
from contextlib import asynccontextmanager
from datetime import timedelta
from typing import Any, TypeVar

import asyncpg
import pytest
from chassis.identifiers import named_id, new_id
from french.calendar import school_year
from french.paris import day_in_paris
from identity.second_factor import STEP_S, totp

from deploy.local.portal import Portal, RefusedError, until
from deploy.local.stack import SERVICES, Stack
from tests.actors import PASSWORD, STAFF_PASSWORD, TOTP_SECRET, Clock, Family, Guardian

T = TypeVar("T")
#: Nobody else of the town is called so, or has it in their address.
CANARY = "quetzalcanari"
EMAIL = f"{CANARY}@example.org"
#: What accounting law keeps, and it alone.
KEPT = {("billing", "invoices"), ("billing", "invoice_lines")}


@asynccontextmanager
async def staff(stack: Stack, clock: Clock, username: str) -> AsyncIterator[Portal]:
    clock.advance(seconds=STEP_S + 1)  # a code is good once
    async with Portal(stack) as opened:
        await opened.sign_in(username, STAFF_PASSWORD, totp(TOTP_SECRET, int(clock.now().timestamp()) // STEP_S))
        yield opened


async def found(stack: Stack, word: str) -> set[tuple[str, str]]:
    """The tables of the five databases in which that word stands, as it is or in bytes."""
    tables = set()
    for service in SERVICES:
        connection = await asyncpg.connect(stack.owner_databases[service])
        names = await connection.fetch("SELECT tablename FROM pg_tables WHERE schemaname = 'public'")
        for (name,) in names:
            there = f"SELECT EXISTS (SELECT FROM {name} AS one WHERE one::text ILIKE $1 OR one::text ILIKE $2)"
            if await connection.fetchval(there, f"%{word}%", f"%{word.encode().hex()}%"):
                tables.add((service, name))
        await connection.close()
    return tables


@pytest.fixture
async def canary(stack: Stack, moving_clock: Clock) -> AsyncIterator[Family]:
    """A family that the desk has just recorded, with its own name, and whose guardian has an account."""
    number, today = f"q-{new_id().hex[-12:]}", day_in_paris(moving_clock.now())
    child = {
        "first_name": f"Oriane-{CANARY}",
        "last_name": CANARY.capitalize(),
        "birth_date": str(today - timedelta(days=8 * 365 + 100)),
        "schooling": [
            {
                "school_year": school_year(today),
                "school_id": str(named_id("site", "jean-jaures")),
                "level": "elementary",
            }
        ],
    }
    adult = {"first_name": "Zénobie", "last_name": CANARY.capitalize(), "email": EMAIL, "phone": "0639980001"}
    async with staff(stack, moving_clock, "agent") as agent:
        created = await agent.post(
            "/dossier/v1/dossiers",
            {
                "number": number,
                "override_reason": f"Madame {CANARY} a appelé",
                "address": {"street": f"1 rue {CANARY}", "postcode": "91000", "city": "Villeneuve-sur-Bièvre"},
                "adults": [adult | {"roles": ["legal_guardian", "payer"]}],
                "children": [child],
            },
        )
    guardian = Guardian(
        number, created["id"], "Zénobie", CANARY.capitalize(), EMAIL, [one["id"] for one in created["children"]]
    )
    async with Portal(stack) as portal:
        claim = await until(lambda: known(portal.claim(number, guardian.last_name, EMAIL)), "identity knows the family")
        await portal.register(claim, guardian.username, PASSWORD, **guardian.names())
        await portal.activate(await portal.activation_token(EMAIL), PASSWORD)
        await portal.sign_in(guardian.username, PASSWORD)
        await until(lambda: known(portal.weeks(guardian.children[0])), "enrolment knows the child")
        yield Family(portal, guardian)


async def known(call: Awaitable[T]) -> T | None:
    """What is answered, none while it is not found."""
    try:
        return await call
    except RefusedError as refused:
        if refused.status != 404:
            raise
        return None


async def exported(portal: Portal) -> dict[str, Any]:
    answers = await asyncio.gather(*(portal.get(f"/{service}/v1/me/export") for service in SERVICES))
    return {one["service"]: {part["table"]: part["rows"] for part in one["held"]} for one in answers}


async def test_a_family_has_all_that_is_held_and_once_erased_leaves_what_the_books_need(
    stack: Stack, canary: Family, family: Family, moving_clock: Clock
) -> None:
    paid = await canary.billed(await canary.line(0, 0))
    await canary.portal.pay_on_the_page((await canary.portal.open_payment(paid["invoice_id"]))["redirect_url"])
    await canary.portal.in_status(paid["id"], "paid")
    open_one = await canary.billed(await canary.line(0, 1))
    held = await canary.portal.book([await canary.line(0, 2)])
    week_ids = [line["holiday_week_id"] for one in (paid, open_one, held) for line in one["lines"]]

    own, other = await exported(canary.portal), await exported(family.portal)
    assert CANARY not in str(other).lower()
    assert own["identity"]["accounts"][0]["email"] == EMAIL
    assert {"password_hash", "totp_secret"}.isdisjoint(own["identity"]["accounts"][0])
    assert own["dossier"]["children"][0]["first_name"] == f"Oriane-{CANARY}"
    assert len(own["enrolment"]["bookings"]) == 3
    assert own["billing"]["payments"][0]["dossier_id"] == canary.dossier_id

    before = await found(stack, CANARY)
    assert {service for service, _ in before} == set(SERVICES)
    taken = await places(stack, week_ids)
    async with staff(stack, moving_clock, "admin") as admin:
        path = f"/dossier/v1/dossiers/{canary.dossier_id}?reason=Demande+de+la+famille"
        preview = await admin.call("DELETE", f"{path}&preview=true")
        assert (preview["children_erased"], preview["children_kept"]) == (canary.guardian.children, [])
        assert CANARY in str(await canary.portal.get("/dossier/v1/dossiers/mine")).lower()
        await admin.call("DELETE", path)

        async def gone() -> bool | None:
            return True if await found(stack, CANARY) == KEPT else None

        try:
            await until(gone, "nothing but the books is left")
        except TimeoutError:
            assert await found(stack, CANARY) == KEPT
        log = (await admin.get(f"/dossier/v1/desk-log?dossier_id={canary.dossier_id}"))["items"]
        assert [(one["act"], one["reason"]) for one in log][:1] == [
            ("DELETE /dossiers/{dossier_id}", "Demande de la famille")
        ]
    assert await places(stack, week_ids) == [one - 1 for one in taken]

    async def credited() -> bool | None:
        """The paid invoice and its credit note are all that names them; what was not paid has come to its end."""
        named = [number for number, name in await billed(stack, canary.dossier_id) if CANARY in name.lower()]
        return True if len(named) == 2 and all(named) else None

    await until(credited, "the paid week is credited, and what has no number names nobody")

    async def signed_out() -> bool | None:
        for path in ("/dossier/v1/dossiers/mine", f"/enrolment/v1/bookings/{paid['id']}"):
            with pytest.raises(RefusedError) as refused:  # not found, then not even asked
                await canary.portal.get(path)
            if refused.value.status != 401:
                assert refused.value.status == 404
                return None
        return True

    await until(signed_out, "their session has ended everywhere")
    with pytest.raises(RefusedError) as refused:
        await canary.sign_in_again()
    assert refused.value.status == 401


async def places(stack: Stack, week_ids: list[str]) -> list[int]:
    connection = await asyncpg.connect(stack.owner_databases["enrolment"])
    taken = [await connection.fetchval("SELECT taken FROM holiday_weeks WHERE id = $1", one) for one in week_ids]
    await connection.close()
    return taken


async def billed(stack: Stack, dossier_id: str) -> list[tuple[str | None, str]]:
    """Number and payer of each document."""
    connection = await asyncpg.connect(stack.owner_databases["billing"])
    rows = await connection.fetch("SELECT number, payer_name FROM invoices WHERE dossier_id = $1", dossier_id)
    await connection.close()
    return [tuple(row) for row in rows]
