"""Clients: the town's programs, known by a name and a secret (OAuth 2 client credentials, RFC 6749)."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import ClassVar

from chassis.problems import Problem
from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncSession

from identity import passwords
from identity.clients.keeping import AT_ONCE, secrets_of
from identity.clients.models import Client


class ClientError(Problem):
    """A problem document that also is RFC 6749's error response (section 5.2)."""

    error: ClassVar[str]

    def __init__(self) -> None:
        super().__init__(error=self.error)


class InvalidClient(ClientError):
    type = "urn:problem:identity:invalid-client"
    error = "invalid_client"
    status = 401
    title = "Programme non reconnu"
    detail = "L'identifiant du programme ou son secret est incorrect."


class InvalidRequest(ClientError):
    type = "urn:problem:identity:invalid-token-request"
    error = "invalid_request"
    status = 400
    title = "Demande de jeton incorrecte"
    detail = "Envoyez grant_type, client_id et client_secret, en formulaire, en JSON ou par l'en-tête Authorization."


class UnsupportedGrantType(ClientError):
    type = "urn:problem:identity:unsupported-grant-type"
    error = "unsupported_grant_type"
    status = 400
    title = "Type d'autorisation refusé"
    detail = "Seul grant_type=client_credentials est accepté."


class InvalidScope(ClientError):
    type = "urn:problem:identity:invalid-scope"
    error = "invalid_scope"
    status = 400
    title = "Droit refusé"
    detail = "Ce programme n'a pas tous les droits demandés dans scope."


@dataclass(frozen=True)
class Known:
    """A client, and the hashes of its secrets."""

    client: Client
    hashes: Sequence[str]


async def by_name(session: AsyncSession, name: str, now: datetime) -> Known | None:
    client = await session.scalar(select(Client).where(Client.name == name))
    if client is None:
        return None
    secrets = (await secrets_of(session, [client], now))[client.id]
    return Known(client, [secret.hash for secret in secrets])


async def prove(known: Known | None, secret: str, scope: str | None) -> tuple[Client, str]:
    """The client whose secret this is, and the scope granted: what it asked for, or all that it has.

    The same work whether or not there is such a client, and however many secrets it has. Raises InvalidClient,
    InvalidScope.
    """
    hashes = list(known.hashes) if known else []
    tried = [*hashes, *[None] * AT_ONCE][:AT_ONCE]
    right = any([await passwords.matches(secret, one) for one in tried])
    if known is None or not right:
        raise InvalidClient
    client = known.client
    asked = set((scope or client.scope).split())
    if not asked <= set(client.scope.split()):
        raise InvalidScope
    return client, " ".join(sorted(asked))
