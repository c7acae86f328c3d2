"""Events that dossier publishes."""

from datetime import date
from typing import ClassVar, Literal
from uuid import UUID

from contracts.envelope import Event, Fact
from contracts.notices import NoticeWritten as Notice

Role = Literal["legal_guardian", "payer", "contact"]
Menu = Literal["standard", "no_pork", "vegetarian", "own_meal"]
Level = Literal["nursery", "elementary"]


class Adult(Fact):
    """An adult of a dossier; `email` as the dossier knows it, often old or missing."""

    adult_id: UUID
    first_name: str
    last_name: str
    roles: tuple[Role, ...]
    email: str | None = None


class PostalAddress(Fact):
    street: str
    postcode: str
    city: str


class Payer(Fact):
    """The adult who pays from that day on, until the next one's."""

    adult_id: UUID
    valid_from: date


class DossierChanged(Event):
    """A family's dossier; `missing` names what keeps it incomplete (empty: complete).

    `priorities` are codes of criteria of the town's waiting list that an agent has certified. `payers`, in order, say
    who pays on which day; on others, and where there are none, the adult who has that role. `merged_into`: the dossier
    that an archived one is now part of, with all that was its family's.
    """

    type: ClassVar[str] = "dossier.dossier_changed"
    subject_field: ClassVar[str] = "dossier_id"

    dossier_id: UUID
    number: str
    status: Literal["active", "archived"]
    adults: tuple[Adult, ...]
    address: PostalAddress | None
    missing: tuple[str, ...] = ()
    priorities: tuple[str, ...] = ()
    payers: tuple[Payer, ...] = ()
    merged_into: UUID | None = None


class Schooling(Fact):
    """Where a child goes to school in one school year (« 2026-2027 »); `school_id` is a site of the catalogue."""

    school_year: str
    school_id: UUID
    level: Level
    class_name: str | None = None


class CustodyPattern(Fact):
    """From `valid_from` on, until the next one: whose the days are, a dossier each, over and over.

    The first of `days` (7, or 14 for alternating weeks) is the Monday of the week that `valid_from` is in.
    """

    valid_from: date
    days: tuple[UUID, ...]


class CustodyException(Fact):
    """Both days included; no two of them overlap."""

    first_day: date
    last_day: date
    dossier_id: UUID


class Custody(Fact):
    """Which of a child's two dossiers each day belongs to, patterns and exceptions in order.

    A day before the first pattern, and in no exception, is nobody's in particular.
    """

    patterns: tuple[CustodyPattern, ...]
    exceptions: tuple[CustodyException, ...] = ()


class ChildChanged(Event):
    """A child and the dossiers it belongs to (two in split custody). `menu` is restricted personal data.

    Without `custody` its days are nobody's in particular.
    """

    type: ClassVar[str] = "dossier.child_changed"
    subject_field: ClassVar[str] = "child_id"

    child_id: UUID
    dossier_ids: tuple[UUID, ...]
    first_name: str
    last_name: str
    birth_date: date
    schooling: tuple[Schooling, ...]
    resident: bool
    menu: Menu
    custody: Custody | None = None


class Quotient(Fact):
    """Whole euros, valid from the first to the last day, both included."""

    value: int
    source: Literal["caf", "msa", "municipal"]
    valid_from: date
    valid_to: date


class QuotientChanged(Event):
    """The whole history of a dossier's quotients, as disjoint periods in order: dossier alone decides which counts."""

    type: ClassVar[str] = "dossier.quotient_changed"
    subject_field: ClassVar[str] = "dossier_id"

    dossier_id: UUID
    quotients: tuple[Quotient, ...]


class DossierErased(Event):
    """A family is erased: it will never be heard of again, and nothing of it is kept but what a law keeps."""

    type: ClassVar[str] = "dossier.dossier_erased"
    subject_field: ClassVar[str] = "dossier_id"

    dossier_id: UUID


class ChildErased(Event):
    """A child that is of no dossier any more is erased."""

    type: ClassVar[str] = "dossier.child_erased"
    subject_field: ClassVar[str] = "child_id"

    child_id: UUID


class NoticeWritten(Notice):
    type: ClassVar[str] = "dossier.notice_written"


EVENTS: tuple[type[Event], ...] = (
    DossierChanged,
    ChildChanged,
    QuotientChanged,
    DossierErased,
    ChildErased,
    NoticeWritten,
)
