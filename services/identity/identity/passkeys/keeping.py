"""Passkeys, registered and signed in with. A device gives one only to whom it knows: it stands for both factors.

What a browser sends is verified by the `webauthn` library, which is imported where it is used: few processes need it.
"""

import json
import secrets
from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta
from typing import Any
from urllib.parse import urlsplit
from uuid import UUID

from chassis.identifiers import new_id
from chassis.problems import Malformed, NotFound
from chassis.reach import Reach
from sqlalchemy import delete, func, select
from sqlalchemy.ext.asyncio import AsyncSession

from identity.models import Account, AccountStatus
from identity.notices.writing import tell
from identity.passkeys.models import Challenge, Passkey
from identity.sessions.proofs import SignInRefused
from identity.settings import Settings

#: So long a browser has to answer.
CHALLENGE_VALID = timedelta(minutes=5)
MOST = 20

Json = dict[str, Any]


class NotVerified(Malformed):
    def __init__(self, detail: str = "Cette clé d'accès n'a pas pu être vérifiée : recommencez.") -> None:
        super().__init__(errors=[{"pointer": "/credential", "detail": detail}])


def _site(settings: Settings) -> tuple[str, str]:
    """The pages' domain, to which passkeys are bound, and their origin."""
    parts = urlsplit(settings.web_url)
    return parts.hostname or "", f"{parts.scheme}://{parts.netloc}"


async def offer(session: AsyncSession, settings: Settings, account: Account, now: datetime) -> Json:
    """What a browser is asked in order to make a passkey of that account (PublicKeyCredentialCreationOptionsJSON)."""
    import webauthn
    from webauthn.helpers import structs

    known = await session.scalars(select(Passkey.credential_id).where(Passkey.account_id == account.id))
    options = webauthn.generate_registration_options(
        rp_id=_site(settings)[0],
        rp_name="Espace Familles",
        user_id=account.id.bytes,
        user_name=account.username,
        user_display_name=f"{account.first_name} {account.last_name}",
        challenge=await _challenge(session, account.id, now),
        authenticator_selection=structs.AuthenticatorSelectionCriteria(
            resident_key=structs.ResidentKeyRequirement.REQUIRED,
            user_verification=structs.UserVerificationRequirement.REQUIRED,
        ),
        exclude_credentials=[structs.PublicKeyCredentialDescriptor(id=one) for one in known],
    )
    return _json(webauthn.options_to_json(options))


async def ask(session: AsyncSession, settings: Settings, now: datetime) -> Json:
    """What a browser is asked in order to sign in (PublicKeyCredentialRequestOptionsJSON): the same for everybody."""
    import webauthn
    from webauthn.helpers.structs import UserVerificationRequirement

    options = webauthn.generate_authentication_options(
        rp_id=_site(settings)[0],
        challenge=await _challenge(session, None, now),
        user_verification=UserVerificationRequirement.REQUIRED,
    )
    return _json(webauthn.options_to_json(options))


async def register(
    session: AsyncSession, settings: Settings, caller: Reach, name: str, credential: Mapping[str, Any], now: datetime
) -> Passkey:
    """The caller's passkey from now on, told by mail. Raises NotVerified.

    Only who proved their password was offered the challenge that it signs.
    """
    import webauthn

    account = await session.get(Account, caller.sub, with_for_update=True)
    if account is None or account.status != AccountStatus.ACTIVE:
        raise NotVerified
    theirs = await session.scalar(select(func.count()).where(Passkey.account_id == account.id))
    if theirs is not None and theirs >= MOST:
        raise NotVerified("Vous avez déjà vingt clés d'accès : supprimez d'abord l'une d'elles.")
    challenge = await _signed(session, credential, account.id, now)
    domain, origin = _site(settings)
    try:
        verified = webauthn.verify_registration_response(
            credential=dict(credential),
            expected_challenge=challenge,
            expected_rp_id=domain,
            expected_origin=origin,
            require_user_verification=True,
        )
    except Exception as error:  # whatever is made of what a stranger sends, it is no passkey
        raise NotVerified from error
    if await session.scalar(select(Passkey.id).where(Passkey.credential_id == verified.credential_id)):
        raise NotVerified("Cette clé d'accès est déjà enregistrée.")
    passkey = Passkey(
        id=new_id(),
        account_id=account.id,
        name=name,
        credential_id=verified.credential_id,
        public_key=verified.credential_public_key,
        used=verified.sign_count,
        created_at=now,
    )
    session.add(passkey)
    await _tell(session, account, f"La clé d'accès « {name} » a été ajoutée à votre compte", now)
    return passkey


