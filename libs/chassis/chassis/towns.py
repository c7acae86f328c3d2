"""A town's description: one TOML file of which each service takes its slice, all checked before any is loaded.

A slice is a model beside the service's `load`, declared as an entry point of the group `espace.town`: so each service's
`load` knows all that are installed, without a service knowing another.
"""

import re
import tomllib
from collections import Counter
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from functools import cache
from importlib.metadata import entry_points
from pathlib import Path
from typing import Annotated, Any

from pydantic import (
    AfterValidator,
    BaseModel,
    ConfigDict,
    GetCoreSchemaHandler,
    GetJsonSchemaHandler,
    ValidationError,
    ValidationInfo,
)
from pydantic_core import CoreSchema, core_schema

from chassis.problems import in_french, place

#: What tells one entry of a list from its neighbours, for the reader of an error.
LABELS = ("code", "number", "username", "name")


class TownError(Exception):
    """Everything wrong with a description, a French sentence each."""

    def __init__(self, *faults: str) -> None:
        super().__init__("\n".join(["Cette description de commune n'est pas valable, rien n'est chargé :", *faults]))
        self.faults = faults


class Entry(BaseModel):
    """Base of a slice and of its parts. A key that no slice knows is refused by all of them together."""

    model_config = ConfigDict(frozen=True, strict=True)


@dataclass(frozen=True)
class Matching:
    """A text of that form; the sentence says which."""

    pattern: str
    sentence: str

    def __get_pydantic_core_schema__(self, source: object, handler: GetCoreSchemaHandler) -> CoreSchema:
        return core_schema.no_info_after_validator_function(self._check, handler(source))

    def __get_pydantic_json_schema__(self, schema: CoreSchema, handler: GetJsonSchemaHandler) -> dict[str, Any]:
        return {**handler(schema), "pattern": f"^{self.pattern}$"}

    def _check(self, text: str) -> str:
        if not re.fullmatch(self.pattern, text):
            raise ValueError(self.sentence)
        return text


#: A text that says something, and that PostgreSQL can store.
Words = Annotated[str, Matching(r"[^\x00]*[^\s\x00][^\x00]*", "Un texte non vide est attendu.")]
Code = Annotated[
    str,
    Matching("[a-z0-9]+(-[a-z0-9]+)*", "Un code est fait de minuscules sans accent, de chiffres et de tirets."),
]
Email = Annotated[str, Matching(r"[^@\s\x00]+@[^@\s\x00]+", "Une adresse électronique est attendue.")]


def refers_to(*sections: str, by: str = "code") -> AfterValidator:
    """The value must be that of an entry in one of these sections, whoever loads them."""

    def check(value: str, info: ValidationInfo) -> str:
        if info.context and not info.context(sections, by)[value]:
            raise ValueError(f"« {value} » n'existe pas dans {' ni '.join(sections)}.")
        return value

    return AfterValidator(check)


def unique_in(*sections: str, by: str = "code") -> AfterValidator:
    """No other entry of these sections may have the value."""

    def check(value: str, info: ValidationInfo) -> str:
        if info.context and info.context(sections, by)[value] > 1:
            raise ValueError(f"« {value} » est donné plus d'une fois.")
        return value

    return AfterValidator(check)


def read(path: Path) -> dict[str, Any]:
    """The file, not validated yet. Raises TownError where it cannot be read at all."""
    try:
        return tomllib.loads(path.read_text("utf-8-sig"))
    except UnicodeDecodeError:
        raise TownError(f"{path} : le fichier n'est pas enregistré en UTF-8.") from None
    except OSError as error:
        raise TownError(f"{path} : le fichier ne peut pas être lu ({error.strerror}).") from None
    except tomllib.TOMLDecodeError as error:
        place = re.search(r"line (\d+), column (\d+)", str(error))
        where = f"ligne {place[1]}, colonne {place[2]}" if place else "fin du fichier"
        raise TownError(
            f"{where} : ce n'est pas du TOML (guillemet, crochet ou signe égal manquant, ou clé donnée deux fois)."
        ) from None


