"""What is exported of a person, and what an erasure leaves of them, whatever comes late."""

from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any
from uuid import UUID, uuid4

import asyncpg
import pytest
from chassis import clock, desk, inbox
from chassis.copies import keep
from chassis.database import TYPES, Database, fetch
from chassis.erasure import Erasure, EvenErased
from chassis.export import held
from chassis.identifiers import new_id
from chassis.inbox import Handlers
from chassis.law import impersonal, part_of, personal
from chassis.reach import Reach
from chassis.schema import may, service_metadata
from chassis.testing import create_database, drop_database, shifted_clock
from contracts.dossier import ChildErased, DossierErased, QuotientChanged
from contracts.identity import AccountClosed
from sqlalchemy import ARRAY, Column, Date, ForeignKey, Integer, LargeBinary, Table, Text, Uuid, text
from sqlalchemy.dialects.postgresql import JSONB
from sqlalchemy.ext.asyncio import AsyncSession
from sqlalchemy.orm import DeclarativeBase, Mapped, mapped_column

from libs.chassis.tests.queues import body

OURS, THEIRS, ANNA, BEN, BOTH = (uuid4() for _ in range(5))
ACCOUNT, OTHER_ACCOUNT, GUARDIAN = (uuid4() for _ in range(3))


class Base(DeclarativeBase):
    metadata = service_metadata("toy")
    type_annotation_map = TYPES


class Quotients(Base):
    __tablename__ = "quotients"
    __table_args__ = may("UPDATE", law=personal("Quotients", dossier="dossier_id"))

    dossier_id: Mapped[UUID] = mapped_column(primary_key=True)
    version: Mapped[int]
    quotients: Mapped[list[str]] = mapped_column(JSONB)


def table(name: str, *columns: Column[Any], **args: Any) -> Table:
    made: Table = Table(name, Base.metadata, Column("id", Uuid(), primary_key=True, default=uuid4), *columns, **args)
    return made


def of(name: str) -> Column[Any]:
    return Column(name, Uuid())


CHILDREN = table(
    "children",
    Column("dossier_ids", ARRAY(Uuid())),
    Column("name", Text()),
    **may(law=personal("Enfants", child="id", dossier="dossier_ids")),
)
DRAFTS = table(
    "drafts",
    of("account_id"),
    of("dossier_id"),
    Column("secret", LargeBinary()),
    **may(law=personal("Brouillons", account="account_id", dossier="dossier_id", hidden=("secret",))),
)
LOANS = table(
    "loans",
    of("dossier_id"),
    of("child_id"),
    Column("day", Date()),
    **may(law=personal("Prêts", dossier="dossier_id", child="child_id")),
)
PAGES = table("pages", Column("loan_id", ForeignKey("loans.id")), **may(law=part_of("loans", "Pages")))
NOTES = table("notes", of("child_id"), **may(law=personal("Notes", child="child_id")))
BILLS = table(
    "bills",
    of("dossier_id"),
    Column("cents", Integer()),
    **may(law=personal("Factures", dossier="dossier_id", stays="accounting law")),
)
COPIES = table("copies", of("dossier_id"), **may(law=personal("Copies", dossier="dossier_id", unexported="a copy")))
SHELVES = table("shelves", **may(law=impersonal("as long as the library")))

given_back: list[UUID] = []
heard: list[UUID] = []


async def give_back(_: AsyncSession, dossier_id: UUID) -> None:
    given_back.append(dossier_id)


async def hear(_: AsyncSession, event: QuotientChanged) -> None:
    heard.append(event.dossier_id)


ERASURE = Erasure(Base.metadata, dossier=give_back)
HANDLERS: Handlers = {**ERASURE.handlers("dossier", "child", "account"), QuotientChanged: keep(Quotients)}


