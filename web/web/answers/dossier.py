"""What dossier answers."""

import datetime

from pydantic import AwareDatetime, Field

from web.answers import Answer


class Address(Answer):
    street: str
    postcode: str
    city: str


class Adult(Answer):
    """`pays_from`: the day to come from which they pay."""

    id: str
    first_name: str
    last_name: str
    roles: list[str]
    email: str | None
    phone: str | None
    has_account: bool | None = None
    pays_from: datetime.date | None = None


class Schooling(Answer):
    school_year: str
    school_id: str
    level: str
    class_name: str | None


class Authorised(Answer):
    """`own`: by the word of this dossier, not of the child's other one."""

    first_name: str
    last_name: str
    relation: str | None
    phone: str
    own: bool


class Forbidden(Answer):
    first_name: str
    last_name: str
    decision: str


class Consents(Answer):
    photo: bool | None = None
    outings: bool | None = None
    leaves_alone: bool | None = None


class Child(Answer):
    id: str
    first_name: str
    last_name: str
    birth_date: datetime.date
    schooling: list[Schooling]
    menu: str
    consents: Consents = Consents()
    authorised_persons: list[Authorised] = Field(default=[])
    forbidden_persons: list[Forbidden] = Field(default=[])
    version: int = 0


class Quotient(Answer):
    value: int
    source: str
    valid_from: datetime.date
    valid_to: datetime.date


class RecordedQuotient(Quotient):
    reason: str | None = None


class Quotients(Answer):
    """Their history, the newest first."""

    items: list[RecordedQuotient]


class QuotientConsent(Answer):
    """Whether an adult agrees that their quotient is asked for; `possible`: the town can ask."""

    agreed: bool
    agreed_at: AwareDatetime | None
    possible: bool


class Lookup(Answer):
    """What API Particulier knew of a family: `detail` says it in French, or why nothing."""

    outcome: str
    detail: str


class Campaign(Answer):
    """Asking for every family that agrees: of `total` `done`, and what came of it; `trouble` says why it pauses."""

    id: str
    status: str
    total: int
    done: int
    changed: int
    unchanged: int
    unknown: int
    no_consent: int
    trouble: str | None
    asked_at: AwareDatetime
    finished_at: AwareDatetime | None


class QuotientNotFound(Answer):
    number: str
    detail: str


class CampaignReport(Campaign):
    """With families of whom nothing was found; those after `next_number` are asked for by it."""

    items: list[QuotientNotFound]
    next_number: str | None = None


class Person(Answer):
    id: str
    first_name: str
    last_name: str


class FoundDossier(Answer):
    """One that a search has found."""

    id: str
    number: str
    address: Address | None = None
    adults: list[Person]
    children: list[Person]

    @property
    def family_name(self) -> str:
        return " – ".join(dict.fromkeys(one.last_name for one in self.adults))


class OfFamily(Answer):
    """What speaks of a family; `dossier` names it, where that was asked for."""

    dossier_id: str | None = None
    dossier: FoundDossier | None = None

    @property
    def family(self) -> str:
        """« 100042, Moreau »."""
        if self.dossier is None:
            return "inconnu" if self.dossier_id else "–"
        return f"{self.dossier.number}, {self.dossier.family_name}"


class Certification(Answer):
    school_year: str
    certified_at: AwareDatetime


class DocumentKind(Answer):
    """`about` a child or the whole dossier; what `expires` has a last day."""

    code: str
    name: str
    about: str
    expires: bool


class Document(OfFamily):
    """One that was handed in; `expired`: its last day is over."""

    id: str
    status: str
    kind_name: str
    uploaded_at: AwareDatetime
    child_id: str | None = None
    media_type: str = ""
    expires_on: datetime.date | None = None
    expired: bool = False
    reason: str | None = None


class Pai(Answer):
    valid_from: datetime.date
    valid_to: datetime.date
    instructions: str


class Doctor(Answer):
    name: str
    phone: str | None


class Vaccine(Answer):
    name: str
    date: datetime.date


class Health(Answer):
    """`version` 0: nothing was ever written."""

    version: int
    allergies: str | None
    treatments: str | None
    pai: Pai | None
    doctor: Doctor | None
    vaccines: list[Vaccine]
    remarks: str | None


class Access(Answer):
    """That somebody has read what is known of a child's health; `mine`: the reader themselves."""

    at: AwareDatetime
    role: str
    mine: bool
    site_name: str | None
    reason: str | None


class ChangeRequest(Answer):
    """That something be `new` that was `old`; `subject` is whom it is about."""

    id: str
    status: str
    dossier_id: str
    dossier_number: str
    family: str
    kind: str
    subject: str | None
    old: dict[str, str | int | list[str] | None] | None
    new: dict[str, str | int | list[str] | None]
    document_ids: list[str]
    comment: str | None
    asked_at: AwareDatetime
    reason: str | None
    counts_from: datetime.date | None
    decided_at: AwareDatetime | None


class CustodyPattern(Answer):
    """From that day on, until the next one: whose the days are (`own`, `other`), from the Monday of its week on."""

    valid_from: datetime.date = Field(alias="from")
    days: list[str]


class CustodyException(Answer):
    """Both days included."""

    first_day: datetime.date = Field(alias="from")
    last_day: datetime.date = Field(alias="to")
    whose: str


class Custody(Answer):
    """Whose a child's days are, as the family sees it, in order; `shared`: whether it has another dossier at all, which
    one only the desk is told."""

    shared: bool = False
    other_dossier_id: str | None = None
    patterns: list[CustodyPattern]
    exceptions: list[CustodyException] = Field(default=[])


class Dossier(Answer):
    """`missing` says in French what keeps it incomplete; `certified` that all is right, of the present school year;
    `priorities` are codes of the town's criteria; `merged_into` is the dossier that an archived one is part of.
    """

    id: str
    number: str
    address: Address | None
    adults: list[Adult]
    children: list[Child]
    quotient: Quotient | None
    missing: list[str]
    certified: Certification | None = None
    priorities: list[str] = Field(default=[])
    merged_into: str | None = None
    version: int = 0

    @property
    def family_name(self) -> str:
        """« Moreau », « Moreau – Diallo »: its guardians'."""
        guardians = [one for one in self.adults if "legal_guardian" in one.roles] or self.adults
        return " – ".join(dict.fromkeys(one.last_name for one in guardians))


class Numbered(Answer):
    id: str
    number: str


class Planned(Answer):
    """A change that is done on a later day."""

    id: str


class PlannedChange(Planned):
    """`about` says what it is; `refused`, why it could not be done on its day."""

    day: datetime.date
    about: str
    reason: str | None
    asked_at: AwareDatetime
    asked_by_name: str | None
    refused: str | None


class Touched(Answer):
    """What a change of a household comes to; once it is made, the dossier `created`, or the one that is kept."""

    touches: list[str] = Field(default=[])
    planned: Planned | None = None
    created: Numbered | None = None
    into: Numbered | None = None


class Import(Answer):
    """A CSV file of families or quotients."""

    id: str
    status: str
    kind: str
    dry_run: bool
    lines: int
    done: int
    created: int
    known: int
    refused: int
    asked_at: AwareDatetime


class ImportFault(Answer):
    column: str
    detail: str


class ImportLine(Answer):
    line: int
    number: str
    outcome: str
    faults: list[ImportFault]


class ImportReport(Import):
    items: list[ImportLine]
    next_line: int | None = None
