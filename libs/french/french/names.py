"""How names are compared, however they were typed."""

import unicodedata

_LIGATURES = str.maketrans({"œ": "oe", "æ": "ae"})


def name_key(name: str) -> str:
    """Only the letters of a name: « Le Goff », « LE-GOFF » and « legoff » are one, « Lefèvre » is « Lefevre »."""
    letters = unicodedata.normalize("NFKD", name.casefold().translate(_LIGATURES))
    return "".join(letter for letter in letters if letter.isalnum())
