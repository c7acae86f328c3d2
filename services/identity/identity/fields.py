"""Fields of bodies: what a name, an email, a username or a password may be made of."""

import re
from typing import Annotated

from chassis.problems import Malformed
from pydantic import AfterValidator, StringConstraints

from identity.names import name_key


def line(longest: int) -> StringConstraints:
    # Neither NUL, which PostgreSQL refuses, nor a line end, which a mail's header would.
    return StringConstraints(min_length=1, max_length=longest, pattern=r"^[^\x00-\x1f\x7f]*$")


def _name(name: str) -> str:
    if not name_key(name):
        raise ValueError("Indiquez un nom, en toutes lettres.")
    return name


# What a browser's email field accepts (HTML, "valid e-mail address"), with a dot in the domain.
_EMAIL = re.compile(r"[A-Za-z0-9.!#$%&'*+/=?^_`{|}~-]+@[A-Za-z0-9-]+(\.[A-Za-z0-9-]+)+")


def _email(email: str) -> str:
    if not _EMAIL.fullmatch(email):
        raise ValueError("Indiquez une adresse de courriel complète, par exemple prenom.nom@example.org.")
    return email


def _username(username: str) -> str:
    if not re.fullmatch(r"[\w.-]{3,50}", username):
        raise ValueError("Le nom d'utilisateur compte de 3 à 50 lettres, chiffres, points ou tirets.")
    return username


Line = Annotated[str, line(254)]
Name = Annotated[str, line(100), AfterValidator(_name)]
Email = Annotated[str, line(254), AfterValidator(_email)]
Username = Annotated[str, line(254), AfterValidator(_username)]
Password = Annotated[str, StringConstraints(min_length=1, max_length=200, strip_whitespace=False)]
Code = Annotated[str, StringConstraints(min_length=1, max_length=20)]
Secret = Annotated[str, line(200)]


def refusal(pointer: str, detail: str) -> Malformed:
    return Malformed(errors=[{"pointer": pointer, "detail": detail}])
