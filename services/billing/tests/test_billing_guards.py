"""What the database itself holds: the ledger balances and only grows, what is numbered is final."""

import asyncpg
import pytest
from billing.ledger.books import post
from billing.ledger.models import Account
from chassis import clock
from chassis.database import Database
from chassis.identifiers import new_id
from sqlalchemy import text
from sqlalchemy.exc import DBAPIError, IntegrityError, ProgrammingError

from services.billing.tests.billing_scene import Scene


async def test_a_transaction_that_does_not_balance_cannot_commit(database: Database) -> None:
    cents = {Account.PAYFIP: 100, Account.CREDIT: -99}
    session = database.sessions()
    await post(session, clock.now(), "Test", new_id(), cents)
    with pytest.raises(DBAPIError, match="does not balance"):
        await session.commit()
    await session.close()


@pytest.mark.parametrize("statement", ["UPDATE ledger_entries SET memo = ''", "DELETE FROM ledger_entries"])
async def test_the_application_cannot_change_the_ledger(database: Database, statement: str) -> None:
    async with database.sessions() as session:
        with pytest.raises(ProgrammingError, match="permission denied"):
            await session.execute(text(statement))


@pytest.mark.parametrize(
    "statement",
    [
        *(f"DELETE FROM {table}" for table in ("invoice_lines", "allocations", "booking_invoices")),
        # Forgotten once they are over, or with their family; until then they say what they said.
        *(f"UPDATE {table} SET amount_cents = 1" for table in ("quote_lines", "allocations")),
        "UPDATE quotes SET valid_until = now()",
    ],
)
async def test_the_application_cannot_change_what_was_shown(database: Database, statement: str) -> None:
    async with database.sessions() as session:
        with pytest.raises(ProgrammingError, match="permission denied"):
            await session.execute(text(statement))


async def test_the_money_of_a_payment_is_received_once(scene: Scene) -> None:
    _, invoice = await scene.opened()
    payment_id, _ = await scene.opened_payment(invoice)
    statement = text(
        "INSERT INTO ledger_entries (id, transaction_id, at, account, amount_cents, payment_id, memo)"
        " VALUES (gen_random_uuid(), gen_random_uuid(), :now, 'payfip', 1, :payment_id, '')"
    )
    async with scene.database.sessions() as session:
        await session.execute(statement, {"now": clock.now(), "payment_id": payment_id})
        with pytest.raises(IntegrityError, match="ix_ledger_entries_receipt"):
            await session.execute(statement, {"now": clock.now(), "payment_id": payment_id})


@pytest.mark.parametrize(
    "statement",
    [
        "UPDATE invoices SET amount_cents = 1",
        "DELETE FROM invoices",
        "UPDATE invoice_lines SET label = ''",
        "DELETE FROM invoice_lines",
        "INSERT INTO invoice_lines SELECT invoice_id, 9, child_id, child_name, activity_id, source, source_id, label,"
        " dates, amount_cents, childcare_cents, food_cents, explanation FROM invoice_lines",
    ],
)
async def test_a_numbered_invoice_never_changes_even_for_the_owner(scene: Scene, statement: str) -> None:
    await scene.grant(8085)
    await scene.opened()
    owner = await asyncpg.connect(scene.settings.owner_database_url)
    try:
        with pytest.raises(asyncpg.CheckViolationError, match="is numbered"):
            await owner.execute(statement)
    finally:
        await owner.close()
