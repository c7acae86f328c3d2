"""Registration: from a claim to a pending account.

Whoever holds an invoice can register, so nothing that was typed is believed: names and email are the dossier's own.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime

from chassis.identifiers import new_id
from chassis.problems import Malformed
from sqlalchemy.ext.asyncio import AsyncSession

from identity import accounts
from identity.copies import Guardian
from identity.models import Account, AccountStatus
from identity.names import email_key
from identity.notices.writing import write
from identity.registrations import claims, credentials, legal
from identity.registrations.activation import LINK_VALID
from identity.registrations.models import Claim

_OTHER_EMAIL = {
    "pointer": "/email",
    "detail": "Ce courriel n'est pas celui de votre dossier : indiquez le même, ou demandez un rattachement.",
}
_OUTDATED: Mapping[legal.Kind, dict[str, str]] = {
    "terms": {
        "pointer": "/terms_version",
        "detail": "Les conditions générales ont changé : lisez et acceptez la version en vigueur.",
    },
    "privacy": {
        "pointer": "/privacy_version",
        "detail": "La politique de confidentialité a changé : lisez et acceptez la version en vigueur.",
    },
}


@dataclass(frozen=True)
class Asked:
    """What somebody registers with."""

    claim_secret: str
    email: str
    username: str
    password: str
    versions: Mapping[legal.Kind, str]


async def judge(session: AsyncSession, asked: Asked, now: datetime) -> tuple[Claim, Guardian]:
    """The claim and its guardian, when the registration may be made; the claim first: without one, nothing is told.

    Raises ClaimGone, Malformed or AlreadyRegistered.
    """
    claim, guardian = await claims.judge(session, asked.claim_secret, now)
    await credentials.check(session, asked.username, asked.password, now)
    errors = [_OUTDATED[kind] for kind in await legal.outdated(session, asked.versions)]
    if claim.email is not None and email_key(claim.email) != email_key(asked.email):
        errors.append(_OTHER_EMAIL)
    if errors:
        raise Malformed(errors=errors)
    if await accounts.having_account(session, [claim.guardian_id]):
        raise accounts.AlreadyRegistered
    return claim, guardian


async def register(session: AsyncSession, asked: Asked, password_hash: str, now: datetime) -> Account:
    """A pending account, for which the claim is used. Raises what `judge` does."""
    claim, guardian = await judge(session, asked, now)
    claim.used_at, email = now, claim.email or asked.email.strip()
    if claim.email is None:
        await _tell_former(session, claim, guardian, email, now)
    account = Account(
        id=new_id(),
        version=0,
        status=AccountStatus.PENDING,
        role="guardian",
        password_hash=password_hash,
        first_name=guardian["first_name"],
        last_name=guardian["last_name"],
        email=email,
        email_key=email_key(email),
        dossier_id=claim.dossier_id,
        guardian_id=claim.guardian_id,
        # Without a link, where too many were mailed already, until one is asked for.
        activation_expires_at=now + LINK_VALID,
        created_at=now,
    )
    await credentials.take_username(session, account, asked.username, now)
    legal.accept(session, account.id, asked.versions, now)
    return account


async def _tell_former(session: AsyncSession, claim: Claim, guardian: Guardian, email: str, now: datetime) -> None:
    """A code was used with another address than the dossier's: that one is told, in case the letter went astray."""
    former = guardian["email"]
    if former and email_key(former) != email_key(email):
        await write(
            session,
            notice_id=new_id(),
            dossier_id=claim.dossier_id,
            email=former,
            title="Un compte est demandé pour votre dossier",
            paragraphs=[
                f"Bonjour {guardian['first_name']} {guardian['last_name']},",
                "Un compte Espace Familles vient d'être demandé pour vous, avec le code du courrier de la commune et"
                " une autre adresse de courriel que celle-ci.",
                "Si ce n'est pas vous, prévenez aussitôt le guichet.",
            ],
            link=None,
            now=now,
        )