def validated(document: Mapping[str, Any]) -> dict[str, Any]:
    """Each service's slice. Raises TownError with all that is wrong for any of them."""
    taken: dict[str, Any] = {}
    faults: list[str] = []
    for name, kind in slices().items():
        try:
            taken[name] = kind.model_validate(document, context=_counter(document))
        except ValidationError as error:
            faults += [_place(document, one["loc"]) + in_french(one) for one in error.errors()]
    faults += [_place(document, loc) + "Ce champ n'est pas connu." for loc in _unknown(document, schema(), ())]
    if faults:
        raise TownError(*dict.fromkeys(faults))  # several slices may read what is wrong
    return taken


@cache
def slices() -> dict[str, type[Entry]]:
    """The slice of each service that is installed and has one."""
    return {one.name: one.load() for one in sorted(entry_points(group="espace.town"))}


def _counter(document: Mapping[str, Any]) -> Callable[[tuple[str, ...], str], Counter[str]]:
    """How often a value names an entry of these sections."""

    @cache
    def count(sections: tuple[str, ...], by: str) -> Counter[str]:
        found = (document.get(section) for section in sections)
        entries = (entry for section in found if isinstance(section, list) for entry in section)
        values = (entry.get(by) for entry in entries if isinstance(entry, Mapping))
        return Counter(value for value in values if isinstance(value, str))

    return count


def _place(document: Any, loc: tuple[int | str, ...]) -> str:
    """« activities[3].regie (« cantine ») : »; the label is of the innermost entry of a list."""
    path, label = "", ""
    for step in place(document, loc):
        path += f"[{step}]" if isinstance(step, int) else f".{step}"
        try:
            document = document[step]
        except (KeyError, IndexError, TypeError):
            break
        if isinstance(step, int) and isinstance(document, Mapping):
            names = [document[name] for name in LABELS if isinstance(document.get(name), str)]
            label = f" (« {names[0]} »)" if names else label
    return f"{path.removeprefix('.')}{label} : " if path else ""


# ---------------------------------------------------------------------- the JSON Schema, for editors and unknown keys


@cache
def schema() -> dict[str, Any]:
    """Of the whole file: what the slices say of it, joined."""
    joined: dict[str, Any] = {}
    for kind in slices().values():
        described = kind.model_json_schema()
        joined = _joined(joined, _inlined(described, described.get("$defs", {})))
    return {"$schema": "https://json-schema.org/draft/2020-12/schema", **joined}


def _inlined(part: dict[str, Any], definitions: Mapping[str, Any]) -> dict[str, Any]:
    """Without references, null (TOML has none) and the words of programmers; no other keys than those named."""
    if "$ref" in part:
        return _inlined(definitions[part["$ref"].rpartition("/")[2]], definitions)
    some = [one for one in part.get("anyOf", ()) if one.get("type") != "null"]
    if len(some) == 1:
        return _inlined(some[0], definitions)
    kept = {key: part[key] for key in part.keys() - {"$defs", "title", "description", "default", "discriminator"}}
    if "properties" in part:
        kept["properties"] = {name: _inlined(one, definitions) for name, one in part["properties"].items()}
        kept["additionalProperties"] = False
    if "oneOf" in part:
        kept["oneOf"] = [_inlined(one, definitions) for one in part["oneOf"]]
    if "items" in part:
        kept["items"] = _inlined(part["items"], definitions)
    return kept


def _joined(one: dict[str, Any], other: dict[str, Any]) -> dict[str, Any]:
    """Two descriptions of the same part: objects have the properties of both, lists items that are both."""
    joined = {**other, **one}
    if properties := one.get("properties", {}) | other.get("properties", {}):
        mine, theirs = one.get("properties", {}), other.get("properties", {})
        joined["properties"] = {name: _joined(mine.get(name, {}), theirs.get(name, {})) for name in properties}
        joined["required"] = sorted({*one.get("required", ()), *other.get("required", ())})
    if "items" in joined:
        joined["items"] = _joined(one.get("items", {}), other.get("items", {}))
    return joined


def _unknown(value: Any, known: Mapping[str, Any], loc: tuple[int | str, ...]) -> Iterator[tuple[int | str, ...]]:
    """Where a key stands that no slice reads."""
    if isinstance(value, Mapping) and "properties" in known:
        for key, inner in value.items():
            if key in known["properties"]:
                yield from _unknown(inner, known["properties"][key], (*loc, key))
            else:
                yield (*loc, key)
    elif isinstance(value, list) and "items" in known:
        for number, inner in enumerate(value):
            yield from _unknown(inner, known["items"], (*loc, number))
