"""What the pages take from a town's description: its name, desk, colours, logo, and what the desk may certify."""

import re
from pathlib import Path
from typing import Annotated, Any, Literal

from chassis.towns import Code, Email, Entry, Matching, Words
from pydantic import AfterValidator, field_validator

#: Text of normal size against what is behind it (WCAG 2.2, 1.4.3).
READABLE = 4.5
#: What stands behind the town's colours: a page, and what is written on a button.
PAPER, WHITE = "#f6f4ef", "#ffffff"
LOGOS = {".svg": "image/svg+xml", ".png": "image/png"}


def luminance(colour: str) -> float:
    """Relative luminance of « #1d4e6b », from 0 to 1."""
    shares = [int(colour[at : at + 2], 16) / 255 for at in (1, 3, 5)]
    linear = [one / 12.92 if one <= 0.04045 else ((one + 0.055) / 1.055) ** 2.4 for one in shares]
    return sum(weight * one for weight, one in zip((0.2126, 0.7152, 0.0722), linear, strict=True))


def contrast(one: str, other: str) -> float:
    """From 1 to 21."""
    light, dark = sorted((luminance(one), luminance(other)), reverse=True)
    return (light + 0.05) / (dark + 0.05)


def _readable(colour: str) -> str:
    if min(contrast(colour, PAPER), contrast(colour, WHITE)) < READABLE:
        raise ValueError(f"Cette couleur est trop claire pour être lue : un contraste de {READABLE} est attendu.")
    return colour


Colour = Annotated[str, Matching("#[0-9a-f]{6}", "Une couleur s'écrit comme « #1d4e6b »."), AfterValidator(_readable)]


HINTS = {
    "guide": "6 caractères au minimum, dont au moins une majuscule et un caractère spécial.",
    "cnil": "12 caractères au minimum, dont une majuscule, une minuscule, un chiffre et un caractère spécial.",
}


class Commune(Entry):
    name: Words
    password_policy: Literal["guide", "cnil"]

    @property
    def password_hint(self) -> str:
        """The policy's rules, said before a password is chosen; identity holds to them."""
        return HINTS[self.password_policy]


class Desk(Entry):
    """Where families are helped; `hours` in words."""

    name: Words
    address: Words
    phone: Annotated[str, Matching(r"0[1-9]( \d\d){4}", "Un numéro s'écrit comme « 01 23 45 67 89 ».")]
    email: Email
    hours: Words

    @property
    def call(self) -> str:
        """The number as a telephone takes it."""
        return "+33" + re.sub(r"\D", "", self.phone)[1:]


class Look(Entry):
    """Two colours, dark enough to be read; `logo` is a drawing beside the description (SVG or PNG)."""

    primary: Colour = "#17506b"
    accent: Colour = "#9c3d1c"
    logo: Annotated[str, Matching(r"[\w.-]+\.(svg|png)", "Un fichier SVG ou PNG est attendu.")] | None = None


class Criterion(Entry):
    """Of the waiting list; `certified` is what the desk certifies of a family, under this code."""

    code: Code
    kind: Literal["resident", "sibling", "certified"]
    explanation: Words


class WaitingList(Entry):
    criteria: list[Criterion]

    @property
    def certified(self) -> dict[str, str]:
        """What the desk may certify: each code, in words."""
        return {one.code: one.explanation for one in self.criteria if one.kind == "certified"}


class Town(Entry):
    town: Commune
    desk: Desk
    waiting_list: WaitingList
    look: Look = Look()

    @field_validator("look", mode="before")
    @classmethod
    def _none_said(cls, said: Any) -> Any:
        return said or {}


def logo(description: Path, look: Look) -> tuple[str, bytes] | None:
    """Its file's ending and content."""
    if look.logo is None:
        return None
    path = description.parent / look.logo
    return path.suffix, path.read_bytes()
