"""The administrator names the town's programs; a secret is told once, and replaced without a refused request."""

from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta
from typing import NamedTuple
from uuid import UUID

from chassis.identifiers import new_id
from chassis.outbox import publish
from chassis.problems import NotFound, Problem
from contracts.identity import AccessRevoked
from sqlalchemy import ColumnElement, delete, or_, select
from sqlalchemy.exc import IntegrityError
from sqlalchemy.ext.asyncio import AsyncSession

from identity.clients.models import Client, ClientSecret
from identity.throttling import known_addresses


class ClientExists(Problem):
    type = "urn:problem:identity:client-exists"
    status = 409
    title = "Programme déjà connu"
    detail = "Un programme porte déjà ce nom : choisissez-en un autre, ou renouvelez son secret."


class Fresh(NamedTuple):
    """A secret that was just made: its id, by which it begins, and its hash."""

    id: UUID
    hash: str


def beginning(secret_id: UUID) -> str:
    """How that secret begins, so that of several the one that is meant is known, and one hash made."""
    return f"{secret_id.hex[-8:]}."


def live(now: datetime) -> ColumnElement[bool]:
    """Secrets that are still good."""
    return or_(ClientSecret.expires_at.is_(None), ClientSecret.expires_at > now)


async def page(session: AsyncSession, most: int, after: UUID | None) -> Sequence[Client]:
    query = select(Client).order_by(Client.id).limit(most)
    return (await session.scalars(query.where(Client.id > after) if after else query)).all()


async def secrets_of(
    session: AsyncSession, clients: Sequence[Client], now: datetime
) -> Mapping[UUID, Sequence[ClientSecret]]:
    """Of each of these clients the secrets that are good, the newest first."""
    found = select(ClientSecret).where(ClientSecret.client_id.in_([one.id for one in clients]), live(now))
    by_client: dict[UUID, list[ClientSecret]] = {client.id: [] for client in clients}
    for secret in await session.scalars(found.order_by(ClientSecret.created_at.desc(), ClientSecret.id.desc())):
        by_client[secret.client_id].append(secret)
    return by_client


async def add(session: AsyncSession, name: str, scope: str, secret: Fresh, now: datetime) -> Client:
    """Raises ClientExists."""
    client = Client(id=new_id(), name=name, scope=scope, created_at=now)
    session.add(client)
    try:
        await session.flush()
    except IntegrityError as error:
        raise ClientExists from error
    _give(session, client, secret, now)
    return client


async def rotate(
    session: AsyncSession, client_id: UUID, secret: Fresh, former_valid: timedelta, now: datetime
) -> Client:
    """A new secret; the one it replaces is good for so long still, and any before that no more. Raises NotFound."""
    client = await session.get(Client, client_id, with_for_update=True)
    if client is None:
        raise NotFound
    good = (await secrets_of(session, [client], now))[client_id]
    for former in good[:1]:
        former.expires_at = now + former_valid
    await session.execute(delete(ClientSecret).where(ClientSecret.id.in_([one.id for one in good[1:]])))
    _give(session, client, secret, now)
    return client


async def remove(session: AsyncSession, client_id: UUID) -> None:
    """It gets no token any more, and no service takes those it has. Raises NotFound."""
    gone = await session.scalar(delete(Client).where(Client.id == client_id).returning(Client.id))
    if gone is None:
        raise NotFound
    await publish(session, AccessRevoked(access_id=client_id, version=1))
    await known_addresses.forget(session, client_id)


def _give(session: AsyncSession, client: Client, secret: Fresh, now: datetime) -> None:
    session.add(ClientSecret(id=secret.id, client_id=client.id, hash=secret.hash, created_at=now, expires_at=None))
