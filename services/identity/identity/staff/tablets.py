"""Tablets of the sites: on one that is enrolled, and nowhere else, site staff sign in by their PIN."""

from collections.abc import Sequence
from datetime import datetime
from uuid import UUID

from chassis.identifiers import new_id
from chassis.problems import Malformed, NotFound
from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncSession

from identity.copies import Site
from identity.sessions import lines
from identity.sessions.models import Device
from identity.tokens import digest, new_secret


async def page(session: AsyncSession, most: int, after: UUID | None) -> Sequence[Device]:
    """So many of those enrolled, from the one that follows `after`."""
    query = select(Device).order_by(Device.id).limit(most)
    return (await session.scalars(query.where(Device.id > after) if after else query)).all()


async def enrol(session: AsyncSession, site_id: UUID, name: str, now: datetime) -> tuple[Device, str]:
    """A tablet of that site, and its token, of which only the digest is kept. Raises Malformed."""
    if await session.get(Site, site_id) is None:
        raise Malformed(errors=[{"pointer": "/site_id", "detail": "Ce site n'existe pas."}])
    token = new_secret()
    tablet = Device(id=new_id(), site_id=site_id, name=name, digest=digest(token), created_at=now)
    session.add(tablet)
    await session.flush()
    return tablet, token


async def remove(session: AsyncSession, tablet_id: UUID) -> None:
    """Lost, stolen or replaced: its token opens nothing any more, and its sessions end. Raises NotFound."""
    tablet = await session.get(Device, tablet_id, with_for_update=True)  # no session begins on it meanwhile
    if tablet is None:
        raise NotFound
    await lines.end_on(session, tablet)
    await session.delete(tablet)
