"""Erasing a family, a child or an account: everything of theirs but what a law keeps (chassis.law).

Its id stays in `erased`, and no late event revives what has it: the inbox passes over events of it, and what one had
under way at that very moment is deleted by the next sweep. `@EvenErased` is for a handler that ends something of them
that law keeps, such as an invoice.
"""

from collections.abc import Awaitable, Callable, Iterable
from dataclasses import dataclass
from datetime import timedelta
from typing import Any, Literal
from uuid import UUID

from contracts import Event
from contracts.dossier import ChildErased, DossierErased
from contracts.identity import AccountClosed
from sqlalchemy import ARRAY, MetaData
from sqlalchemy.ext.asyncio import AsyncSession

from chassis import clock
from chassis.database import Database, fetch
from chassis.law import delete_rows, law_of

Erased = Literal["account", "dossier", "child"]
#: What has to happen before: given back, cancelled, told. It is called again by each sweep.
Before = Callable[[AsyncSession, UUID], Awaitable[None]]
#: As long as an event may be late.
SWEPT_FOR = timedelta(days=30)
#: Of an account, as long as a call may be under way (its tokens are refused): a guardian who was removed by mistake has
#: the same one again, and what they make with it stays.
ACCOUNT_SWEPT_FOR = timedelta(minutes=20)

_LEAVE = "INSERT INTO erased (id, kind, erased_at) VALUES ($1, $2, $3) ON CONFLICT DO NOTHING"
# What was said before it: the reason of the erasure itself proves that it was asked for.
_FORGET_WORDS = """
    UPDATE desk_log SET reason = NULL FROM erased
    WHERE erased.id = $1 AND $1 IN (desk_log.dossier_id, desk_log.subject_id) AND desk_log.at < erased.erased_at
      AND reason IS NOT NULL
"""
_LATELY = """
    SELECT id, kind FROM erased
    WHERE erased_at > CASE kind WHEN 'account' THEN $2::timestamptz ELSE $1::timestamptz END ORDER BY id
"""


@dataclass(frozen=True)
class EvenErased:
    """A handler that hears of who is erased, too."""

    handler: Callable[[AsyncSession, Any], Awaitable[None]]

    async def __call__(self, session: AsyncSession, event: Any) -> None:
        await self.handler(session, event)


async def erase(session: AsyncSession, metadata: MetaData, kind: Erased, subject: UUID) -> None:
    """Leave the id, and delete each row that speaks of them and that no law keeps, and why the desk did what it did.

    Again changes nothing more.
    """
    await session.flush()
    await fetch(session, _LEAVE, subject, kind, clock.now())
    for table in reversed(metadata.sorted_tables):
        law = law_of(table)
        column = table.c[law.of[kind]] if kind in law.of else None
        # A column with several dossiers erases nothing: the child goes when its last one does.
        if column is not None and law.stays is None and not isinstance(column.type, ARRAY):
            await delete_rows(session, table, column == subject)
    await fetch(session, _FORGET_WORDS, subject)
    session.expire_all()


@dataclass(frozen=True)
class Erasure:
    """How a service erases: its tables, and what has to happen before, where something has."""

    metadata: MetaData
    account: Before | None = None
    dossier: Before | None = None
    child: Before | None = None

    async def erase(self, session: AsyncSession, kind: Erased, subject: UUID) -> None:
        before: Before | None = getattr(self, kind)
        if before is not None:
            await before(session, subject)
        await erase(session, self.metadata, kind, subject)

    def handlers(self, *kinds: Erased) -> dict[type[Event], EvenErased]:
        """For HANDLERS, what is heard of the erasure of these."""

        async def of_dossier(session: AsyncSession, event: DossierErased) -> None:
            await self.erase(session, "dossier", event.dossier_id)

        async def of_child(session: AsyncSession, event: ChildErased) -> None:
            await self.erase(session, "child", event.child_id)

        async def of_account(session: AsyncSession, event: AccountClosed) -> None:
            await self.erase(session, "account", event.account_id)

        heard: dict[Erased, tuple[type[Event], EvenErased]] = {
            "dossier": (DossierErased, EvenErased(of_dossier)),
            "child": (ChildErased, EvenErased(of_child)),
            "account": (AccountClosed, EvenErased(of_account)),
        }
        return dict(heard[kind] for kind in kinds)

    async def sweep(self, database: Database, settings: object) -> None:
        """Erase again who was erased lately: what was under way when they were has come since."""
        async with database.sessions() as session:
            lately = await fetch(session, _LATELY, (now := clock.now()) - SWEPT_FOR, now - ACCOUNT_SWEPT_FOR)
        for subject, kind in lately:
            async with database.sessions.begin() as session:
                await self.erase(session, kind, subject)


async def is_erased(session: AsyncSession, subject: UUID) -> bool:
    return bool(await fetch(session, "SELECT FROM erased WHERE id = $1", subject))


def named(event: Event) -> Iterable[UUID]:
    """Of whom an event speaks: where one of them is erased, it says nothing any more."""
    for name in (event.subject_field, "dossier_id", "child_id", "account_id"):
        if isinstance(one := getattr(event, name, None), UUID):
            yield one
