"""What a line of a file says of a family: a dossier to be stored, or what is wrong with it, column by column."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from typing import Annotated, Any, Literal, TypeVar
from uuid import UUID

from chassis.bodies import RequestBody
from chassis.fields import Day
from chassis.identifiers import new_id
from chassis.problems import in_french
from contracts.dossier import Menu
from french.calendar import age_on, birth_date_fault, school_year
from french.names import name_key
from pydantic import Field, ValidationError
from pydantic_core import ErrorDetails
from sqlalchemy.orm.attributes import set_committed_value

from dossier.families import level_at
from dossier.households.rules import Named, with_payer
from dossier.households.schemas import FirstAdult, NewAddress, NewChild, NewDossier
from dossier.imports.columns import ADULT, CHILD, FAMILY, LEVELS, MENUS, ROLES, SOURCES, place
from dossier.models import Adult, Child, Dossier, DossierStatus, Quotient, Schooling
from dossier.quotient import default_end
from dossier.quotients.rules import first_day_fault

T = TypeVar("T")
Cells = Mapping[str, str]
_WORDS_OF = {"": FAMILY, "adults": ADULT, "children": CHILD}


class _Child(NewChild):
    menu: Menu = "standard"


class _Quotient(RequestBody):
    value: Annotated[int, Field(ge=0, le=1_000_000)]
    source: Literal["caf", "msa", "municipal"] = "caf"
    valid_from: Day


class _Line(NewDossier):
    children: list[_Child] = Field(default=[])  # type: ignore[assignment] # a list of what a new child is, and its menu
    quotient: _Quotient | None = None


@dataclass(frozen=True)
class Known:
    """What cells may refer to: the town's schools, by name and by code; the day, on which they are read."""

    schools: Mapping[str, UUID]
    postcode: str | None
    today: date


@dataclass(frozen=True)
class Fault:
    """`column` is empty where it is the whole line that is wrong."""

    column: str
    detail: str


class Refused(Exception):
    """A line that is no family, with all that is wrong with it."""

    def __init__(self, *faults: Fault) -> None:
        super().__init__(*faults)
        self.faults = faults


def row(columns: Sequence[str], cells: Sequence[str]) -> dict[str, str]:
    """The cells that say something, by their columns. Raises Refused."""
    if len(cells) < len(columns) or any(cells[len(columns) :]):
        raise Refused(Fault("", f"Cette ligne a {len(cells)} cellules, {len(columns)} sont attendues."))
    return {column: cell for column, cell in zip(columns, cells, strict=False) if column and cell}


def day(said: str) -> str:
    """As a computer writes it, where it is written as in France; what is no day is refused later."""
    parts = said.split("/")
    if len(parts) == 3 and all(part.isascii() and part.isdigit() for part in parts):
        return f"{parts[2]:0>4}-{parts[1]:0>2}-{parts[0]:0>2}"
    return said


def word(column: str, said: str, meanings: Mapping[str, T], wanted: str = "") -> T:
    """What a cell means by one of these words. Raises Refused."""
    if (found := meanings.get(name_key(said))) is None:
        raise Refused(Fault(column, f"« {said[:100]} » n'est pas connu : {wanted or ', '.join(meanings)} est attendu."))
    return found


def read(columns: Sequence[str], cells: Sequence[str], known: Known) -> Dossier:
    """A new dossier with all that belongs to it. Raises Refused."""
    reading = _Reading(row(columns, cells), known)
    line = reading.line()
    if reading.faults or line is None:
        raise Refused(*reading.faults)
    return _dossier(line, known)


