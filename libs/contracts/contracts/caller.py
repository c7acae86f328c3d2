"""Who an access token speaks for: the claims that identity signs and every service reads."""

from datetime import timedelta
from typing import Literal
from uuid import UUID

from pydantic import BaseModel, ConfigDict

AUDIENCE = "espace-familles"
#: How long a token is good.
ACCESS_VALID = timedelta(minutes=10)
TOKEN_TYPE = "at+jwt"  # noqa: S105 -- RFC 9068's name of the type, not a secret

CallerRole = Literal["guardian", "agent", "cashier", "administrator", "site_staff", "integrator"]


class Caller(BaseModel):
    """`sub`: the account or the program; a guardian has `dossier_id` and `guardian_id`, site staff `site_ids`.

    `regies`: codes of those that a cashier, or an agent who also does a cashier's work, collects for.
    """

    model_config = ConfigDict(frozen=True, extra="ignore")

    sub: UUID
    role: CallerRole
    dossier_id: UUID | None = None
    guardian_id: UUID | None = None
    site_ids: tuple[UUID, ...] = ()
    regies: tuple[str, ...] = ()
    name: str | None = None
    scope: str = ""
    sid: UUID | None = None
