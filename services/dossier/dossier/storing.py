"""Many new dossiers at once, stored by COPY and told to others."""

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from chassis import clock
from chassis.database import copy
from chassis.outbox import publish
from contracts import Event
from contracts import dossier as contract
from sqlalchemy import FromClause
from sqlalchemy.ext.asyncio import AsyncSession

from dossier.children import child_changed
from dossier.dossiers import dossier_changed
from dossier.judging import judge
from dossier.models import Adult, Child, Dossier, Quotient, Schooling, dossier_children


async def store(session: AsyncSession, dossiers: Sequence[Dossier]) -> None:
    """Whole dossiers that nobody has, past the ORM: its objects only hold the values.

    Their version, and their children's, counts the events told here: 1, of a dossier with quotients 2.
    """
    await judge(session, dossiers, clock.now())
    children = [child for dossier in dossiers for child in dossier.children]
    stored: tuple[tuple[FromClause, Iterable[Mapping[str, Any]]], ...] = (
        (Dossier.__table__, map(vars, dossiers)),
        (Adult.__table__, (vars(adult) for dossier in dossiers for adult in dossier.adults)),
        (Child.__table__, map(vars, children)),
        (Schooling.__table__, (vars(year) for child in children for year in child.schooling)),
        (Quotient.__table__, (vars(quotient) for dossier in dossiers for quotient in dossier.quotients)),
        (
            dossier_children,
            ({"dossier_id": one.id, "child_id": child.id} for one in dossiers for child in one.children),
        ),
    )
    for table, rows in stored:
        await copy(session, table, rows)
    await publish(session, *(event for dossier in dossiers for event in _events(dossier)))


def _events(dossier: Dossier) -> list[Event]:
    """What is to be told of a dossier just stored. Its own event comes last, at the version it has."""
    events: list[Event] = [child_changed(child, (dossier.id,)) for child in dossier.children]
    if dossier.quotients:
        events.append(
            contract.QuotientChanged(
                version=dossier.version - 1, dossier_id=dossier.id, quotients=dossier.quotient_periods
            )
        )
    return [*events, dossier_changed(dossier)]