@pytest.fixture
async def library(postgres: str) -> AsyncIterator[Database]:
    """Two families with a child each and one that they share, and something of each in every table."""
    made = await create_database(postgres, "toy")
    owner = Database(made.owner_url)
    async with owner.engine.begin() as connection:
        await connection.run_sync(Base.metadata.create_all)
    await owner.close()
    database = Database(made.url)
    async with database.sessions.begin() as session:
        for child, name, dossiers in ((ANNA, "Anna", [OURS]), (BEN, "Ben", [THEIRS]), (BOTH, "Lou", [OURS, THEIRS])):
            await session.execute(CHILDREN.insert().values(id=child, name=name, dossier_ids=dossiers))
            await session.execute(NOTES.insert().values(child_id=child))
            for dossier in dossiers:
                stored = LOANS.insert().values(dossier_id=dossier, child_id=child, day=clock.now().date())
                loan = await session.scalar(stored.returning(LOANS.c.id))
                await session.execute(PAGES.insert().values(loan_id=loan))
        for dossier, account in ((OURS, ACCOUNT), (OURS, OTHER_ACCOUNT), (OURS, None), (THEIRS, uuid4())):
            await session.execute(DRAFTS.insert().values(dossier_id=dossier, account_id=account, secret=b"x"))
        for dossier in (OURS, THEIRS):
            await session.execute(BILLS.insert().values(dossier_id=dossier, cents=1250))
            await session.execute(COPIES.insert().values(dossier_id=dossier))
        await session.execute(SHELVES.insert().values())
    given_back.clear()
    heard.clear()
    yield database
    await database.close()
    await drop_database(postgres, made)


async def count(database: Database, **tables: str) -> dict[str, int]:
    """How many rows there are of each, where that condition holds."""
    async with database.sessions() as session:
        return {
            name: int(await session.scalar(text(f"SELECT count(*) FROM {name} WHERE {where}")) or 0)
            for name, where in tables.items()
        }


async def everything(database: Database) -> dict[str, int]:
    names = ("children", "drafts", "loans", "pages", "notes", "bills", "copies", "shelves")
    return await count(database, **dict.fromkeys(names, "true"))


async def test_a_guardian_is_told_what_is_their_own_and_their_familys_and_nothing_of_anybody_elses(
    library: Database,
) -> None:
    reach = Reach(sub=ACCOUNT, role="guardian", dossier_id=OURS, guardian_id=GUARDIAN)
    async with library.sessions.begin() as session:
        found = {one.table: one for one in await held(session, Base.metadata, reach)}
    assert {name: len(one.rows) for name, one in found.items()} == {
        "children": 2,
        "drafts": 2,  # one's own and the family's, not the other guardian's
        "loans": 2,  # of the child that is shared, one's own alone
        "pages": 2,
        "notes": 2,
        "bills": 1,
    }
    assert {row["dossier_id"] for row in found["loans"].rows} == {str(OURS)}
    assert found["loans"].name == "Prêts"
    assert {"secret"}.isdisjoint(found["drafts"].rows[0])
    stranger = Reach(sub=uuid4(), role="agent")
    async with library.sessions.begin() as session:
        assert await held(session, Base.metadata, stranger) == []


async def test_an_erased_family_leaves_what_a_law_keeps_and_the_child_it_shares(library: Database) -> None:
    before = await everything(library)
    for event in (DossierErased(dossier_id=OURS, version=9), ChildErased(child_id=ANNA, version=4)):
        for _ in range(2):
            await inbox.handle(library, body(event), HANDLERS)
    assert given_back == [OURS, OURS]
    assert before == await everything(library) | {
        "children": 3, "drafts": 4, "loans": 4, "pages": 4, "notes": 3, "copies": 2
    }  # fmt: skip
    assert await everything(library) == {
        "children": 2, "drafts": 1, "loans": 2, "pages": 2, "notes": 2, "bills": 2, "copies": 1, "shelves": 1
    }  # fmt: skip
    ours = f"dossier_id = '{OURS}'"
    assert await count(library, drafts=ours, loans=ours, copies=ours, bills=ours) == {
        "drafts": 0, "loans": 0, "copies": 0, "bills": 1
    }  # fmt: skip


async def act(library: Database, subject: UUID, dossier: UUID | None) -> None:
    async with library.sessions.begin() as session:
        who = (new_id(), clock.now(), uuid4(), "agent", "Alex Petit", "PUT /things/{thing_id}")
        await fetch(session, desk.STORE, *who, subject, dossier, "Sa mère a déménagé")