class _Reading:
    def __init__(self, cells: Cells, known: Known) -> None:
        self.known, self.faults = known, list[Fault]()
        self.groups: dict[tuple[str, int], dict[str, str]] = {("", 0): {}}
        for column, cell in cells.items():
            kind, number, field = place(column)
            self.groups.setdefault((kind, number), {})[field] = cell

    def line(self) -> _Line | None:
        """The whole of it, as far as its form goes; `faults` says what is wrong."""
        family = self.groups["", 0]
        document: dict[str, Any] = {
            "number": family.get("number", ""),
            "address": {field: family[field] for field in ("street", "postcode", "city") if field in family},
            "adults": [self._adult(number, values) for number, values in self._several("adults")],
            "children": [self._child(number, values) for number, values in self._several("children")],
        }
        given = {field: family[field] for field in ("value", "source", "valid_from") if field in family}
        if given:
            first_day = day(given["valid_from"]) if "valid_from" in given else self.known.today.replace(day=1)
            source = self._word("quotient_source", given.get("source"), SOURCES) or "caf"
            document["quotient"] = given | {"valid_from": first_day, "source": source}
        try:
            line = _Line.model_validate(document)
        except ValidationError as error:
            self.faults += [Fault(self._column(one), in_french(one)) for one in error.errors()]
            return None
        for (number, _), child in zip(self._several("children"), line.children, strict=True):
            if fault := birth_date_fault(child.birth_date, self.known.today):
                self.faults.append(Fault(f"enfant{number}_naissance", fault))
        if line.quotient and (fault := first_day_fault(line.quotient.valid_from, self.known.today)):
            self.faults.append(Fault("quotient_debut", fault))
        self._refuse_twice("adulte", "adults", [Named(one.first_name, one.last_name) for one in line.adults])
        self._refuse_twice("enfant", "children", [Named(one.first_name, "") for one in line.children])
        return line

    def _several(self, kind: str) -> list[tuple[int, dict[str, str]]]:
        return [(number, self.groups[kind, number]) for group, number in sorted(self.groups) if group == kind]

    def _adult(self, number: int, values: Cells) -> dict[str, Any]:
        column, said = f"adulte{number}_role", values.get("roles", "responsable")
        words = said.replace("+", " ").replace(",", " ").replace("/", " ").split()
        roles = [role for role in (self._word(column, word, ROLES) for word in words) if role]
        return {**values, "roles": roles or ["legal_guardian"]}

    def _child(self, number: int, values: Cells) -> dict[str, Any]:
        column = f"enfant{number}"
        child: dict[str, Any] = {field: values[field] for field in ("first_name", "last_name") if field in values}
        if "birth_date" in values:
            child["birth_date"] = day(values["birth_date"])
        if menu := self._word(f"{column}_menu", values.get("menu"), MENUS):
            child["menu"] = menu
        if "school" in values:
            school = self._word(f"{column}_ecole", values["school"], self.known.schools, "le nom d'une école")
            level = self._word(f"{column}_niveau", values.get("level"), LEVELS)
            if school:
                year = {"school_year": school_year(self.known.today), "school_id": school, "level": level}
                child["schooling"] = [
                    year | {"level": level or self._level(child), "class_name": values.get("class_name")}
                ]
        elif "level" in values or "class_name" in values:
            self.faults.append(Fault(f"{column}_ecole", "Indiquez l'école de cet enfant."))
        return child

    def _level(self, child: Mapping[str, Any]) -> str:
        """By age, in the year in which the school year began: who turns six then is at elementary school."""
        began = int(school_year(self.known.today)[:4])
        try:
            return level_at(age_on(date.fromisoformat(child["birth_date"]), date(began, 12, 31)))
        except (KeyError, ValueError):
            return "elementary"  # the birth date is refused by itself

    def _word(self, column: str, said: str | None, meanings: Mapping[str, T], wanted: str = "") -> T | None:
        try:
            return None if said is None else word(column, said, meanings, wanted)
        except Refused as refused:
            self.faults += refused.faults
            return None

    def _column(self, error: ErrorDetails) -> str:
        """The column of what pydantic speaks of."""
        kind, at, field = "", 0, ""
        match error["loc"]:
            case ("adults" | "children" as kind, int(at), str(field), *_):
                at = self._several(kind)[at][0]
            case ("address" | "quotient", str(field), *_) | (str(field), *_):
                pass
        if field == "adults":
            return "adulte1_role"
        words = {meaning: word for word, meaning in _WORDS_OF[kind].items()}
        word = words.get(field, {"schooling": "classe"}.get(field, ""))
        return {"adults": f"adulte{at}_{word}", "children": f"enfant{at}_{word}"}.get(kind, word)

    def _refuse_twice(self, word: str, kind: str, names: Sequence[Named]) -> None:
        for at, name in enumerate(names):
            if any(name.is_same(other) for other in names[:at]):
                self.faults.append(
                    Fault(f"{word}{self._several(kind)[at][0]}_prenom", "Cette personne est donnée deux fois.")
                )


def _dossier(line: _Line, known: Known) -> Dossier:
    dossier = Dossier(
        id=new_id(),
        number=line.number,
        status=DossierStatus.ACTIVE,
        priorities=[],
        version=1 if line.quotient is None else 2,  # one for each event about it
        **line.address.model_dump(),
    )
    dossier.adults.extend(_adults(dossier.id, line.adults))
    dossier.children.extend(_child(child, line.address, known) for child in line.children)
    if line.quotient is not None:
        first_day = line.quotient.valid_from
        facts = line.quotient.model_dump() | {"valid_to": default_end(first_day)}
        dossier.quotients.append(Quotient(id=new_id(), dossier_id=dossier.id, **facts))
    return dossier


def _adults(dossier_id: UUID, adults: Sequence[FirstAdult]) -> Iterator[Adult]:
    for one, roles in zip(adults, with_payer(one.roles for one in adults), strict=True):
        facts = one.model_dump(include={"first_name", "last_name", "phone"})
        adult = Adult(id=new_id(), dossier_id=dossier_id, recorded_email=one.email, roles=roles, **facts)
        set_committed_value(adult, "account", None)
        yield adult


def _child(one: _Child, address: NewAddress, known: Known) -> Child:
    facts = one.model_dump(include={"first_name", "last_name", "birth_date", "menu"})
    child = Child(id=new_id(), resident=address.postcode == known.postcode, version=1, **facts)
    child.schooling.extend(Schooling(child_id=child.id, **year.model_dump()) for year in one.schooling)
    return child
