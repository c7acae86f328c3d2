"""The second factor: a code of the moment (TOTP, RFC 6238), or one of ten recovery codes that stand for it once."""

import base64
import hmac
import secrets
from collections.abc import Sequence
from datetime import datetime, timedelta
from urllib.parse import quote

from chassis.problems import Malformed
from sqlalchemy import delete, or_, update
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.ext.asyncio import AsyncSession

from identity.models import Account, RecoveryCode, TotpEnrolment
from identity.tokens import digest

STEP_S = 30
ISSUER = "Espace Familles"
RECOVERY_CODES = 10
#: So long a secret waits for its first code.
ENROLMENT_VALID = timedelta(hours=1)
#: Letters of a recovery code, of 80 random bits.
_LETTERS = 16

#: What proves it: the step of a code of the moment, or the digest of a recovery code.
Proof = int | bytes


class WrongCode(Malformed):
    """Also where there is no secret that waits for a code."""

    def __init__(self) -> None:
        detail = "Ce code n'est pas celui que votre application affiche pour ce compte : attendez le suivant."
        super().__init__(errors=[{"pointer": "/otp", "detail": detail}])


def totp(secret: str, step: int) -> str:
    """The six digits of a base32 secret at that step (RFC 6238 with SHA-1, as every application has it).

    Our own: pyotp refuses secrets under 112 bits, and the demo town's well-known one has 80.
    """
    mac = hmac.digest(base64.b32decode(secret), step.to_bytes(8, "big"), "sha1")
    offset = mac[-1] & 0xF
    number = int.from_bytes(mac[offset : offset + 4], "big") & 0x7FFFFFFF
    return f"{number % 1_000_000:06}"


def totp_step(secret: str, code: str, now: datetime) -> int | None:
    """The 30-second step whose code this is: the current one, the one before or the one after; none otherwise."""
    current = int(now.timestamp()) // STEP_S
    for step in (current - 1, current, current + 1):
        if hmac.compare_digest(totp(secret, step).encode(), code.encode()):
            return step
    return None


async def use_step(session: AsyncSession, account: Account, step: int) -> bool:
    """Whether the step is now used, for the first time and after every earlier one."""
    used = await session.scalar(
        update(Account)
        .where(Account.id == account.id, or_(Account.totp_last_step.is_(None), Account.totp_last_step < step))
        .values(totp_last_step=step)
        .returning(Account.id)
    )
    return used is not None


def proof(account: Account, code: str, now: datetime) -> Proof | None:
    """What the code proves of an account that has a second factor; none where it cannot be right."""
    step = totp_step(account.totp_secret, code, now) if account.totp_secret else None
    letters = _letters(code)
    return step if step is not None else digest(letters) if len(letters) == _LETTERS else None


async def use(session: AsyncSession, account: Account, proved: Proof) -> bool:
    """Whether the proof is now used, for the first time."""
    if isinstance(proved, int):
        return await use_step(session, account, proved)
    used = delete(RecoveryCode).where(RecoveryCode.account_id == account.id, RecoveryCode.digest == proved)
    return await session.scalar(used.returning(RecoveryCode.account_id)) is not None


def uri(secret: str, username: str) -> str:
    """What an application reads from a QR code (Key URI Format)."""
    return f"otpauth://totp/{quote(ISSUER)}:{quote(username)}?secret={secret}&issuer={quote(ISSUER)}"


async def offer(session: AsyncSession, account: Account, expires_at: datetime) -> str:
    """A new secret, which counts once a code of it is given; one that waited is forgotten."""
    secret = base64.b32encode(secrets.token_bytes(20)).decode()
    row = {"secret": secret, "expires_at": expires_at}
    waiting = insert(TotpEnrolment).values(account_id=account.id, **row)
    await session.execute(waiting.on_conflict_do_update(index_elements=[TotpEnrolment.account_id], set_=row))
    return secret


async def enrol(session: AsyncSession, account: Account, code: str, now: datetime) -> Sequence[str]:
    """The secret that waited is the account's, which is locked; its new recovery codes. Raises WrongCode."""
    waiting = await session.get(TotpEnrolment, account.id)
    step = totp_step(waiting.secret, code, now) if waiting and waiting.expires_at > now else None
    if waiting is None or step is None:
        raise WrongCode
    account.totp_secret, account.totp_last_step = waiting.secret, step
    await session.delete(waiting)
    return await renew_codes(session, account)


async def renew_codes(session: AsyncSession, account: Account) -> Sequence[str]:
    """Ten new recovery codes, told this once; those of before are dead."""
    await session.execute(delete(RecoveryCode).where(RecoveryCode.account_id == account.id))
    codes = [base64.b32encode(secrets.token_bytes(10)).decode() for _ in range(RECOVERY_CODES)]
    rows = [{"account_id": account.id, "digest": digest(code)} for code in codes]
    await session.execute(insert(RecoveryCode).values(rows))
    return ["-".join(code[start : start + 4] for start in range(0, _LETTERS, 4)) for code in codes]


async def drop(session: AsyncSession, account: Account) -> None:
    """The account has no second factor any more."""
    account.totp_secret = account.totp_last_step = None
    await session.execute(delete(RecoveryCode).where(RecoveryCode.account_id == account.id))


def _letters(code: str) -> str:
    return "".join(letter for letter in code.upper() if letter.isalnum())
