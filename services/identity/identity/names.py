"""How emails, usernames and dossier numbers are compared, however they were typed. Pure."""

import unicodedata


def email_key(email: str) -> str:
    return email.strip().casefold()


def number_key(number: str) -> str:
    """A dossier's number as the dossier has it, however it was spaced."""
    return "".join(number.split())


def username_key(username: str) -> str:
    return unicodedata.normalize("NFKC", username.strip()).casefold()
