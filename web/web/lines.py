"""Lines of a form, one a person: those who are known, some empty ones for others, and what was sent. Pure.

The input of a line's field is named « group-row-field ».
"""

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from web.forms import Form

#: Empty lines, for people to be added.
MORE = 2
#: The lines in which something is written, with their numbers.
Lines = Sequence[tuple[int, Mapping[str, str]]]


def name_of(group: str, row: int, field: str) -> str:
    return f"{group}-{row}-{field}"


def offer(form: Form, group: str, fields: Sequence[str], people: Iterable[Any]) -> list[int]:
    """Fill the lines of a form with those who are there; their numbers, with some empty ones."""
    known = list(people)
    for row, person in enumerate(known):
        for field in fields:
            form.values[name_of(group, row, field)] = [str(getattr(person, field) or "")]
    return list(range(len(known) + MORE))


def sent(form: Form, group: str, fields: Sequence[str]) -> list[tuple[int, dict[str, str]]]:
    """The lines in which something is written, with their numbers."""
    numbers = sorted(
        {int(name.split("-")[1]) for name in form.values if name.startswith(f"{group}-") and _numbered(name)}
    )
    found = [(row, {field: form.get(name_of(group, row, field)).strip() for field in fields}) for row in numbers]
    return [(row, line) for row, line in found if any(line.values())]


def _numbered(name: str) -> bool:
    parts = name.split("-")
    return len(parts) == 3 and parts[1].isascii() and parts[1].isdigit() and len(parts[1]) < 4


def shown_again(form: Form, group: str, fields: Sequence[str], known: int = 0) -> list[int]:
    """The numbers of the lines to show after a refusal, where so many people were known."""
    return list(range(max([known - 1, *(row for row, _ in sent(form, group, fields))]) + 1 + MORE))


def inputs(pointer: str, group: str, fields: Sequence[str], lines: Lines) -> dict[str, str]:
    """The input of each field that the API may name; of a line as a whole, its first one."""
    named = {
        f"{pointer}/{at}/{field}": name_of(group, row, field) for at, (row, _) in enumerate(lines) for field in fields
    }
    return named | {f"{pointer}/{at}": name_of(group, row, fields[0]) for at, (row, _) in enumerate(lines)}