async def test_the_desk_log_keeps_of_who_is_erased_that_it_was_done_and_not_the_words_of_why(library: Database) -> None:
    for subject, dossier in ((uuid4(), OURS), (ANNA, None), (BOTH, THEIRS)):
        await act(library, subject, dossier)
    for event in (DossierErased(dossier_id=OURS, version=9), ChildErased(child_id=ANNA, version=4)):
        await inbox.handle(library, body(event), HANDLERS)
    await act(library, OURS, OURS)  # that they are erased, and why
    await ERASURE.sweep(library, None)
    async with library.sessions() as session:
        kept = await fetch(session, "SELECT name, subject_id, dossier_id, reason FROM desk_log ORDER BY id")
    assert [(one["reason"] is None, one["name"], one["dossier_id"]) for one in kept] == [
        (True, "Alex Petit", OURS),
        (True, "Alex Petit", None),
        (False, "Alex Petit", THEIRS),
        (False, "Alex Petit", OURS),
    ]
    for refused in ("name = NULL", "at = now()", "reason = 'Autre'", "reason = NULL, act = 'Autre'"):
        with pytest.raises(asyncpg.InsufficientPrivilegeError):
            async with library.transaction() as connection:
                await connection.execute(f"UPDATE desk_log SET {refused}")


async def test_an_account_that_is_closed_leaves_what_is_the_familys(library: Database) -> None:
    closed = AccountClosed(account_id=ACCOUNT, dossier_id=OURS, guardian_id=GUARDIAN, version=2)
    await inbox.handle(library, body(closed), HANDLERS)
    assert (await everything(library))["drafts"] == 3
    assert (await everything(library))["loans"] == 4


@pytest.mark.parametrize("late", [False, True], ids=["in order", "late"])
async def test_nothing_that_comes_late_revives_who_is_erased(library: Database, late: bool) -> None:
    kept, gone = QuotientChanged(dossier_id=THEIRS, version=3, quotients=()), DossierErased(dossier_id=OURS, version=9)
    told = QuotientChanged(dossier_id=OURS, version=3, quotients=())
    for event in (kept, *((gone, told) if late else (told, gone))):
        await inbox.handle(library, body(event), HANDLERS)
    assert await count(library, quotients="true") == {"quotients": 1}
    batch = [body(QuotientChanged(dossier_id=one, version=4, quotients=())) for one in (OURS, THEIRS)]
    assert await inbox.judge(library, batch, HANDLERS) == ["done", "done"]
    assert await count(library, quotients="version = 4") == {"quotients": 1}


async def test_a_handler_that_ends_what_law_keeps_hears_of_them_all_the_same(library: Database) -> None:
    await inbox.handle(library, body(DossierErased(dossier_id=OURS, version=9)), HANDLERS)
    told = QuotientChanged(dossier_id=OURS, version=3, quotients=())
    await inbox.handle(library, body(told), {QuotientChanged: hear})
    assert heard == []
    await inbox.handle(library, body(told), {QuotientChanged: EvenErased(hear)})
    assert heard == [OURS]


async def test_who_has_the_same_account_again_keeps_what_they_make_with_it(library: Database, clock_file: Path) -> None:
    closed = AccountClosed(account_id=ACCOUNT, dossier_id=OURS, guardian_id=GUARDIAN, version=2)
    await inbox.handle(library, body(closed), HANDLERS)
    for minutes, left in ((10, 0), (30, 1)):
        async with library.sessions.begin() as session:
            await session.execute(DRAFTS.insert().values(dossier_id=OURS, account_id=ACCOUNT, secret=b"x"))
        with shifted_clock(clock_file, minutes * 60):
            await ERASURE.sweep(library, None)
        assert await count(library, drafts=f"account_id = '{ACCOUNT}'") == {"drafts": left}


async def test_what_was_under_way_at_that_moment_goes_with_the_next_sweep(library: Database) -> None:
    await inbox.handle(library, body(DossierErased(dossier_id=OURS, version=9)), HANDLERS)
    async with library.sessions.begin() as session:
        await session.execute(LOANS.insert().values(id=new_id(), dossier_id=OURS))
    await ERASURE.sweep(library, None)
    assert await count(library, loans=f"dossier_id = '{OURS}'") == {"loans": 0}
    assert given_back == [OURS, OURS]
