"""Clients: the town's programs, known by a name and a secret (OAuth 2 client credentials, RFC 6749)."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import ClassVar

from chassis.problems import Problem
from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncSession

from identity import passwords
from identity.clients.keeping import beginning, secrets_of
from identity.clients.models import Client, ClientSecret


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
    """A client, and its secrets, the newest first."""

    client: Client
    secrets: Sequence[ClientSecret]

    def meant(self, secret: str) -> str | None:
        """The hash of the one that this may be: of those told here the one that begins so, else the first there was."""
        named = [one for one in self.secrets if secret.startswith(beginning(one.id))]
        meant = named or self.secrets[-1:]
        return meant[0].hash if meant else None


async def by_name(session: AsyncSession, name: str, now: datetime) -> Known | None:
    client = await session.scalar(select(Client).where(Client.name == name))
    if client is None:
        return None
    return Known(client, (await secrets_of(session, [client], now))[client.id])


async def prove(known: Known | None, secret: str, scope: str | None) -> tuple[Client, str]:
    """The client whose secret this is, and the scope granted: what it asked for, or all that it has.

    The same work whether or not there is such a client, and however many secrets it has. Raises InvalidClient,
    InvalidScope.
    """
    right = await passwords.matches(secret, known.meant(secret) if known else None)
    if known is None or not right:
        raise InvalidClient
    client = known.client
    asked = set((scope or client.scope).split())
    if not asked <= set(client.scope.split()):
        raise InvalidScope
    return client, " ".join(sorted(asked))
