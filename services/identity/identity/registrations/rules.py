"""Whose dossier it is. Pure."""

from collections.abc import Sequence
from typing import TypedDict, TypeVar

from french.names import name_key

from identity.names import email_key


class Named(TypedDict):
    last_name: str
    email: str | None


G = TypeVar("G", bound=Named)


def matching(guardians: Sequence[G], last_name: str, email: str) -> list[G]:
    """The guardians of that name and email; a couple may well share both."""
    wanted = name_key(last_name), email_key(email)
    if not all(wanted):
        return []
    return [one for one in guardians if (name_key(one["last_name"]), email_key(one["email"] or "")) == wanted]
