"""How names, emails and usernames are compared, however they were typed. Pure."""

import unicodedata

_LIGATURES = str.maketrans({"œ": "oe", "æ": "ae"})


def name_key(name: str) -> str:
    """Only the letters of a name: « Le Goff », « LE-GOFF » and « legoff » are one, « Lefèvre » is « Lefevre »."""
    letters = unicodedata.normalize("NFKD", name.casefold().translate(_LIGATURES))
    return "".join(letter for letter in letters if letter.isalnum())


def email_key(email: str) -> str:
    return email.strip().casefold()


def number_key(number: str) -> str:
    """A dossier's number as the dossier has it, however it was spaced."""
    return "".join(number.split())


def username_key(username: str) -> str:
    return unicodedata.normalize("NFKC", username.strip()).casefold()