async def prove(session: AsyncSession, settings: Settings, credential: Mapping[str, Any], now: datetime) -> Account:
    """The account whose passkey signed a challenge of ours, for the first time. Raises SignInRefused."""
    import webauthn

    try:
        challenge = await _signed(session, credential, None, now)
        named = webauthn.base64url_to_bytes(str(credential.get("id", "")))
    except (NotVerified, ValueError) as error:
        raise SignInRefused from error
    passkey = await session.scalar(select(Passkey).where(Passkey.credential_id == named).with_for_update())
    account = await session.get(Account, passkey.account_id) if passkey else None
    if passkey is None or account is None or account.status != AccountStatus.ACTIVE:
        raise SignInRefused
    domain, origin = _site(settings)
    try:
        verified = webauthn.verify_authentication_response(
            credential=dict(credential),
            expected_challenge=challenge,
            expected_rp_id=domain,
            expected_origin=origin,
            credential_public_key=passkey.public_key,
            credential_current_sign_count=passkey.used,
            require_user_verification=True,
        )
    except Exception as error:  # as above
        raise SignInRefused from error
    passkey.used, passkey.used_at = verified.new_sign_count, now
    return account


async def of(session: AsyncSession, caller: Reach) -> Sequence[Passkey]:
    return (await session.scalars(select(Passkey).where(Passkey.account_id == caller.sub).order_by(Passkey.id))).all()


async def remove(session: AsyncSession, caller: Reach, passkey_id: UUID, now: datetime) -> None:
    """One of the caller's own, told by mail. Raises NotFound."""
    passkey = await session.get(Passkey, passkey_id, with_for_update=True)
    if passkey is None or passkey.account_id != caller.sub:
        raise NotFound
    await session.delete(passkey)
    account = await session.get_one(Account, passkey.account_id)
    await _tell(session, account, f"La clé d'accès « {passkey.name} » de votre compte a été supprimée", now)


async def drop(session: AsyncSession, account_id: UUID) -> None:
    """All of an account that is closed."""
    await session.execute(delete(Passkey).where(Passkey.account_id == account_id))


async def _challenge(session: AsyncSession, account_id: UUID | None, now: datetime) -> bytes:
    challenge = secrets.token_bytes(32)
    session.add(Challenge(challenge=challenge, account_id=account_id, expires_at=now + CHALLENGE_VALID))
    return challenge


async def _signed(
    session: AsyncSession, credential: Mapping[str, Any], account_id: UUID | None, now: datetime
) -> bytes:
    """The challenge of ours that the browser says was signed; it is used up. Raises NotVerified."""
    from webauthn.helpers import base64url_to_bytes, parse_client_data_json

    try:
        said = parse_client_data_json(base64url_to_bytes(credential["response"]["clientDataJSON"])).challenge
    except Exception as error:  # as above
        raise NotVerified from error
    ours = delete(Challenge).where(
        Challenge.challenge == said, Challenge.account_id.is_not_distinct_from(account_id), Challenge.expires_at > now
    )
    if await session.scalar(ours.returning(Challenge.challenge)) is None:
        raise NotVerified
    return said


async def _tell(session: AsyncSession, account: Account, title: str, now: datetime) -> None:
    sentences = [f"{title}.", "Si ce n'est pas vous, changez aussitôt votre mot de passe et prévenez le guichet."]
    await tell(session, account, title, sentences, "/connexion", now)


def _json(text: str) -> Json:
    said: Json = json.loads(text)
    return said
