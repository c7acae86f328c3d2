"""Fields of bodies: what a username, a password or a secret may be made of."""

import re
from functools import partial
from typing import Annotated
from unicodedata import normalize

from chassis.fields import line
from chassis.problems import Malformed
from pydantic import AfterValidator, StringConstraints


def _username(username: str) -> str:
    if not re.fullmatch(r"[\w.-]{3,50}", username):
        raise ValueError("Le nom d'utilisateur compte de 3 à 50 lettres, chiffres, points ou tirets.")
    return username


# Some keyboards send « é » as two characters, others as one.
_COMPOSED = AfterValidator(partial(normalize, "NFC"))

Username = Annotated[str, line(254), _COMPOSED, AfterValidator(_username)]
Password = Annotated[str, StringConstraints(min_length=1, max_length=200, strip_whitespace=False), _COMPOSED]
Code = Annotated[str, StringConstraints(min_length=1, max_length=20)]
Secret = Annotated[str, line(200)]


def refusal(pointer: str, detail: str) -> Malformed:
    return Malformed(errors=[{"pointer": pointer, "detail": detail}])
