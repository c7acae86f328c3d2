"""The second factor of staff: a code of the moment (TOTP, RFC 6238)."""

import base64
import hmac
from datetime import datetime

from sqlalchemy import or_, update
from sqlalchemy.ext.asyncio import AsyncSession

from identity.models import Account

STEP_S = 30


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
