"""API Particulier (v3): the family quotient of who has agreed to be asked for, as the CAF or the MSA knows it.

Called between two transactions, never inside one.
"""

from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import date
from http import HTTPStatus
from typing import Any, Literal

import aiohttp
import structlog
from chassis.problems import Problem
from pydantic import BaseModel, Field, ValidationError

log = structlog.get_logger()

PATH = "/v3/dss/quotient_familial/identite"
FRANCE = "99100"
TIMEOUT_S = 12
#: How long what is overloaded, or down, is left alone where it does not say.
PAUSE_S = 60


@dataclass(frozen=True)
class Access:
    """Where it is, by which token (none: the town has none), for which SIRET."""

    url: str
    token: str
    recipient: str


class NotConnected(Problem):
    type = "urn:problem:dossier:particulier-not-connected"
    title = "API Particulier n'est pas raccordée"
    detail = "La commune n'est pas raccordée à API Particulier : enregistrez le quotient vous-même."


class TokenRefused(Problem):
    type = "urn:problem:dossier:particulier-token-refused"
    title = "API Particulier refuse la commune"
    detail = (
        "API Particulier n'accepte pas, ou plus, le jeton de la commune pour cette demande :"
        " prévenez l'administrateur du portail."
    )


class ParticulierDown(Problem):
    type = "urn:problem:dossier:particulier-unavailable"
    status = 503
    title = "API Particulier ne répond pas"
    detail = "API Particulier, la CAF ou la MSA ne répond pas pour le moment : recommencez dans quelques minutes."


class Unknown(Exception):
    """Nobody is known there by that civil status, or it cannot be; says why, in French."""


@dataclass(frozen=True)
class CivilStatus:
    """`sex` is F or M; `birth_country` and `birthplace` (none: born abroad) are codes of INSEE's."""

    birth_name: str
    first_names: Sequence[str]
    sex: str
    birth_date: date
    birth_country: str
    birthplace: str | None


class Quotient(BaseModel):
    """`value` in whole euros, of that month."""

    provider: Literal["CNAF", "MSA"] = Field(alias="fournisseur")
    value: int = Field(alias="valeur", ge=0, le=1_000_000)
    month: int = Field(alias="mois", ge=1, le=12)
    year: int = Field(alias="annee")


class Particulier:
    """Its one call that is needed. Raises Unknown, TokenRefused, ParticulierDown."""

    def __init__(self, client: aiohttp.ClientSession, recipient: str) -> None:
        self._client, self._recipient = client, recipient

    async def quotient(self, person: CivilStatus) -> Quotient:
        asked = [
            ("recipient", self._recipient),
            ("nomNaissance", person.birth_name),
            *(("prenoms[]", name) for name in person.first_names),
            ("sexeEtatCivil", person.sex),
            ("anneeDateNaissance", str(person.birth_date.year)),
            ("moisDateNaissance", str(person.birth_date.month)),
            ("jourDateNaissance", str(person.birth_date.day)),
            ("codeCogInseePaysNaissance", person.birth_country),
            *([("codeCogInseeCommuneNaissance", person.birthplace)] if person.birthplace else []),
        ]
        try:
            async with self._client.get(PATH, params=asked) as answer:
                document = await answer.json(content_type=None)
                status, pause = answer.status, answer.headers.get("Retry-After", "")
        except (aiohttp.ClientError, TimeoutError, ValueError) as error:
            log.warning("particulier_did_not_answer", error=type(error).__name__)
            raise ParticulierDown(retry_after_s=PAUSE_S) from None
        return _meaning(status, document, int(pause) if pause.isdigit() else PAUSE_S)


def _meaning(status: int, document: Any, pause_s: int) -> Quotient:
    if status == HTTPStatus.OK:
        try:
            return Quotient.model_validate(document["data"]["quotient_familial"])
        except (KeyError, TypeError, ValidationError):  # whose words would hold what was answered
            log.warning("particulier_answered_something_else")
            raise ParticulierDown(retry_after_s=PAUSE_S) from None
    said = _first_error(document)
    log.warning("particulier_refused", status=status, code=said.get("code"))
    if status in (HTTPStatus.NOT_FOUND, HTTPStatus.UNPROCESSABLE_ENTITY, HTTPStatus.BAD_REQUEST):
        raise Unknown(
            str(said.get("detail") or said.get("title") or "Aucun allocataire n'est connu sous cet état civil.")
        )
    if status in (HTTPStatus.UNAUTHORIZED, HTTPStatus.FORBIDDEN):
        raise TokenRefused
    raise ParticulierDown(retry_after_s=pause_s)


def _first_error(document: Any) -> dict[str, Any]:
    """`{code, title, detail, meta}` of an error document (`errors: [...]`)."""
    errors = document.get("errors") if isinstance(document, dict) else None
    first = errors[0] if isinstance(errors, list) and errors else None
    return first if isinstance(first, dict) else {}


@asynccontextmanager
async def connected(access: Access) -> AsyncIterator[Particulier]:
    """Raises NotConnected where the town has no token."""
    if not access.token:
        raise NotConnected
    headers = {"Authorization": f"Bearer {access.token}"}
    timeout = aiohttp.ClientTimeout(total=TIMEOUT_S, sock_connect=5)
    async with aiohttp.ClientSession(access.url, headers=headers, timeout=timeout) as client:
        yield Particulier(client, access.recipient)
