"""The demo town, what dossier tells of it, and the account of one of its adults."""

import tomllib
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path
from typing import Any
from uuid import UUID

from chassis.database import Database
from chassis.identifiers import named_id, new_id
from chassis.inbox import Handlers, decode, handle
from chassis.outbox import envelope
from contracts import Envelope, Event
from contracts.dossier import EVENTS
from contracts.identity import AccountActivated, AccountClosed
from dossier.consumers import HANDLERS
from french.calendar import school_year
from sqlalchemy import text

TOWN = tomllib.loads((Path(__file__).parents[3] / "deploy/towns/villeneuve-sur-bievre.toml").read_text())
THIS_YEAR = school_year(datetime.now(UTC).date())
WRITTEN = {name: part for name, part in TOWN.items() if name != "generated_families"}
MOREAU, MARTIN = named_id("dossier", "100042"), named_id("dossier", "100001")
CLAIRE = named_id("adult", "100042", "1")
Ask = Callable[..., Any]
#: `await send("PATCH", path, body, seen='"2"')`: status, answer and ETag.
Send = Callable[..., Any]


async def published(database: Database) -> list[Event]:
    """The outbox, in the order it was filled."""
    kinds: Handlers = dict.fromkeys(EVENTS, _ignore)
    async with database.sessions.begin() as session:
        bodies = await session.scalars(text("SELECT body FROM outbox ORDER BY id"))
        return [decode(body, kinds)[1] for body in bodies]


async def _ignore(*_: Any) -> None:
    return None


async def hear(database: Database, event: Event) -> Envelope:
    wrapped = envelope(event)
    await handle(database, wrapped.model_dump_json().encode(), HANDLERS)
    return wrapped


def closed(version: int, account_id: UUID) -> AccountClosed:
    return AccountClosed(version=version, account_id=account_id, dossier_id=MOREAU, guardian_id=CLAIRE)


def activated(email: str, version: int = 1, account_id: UUID | None = None) -> AccountActivated:
    return AccountActivated(
        version=version, account_id=account_id or new_id(), dossier_id=MOREAU, guardian_id=CLAIRE, email=email
    )
