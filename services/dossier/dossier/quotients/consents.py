"""Who agrees that their quotient is asked for: what it takes is kept only as long as they do."""

from collections.abc import Mapping
from typing import Any
from uuid import UUID

from chassis import clock
from chassis.problems import NotFound
from chassis.reach import Reach
from sqlalchemy import delete
from sqlalchemy.ext.asyncio import AsyncSession

from dossier.models import Adult
from dossier.quotients.models import QuotientConsent
from dossier.quotients.particulier import Access, NotConnected


async def find(session: AsyncSession, reach: Reach, dossier_id: UUID, adult_id: UUID) -> QuotientConsent | None:
    """Raises NotFound."""
    await _adult(session, reach, dossier_id, adult_id)
    return await session.get(QuotientConsent, adult_id)


async def give(
    session: AsyncSession, access: Access, reach: Reach, dossier_id: UUID, adult_id: UUID, status: Mapping[str, Any]
) -> QuotientConsent:
    """With their civil status; given again, it replaces the other. Raises NotFound, NotConnected."""
    await _adult(session, reach, dossier_id, adult_id)
    if not access.token:
        raise NotConnected
    consent = QuotientConsent(
        adult_id=adult_id, dossier_id=dossier_id, agreed_at=clock.now(), agreed_by=reach.sub, **status
    )
    return await session.merge(consent)


async def withdraw(session: AsyncSession, reach: Reach, dossier_id: UUID, adult_id: UUID) -> None:
    """Nothing of it is kept; again, it changes nothing. Raises NotFound."""
    await _adult(session, reach, dossier_id, adult_id)
    await session.execute(delete(QuotientConsent).where(QuotientConsent.adult_id == adult_id))


async def _adult(session: AsyncSession, reach: Reach, dossier_id: UUID, adult_id: UUID) -> None:
    """A guardian speaks for themselves alone; the desk writes down what was said or signed there.

    Locked: what is said twice at once comes one after the other. Raises NotFound.
    """
    adult = await session.get(Adult, adult_id, with_for_update=True)
    if not reach.covers(dossier_id) or adult is None or adult.dossier_id != dossier_id:
        raise NotFound
    if not reach.at_desk and reach.guardian_id != adult_id:
        raise NotFound
