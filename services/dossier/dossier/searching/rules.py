"""What is asked of a search, as PostgreSQL's tsquery: whole words, beginnings, and words like them."""

from collections.abc import Mapping, Sequence

#: As many words narrow a search; more only cost.
MOST_WORDS = 8


def asked(plain: Sequence[str]) -> tuple[str, ...]:
    """The words that count, each once, in their order; they are letters without accents and digits."""
    return tuple(dict.fromkeys(plain))[:MOST_WORDS]


def whole(words: Sequence[str]) -> str:
    return " & ".join(words)


def beginnings(words: Sequence[str]) -> str:
    return " & ".join(f"{word}:*" for word in words)


def alike(words: Sequence[str], likes: Mapping[str, Sequence[str]]) -> str:
    """Each word's beginning, or one of those that are like it."""
    return " & ".join(f"({' | '.join((f'{word}:*', *likes.get(word, ())))})" for word in words)


def slips(word: str) -> int:
    """How many letters may be wrong, too many or missing; two that changed places are two. Of a number, none."""
    if len(word) < 4 or not word.isalpha():
        return 0
    return 1 if len(word) == 4 else 2
