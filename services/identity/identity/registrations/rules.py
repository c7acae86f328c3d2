"""Whose dossier it is, and how the code of a letter is written. Pure."""

import re
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


#: Letters and digits that nobody takes for one another on paper; twelve of them are 59 random bits.
CODE_LETTERS = "ABCDEFGHJKMNPQRSTUVWXYZ23456789"
CODE_LENGTH = 12


def code_as_printed(code: str) -> str:
    """By fours: « ABCD-EFGH-JKMN »."""
    return "-".join(code[start : start + 4] for start in range(0, len(code), 4))


def code_key(typed: str) -> str:
    """The code, however it was spaced and spelt."""
    return re.sub(r"[\W_]", "", typed).upper()
