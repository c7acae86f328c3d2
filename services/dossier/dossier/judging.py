"""What is missing in dossiers: judged by what the town asks for, kept with them, told when it is no longer the same."""

from collections.abc import Collection, Sequence
from datetime import date, datetime
from uuid import UUID

from french.calendar import school_year
from french.paris import day_in_paris
from sqlalchemy import ColumnElement, or_, select
from sqlalchemy.ext.asyncio import AsyncSession

from dossier.completeness import DocumentNeed, Needs, missing
from dossier.documents.models import Document, DocumentKind, DocumentStatus
from dossier.models import Dossier, Town


def may_change_by_itself(town: Town) -> bool:
    """Whether a day that begins can make a dossier incomplete: a document expires, a school year is over."""
    return bool(town.needed_documents) or town.certified_yearly or "school" in town.needed_fields


async def judge(session: AsyncSession, dossiers: Sequence[Dossier], now: datetime) -> list[Dossier]:
    """Set what is missing in whole dossiers; those in which it is not what it was."""
    today, needs = day_in_paris(now), await _needs(session)
    shown = await _shown(session, dossiers, today) if needs.documents else []
    changed = []
    for dossier in dossiers:
        children = {child.id for child in dossier.children}
        theirs = {(kind, child) for whose, kind, child in shown if whose == dossier.id or child in children}
        found = list(missing(dossier, needs, theirs, school_year(today)))
        if found != dossier.missing:
            dossier.missing = found
            changed.append(dossier)
    return changed


async def _needs(session: AsyncSession) -> Needs:
    """What the town asks for; where none is loaded, the usual."""
    town = await session.get(Town, True)
    if town is None:
        return Needs()
    kinds = select(DocumentKind).where(DocumentKind.code.in_(town.needed_documents)).order_by(DocumentKind.rank)
    documents = await session.scalars(kinds) if town.needed_documents else ()
    return Needs(
        town.needed_fields,
        [DocumentNeed(one.code, one.name, one.about == "child", one.health) for one in documents],
        town.certified_yearly,
    )


async def _shown(
    session: AsyncSession, dossiers: Collection[Dossier], today: date
) -> Sequence[tuple[UUID, str, UUID | None]]:
    """Those accepted and still good: whose, which kind, of which child. A child's count in each of its dossiers."""
    children = {child.id for dossier in dossiers for child in dossier.children}
    theirs: ColumnElement[bool] = Document.dossier_id.in_([one.id for one in dossiers])
    query = select(Document.dossier_id, Document.kind, Document.child_id).where(
        or_(theirs, Document.child_id.in_(children)),
        Document.status == DocumentStatus.ACCEPTED,
        or_(Document.expires_on.is_(None), Document.expires_on >= today),
    )
    return [(whose, kind, child) for whose, kind, child in await session.execute(query)]
