"""The session of one browser: its tokens and its secret for forms, sealed in a cookie that no script can read."""

import secrets
from dataclasses import asdict, dataclass, field
from datetime import datetime, timedelta
from http.cookies import CookieError, SimpleCookie
from typing import Any, Self

from starlette.requests import Request
from starlette.responses import Response

from web.sealing import Seal

NAME = "__Host-session"
#: A token that ends so soon is refreshed before it is used.
ABOUT_TO_END = timedelta(seconds=60)


@dataclass
class Session:
    """`csrf` is in each form; the tokens are empty until somebody signs in. `access` ends at `expires_at` (seconds)."""

    csrf: str = field(default_factory=lambda: secrets.token_urlsafe(16))
    access: str = ""
    refresh: str = ""
    expires_at: float = 0.0
    account: str = ""
    first_name: str = ""
    role: str = "guardian"

    @property
    def signed_in(self) -> bool:
        return bool(self.access)

    @property
    def at_desk(self) -> bool:
        """Whether it is somebody of the staff, not of a family."""
        return self.role != "guardian"

    def about_to_end(self, now: datetime) -> bool:
        return self.signed_in and self.expires_at - now.timestamp() < ABOUT_TO_END.total_seconds()

    def take(self, tokens: dict[str, Any], now: datetime) -> None:
        """The tokens that identity has just given."""
        self.access, self.refresh = tokens["access_token"], tokens["refresh_token"]
        self.expires_at = now.timestamp() + tokens["expires_in"]

    @classmethod
    def read(cls, request: Request, seal: Seal) -> Self | None:
        """That of the browser; none also where the cookie is not ours any more."""
        content = seal.open(NAME, cookies(request).get(NAME, ""))
        known = cls.__dataclass_fields__.keys()
        return cls(**content) if content is not None and content.keys() <= known else None

    def sealed(self, seal: Seal) -> str:
        return seal.close(NAME, asdict(self))


def cookies(request: Request) -> dict[str, str]:
    """The browser's cookies; none where its header is not one."""
    try:
        return {name: morsel.value for name, morsel in SimpleCookie(request.headers.get("cookie", "")).items()}
    except CookieError:
        return {}


def keep(response: Response, name: str, value: str) -> None:
    """Until the browser is closed: a family's computer may be a library's."""
    response.set_cookie(name, value, path="/", secure=True, httponly=True, samesite="lax")


def drop(response: Response, name: str) -> None:
    response.delete_cookie(name, path="/", secure=True, httponly=True, samesite="lax")
