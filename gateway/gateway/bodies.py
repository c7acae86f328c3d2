"""How large the body of a call may be, and how long a call may take: a file's is the exception."""

import re
from dataclasses import dataclass

import aiohttp


@dataclass(frozen=True)
class Allowed:
    """`size` in bytes; `seconds` for the whole of the call."""

    size: int
    seconds: float

    @property
    def timeout(self) -> aiohttp.ClientTimeout:
        return aiohttp.ClientTimeout(total=self.seconds, sock_connect=3)


#: As large as the services take by themselves.
USUAL = Allowed(size=2_000_000, seconds=60)
#: Ten megabytes, on a telephone's bad line.
DOCUMENT = Allowed(size=10 * 1024 * 1024, seconds=600)

_LARGER = {("POST", "dossier"): (re.compile("/v1/(dossiers/[^/]+/documents|imports)"), DOCUMENT)}


def allowed(method: str, service: str, path: str) -> Allowed:
    """What is allowed to a call of that path (`/v1/...`, as it was sent) of the service."""
    pattern, larger = _LARGER.get((method, service), (None, USUAL))
    return larger if pattern and pattern.fullmatch(path) else USUAL
