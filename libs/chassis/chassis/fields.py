"""Fields of bodies that several services take: lines, names, emails, telephones, days."""

import re
from dataclasses import dataclass
from datetime import date
from typing import Annotated, Any

from french.calendar import written_day
from french.names import name_key
from pydantic import AfterValidator, BeforeValidator, GetCoreSchemaHandler, GetJsonSchemaHandler, StringConstraints
from pydantic.json_schema import JsonSchemaValue
from pydantic_core import CoreSchema, core_schema


@dataclass(frozen=True)
class Shape:
    """Of a text, in Annotated: its whole pattern, as OpenAPI says it too, and the sentence where it is another."""

    pattern: str
    sentence: str

    def _judge(self, text: str) -> str:
        if not re.fullmatch(self.pattern, text):
            raise ValueError(self.sentence)
        return text

    def __get_pydantic_core_schema__(self, source: Any, handler: GetCoreSchemaHandler) -> CoreSchema:
        return core_schema.no_info_after_validator_function(self._judge, handler(source))

    def __get_pydantic_json_schema__(self, schema: CoreSchema, handler: GetJsonSchemaHandler) -> JsonSchemaValue:
        return handler(schema) | {"pattern": self.pattern}


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


def _phone(phone: str) -> str:
    """As « 0612345678 » or « +33612345678 », however it was spaced."""
    plain = re.sub(r"[\s.()/-]", "", phone)
    if not re.fullmatch(r"0[1-9][0-9]{8}|\+[1-9][0-9]{6,14}", plain):
        raise ValueError("Indiquez un numéro de téléphone complet, par exemple 06 12 34 56 78.")
    return plain


def _storable(words: str) -> str:
    if "\0" in words:
        raise ValueError("Ce texte contient un caractère qui ne peut pas être enregistré.")
    return words


Line = Annotated[str, line(254)]
Name = Annotated[str, line(100), AfterValidator(_name)]
Email = Annotated[str, line(254), AfterValidator(_email)]
Phone = Annotated[str, line(30), AfterValidator(_phone)]
Day = Annotated[date, BeforeValidator(written_day)]
#: Why somebody does what needs a reason, which is kept.
Reason = Annotated[
    str, StringConstraints(strip_whitespace=True, min_length=1, max_length=500), AfterValidator(_storable)
]
