"""Whether a form was sent from our own page: what the browser says of its origin, and the secret in the form."""

import hmac
from collections.abc import Mapping

FIELD = "csrf"


def is_ours(headers: Mapping[str, str], origin: str) -> bool:
    """By Sec-Fetch-Site, else by Origin: a browser that says neither is refused."""
    site = headers.get("sec-fetch-site")
    return site == "same-origin" if site is not None else headers.get("origin") == origin


def matches(sent: str, expected: str) -> bool:
    return hmac.compare_digest(sent.encode(), expected.encode())
