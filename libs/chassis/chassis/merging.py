"""Dossiers that are merged into another one: what was theirs is the other's, in every service.

`merged` keeps which is part of which. A service that hears of it re-points its own rows, once; the inbox re-points late
events of a merged dossier; and what was under way at that very moment is re-pointed by the next sweep.
"""

from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass
from uuid import UUID

from contracts import Event
from contracts.dossier import DossierChanged
from sqlalchemy.ext.asyncio import AsyncSession

from chassis import clock
from chassis.database import Database, fetch
from chassis.erasure import SWEPT_FOR

#: What has to happen before rows of the first dossier are the second's. It is called again by each sweep.
Before = Callable[[AsyncSession, UUID, UUID], Awaitable[None]]

# The end of every chain, whichever merge of it is heard of first.
_LEAVE = """
    INSERT INTO merged (id, into_id, merged_at)
    VALUES ($1, coalesce((SELECT into_id FROM merged WHERE id = $2), $2), $3)
    ON CONFLICT (id) DO UPDATE SET into_id = excluded.into_id RETURNING into_id
"""
_FOLLOW = "UPDATE merged SET into_id = $2 WHERE into_id = $1"
_LATELY = "SELECT id, into_id FROM merged WHERE merged_at > $1 ORDER BY id"


@dataclass(frozen=True)
class Merging:
    """How a service merges: its tables with a `dossier_id` to re-point, and what has to happen before."""

    tables: tuple[str, ...]
    before: Before | None = None

    async def merge(self, session: AsyncSession, dossier_id: UUID, into_id: UUID) -> None:
        """What is the first dossier's is the second's, or that one's into which it is merged itself. Again is nothing
        more."""
        ((into_id,),) = await fetch(session, _LEAVE, dossier_id, into_id, clock.now())
        await fetch(session, _FOLLOW, dossier_id, into_id)
        if self.before is not None:
            await self.before(session, dossier_id, into_id)
        for table in self.tables:
            await fetch(session, f"UPDATE {table} SET dossier_id = $2 WHERE dossier_id = $1", dossier_id, into_id)  # noqa: S608 -- names of our own

    async def hear(self, session: AsyncSession, events: Sequence[DossierChanged]) -> None:
        """For `keep(Dossier).then(...)`."""
        for event in events:
            if event.merged_into is not None:
                await self.merge(session, event.dossier_id, event.merged_into)

    async def sweep(self, database: Database, settings: object) -> None:
        """Merge again what was merged lately: what was under way then has come since."""
        async with database.sessions() as session:
            lately = await fetch(session, _LATELY, clock.now() - SWEPT_FOR)
        for dossier_id, into_id in lately:
            async with database.sessions.begin() as session:
                await self.merge(session, dossier_id, into_id)


def repointed(event: Event, merged: Mapping[UUID, UUID]) -> Event:
    """The event as the dossier's that its own is part of now; what is about that very dossier stays as it is."""
    into_id = merged.get(getattr(event, "dossier_id", event.subject))
    if event.subject_field == "dossier_id" or into_id is None:
        return event
    return event.model_copy(update={"dossier_id": into_id})
