"""The terms and the privacy policy in force, and who accepted which."""

from collections.abc import Mapping
from datetime import datetime
from typing import Literal
from uuid import UUID

from chassis.problems import NotFound
from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncSession

from identity.registrations.models import Acceptance, LegalText

Kind = Literal["terms", "privacy"]


async def current(session: AsyncSession, kind: Kind) -> LegalText:
    """The version published last; raises NotFound where the town has published none."""
    found = await session.scalar(
        select(LegalText).where(LegalText.kind == kind).order_by(LegalText.published_at.desc()).limit(1)
    )
    if found is None:
        raise NotFound
    return found


async def outdated(session: AsyncSession, versions: Mapping[Kind, str]) -> list[Kind]:
    """Those of the versions that are not, or no longer, the current ones."""
    return [kind for kind, version in versions.items() if (await current(session, kind)).version != version]


def accept(session: AsyncSession, account_id: UUID, versions: Mapping[Kind, str], now: datetime) -> None:
    """Keep that the account accepted these."""
    session.add_all(
        Acceptance(account_id=account_id, kind=kind, version=version, accepted_at=now)
        for kind, version in versions.items()
    )
