"""Whose dossier it is. Pure."""

from collections.abc import Sequence

from identity.copies import Guardian
from identity.names import email_key, name_key


def matching(guardians: Sequence[Guardian], last_name: str, email: str) -> list[Guardian]:
    """The guardians of that name and email; a couple may well share both."""
    wanted = name_key(last_name), email_key(email)
    if not all(wanted):
        return []
    return [one for one in guardians if (name_key(one["last_name"]), email_key(one["email"] or "")) == wanted]
