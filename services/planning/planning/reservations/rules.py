"""What decides whether a day may be reserved or given up: pure, for grid, refusals and mails alike."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from typing import Literal, NamedTuple, TypeAlias
from uuid import UUID

from contracts.dossier import Custody
from contracts.enrolment import Actor
from french import wording
from french.calendar import DAY, age_on

from planning.deadlines.rules import DayDeadlines, Rules, TownCalendar, in_words, of_day, still_open, why_none
from planning.slots.rules import Band, band_of

#: Of a refusal: what stands in its way. Only `late` may be bypassed, by the desk.
Obstacle = Literal["other_family", "activity_closed", "elsewhere", "not_enrolled", "closed", "late", "full"]


class Change(NamedTuple):
    """A day asked to be reserved, or given up."""

    child_id: UUID
    activity_id: UUID
    day: date
    reserve: bool


class Itself(NamedTuple):
    """Nobody changes these days: it follows from what `reason` says, in French."""

    reason: str
    account_id: None = None
    guardian_id: None = None
    role: Literal["town"] = "town"
    name: None = None
    dossier_id: None = None


#: Who changes days, as the history keeps it.
By: TypeAlias = Actor | Itself


class Enrolled(NamedTuple):
    """From the first to the last day, both included; none of the site: it is not known."""

    first: date
    last: date
    site_id: UUID | None


class Held(NamedTuple):
    """A reserved day: by which family, where, and in which band its place is counted (none: it is not)."""

    dossier_id: UUID
    site_id: UUID | None
    band: str | None


class Obstructed(NamedTuple):
    """Why a day may not be reserved or given up, in French."""

    obstacle: Obstacle
    reason: str


@dataclass(frozen=True)
class Line:
    """A month (its first day) of a child in an activity: all that decides on its days, and the reserved ones.

    Without `rules` the activity takes place on no day. `version` is that of the reserved days. `family` is the dossier
    that it is read for, by which its `custody` is judged; none: nobody's in particular.
    """

    child_id: UUID
    first_name: str
    birth_date: date
    dossier_ids: Sequence[UUID]
    custody: Custody | None
    activity_id: UUID
    activity_name: str
    kind: str
    is_open: bool
    rules: Rules | None
    month: date
    enrolled: Sequence[Enrolled]
    held: Mapping[date, Held]
    version: int
    family: UUID | None = None

    def is_others(self, day: date) -> bool:
        """Whether the day is the child's other family's."""
        return self.family is not None and is_others(self.custody, day, self.family)

    def payer(self, day: date, asking: UUID) -> UUID:
        """The dossier that a reserved day is, or would be, charged to: that of its custody, else that it is."""
        held = self.held.get(day)
        return (
            whose(self.custody, day)
            or (held.dossier_id if held and held.dossier_id in self.dossier_ids else None)
            or asking
        )

    def enrolment(self, day: date) -> Enrolled | None:
        """The one that counts on that day."""
        return next((one for one in self.enrolled if one.first <= day <= one.last), None)

    def band(self, site_id: UUID | None, day: date) -> Band | None:
        """Where the child's place is counted on that day; none: it is not."""
        bands = self.rules.bands if self.rules else ()
        return band_of(bands, site_id, age_on(self.birth_date, day)) if bands else None


def whose(custody: Custody | None, day: date) -> UUID | None:
    """The dossier that has the child on that day; none: neither in particular."""
    if custody is None:
        return None
    for one in custody.exceptions:
        if one.first_day <= day <= one.last_day:
            return one.dossier_id
    begun = [one for one in custody.patterns if one.valid_from <= day]
    if not begun:
        return None
    pattern = begun[-1]
    monday = pattern.valid_from - pattern.valid_from.weekday() * DAY
    return pattern.days[(day - monday).days % len(pattern.days)]


def is_others(custody: Custody | None, day: date, family: UUID) -> bool:
    """Whether another family than that one has the child on that day."""
    return whose(custody, day) not in (None, family)


OTHER_FAMILY = Obstructed("other_family", "Jour de l'autre parent, selon le calendrier de garde de l'enfant.")
CHANGED_ELSEWHERE = "Cette semaine de vacances se modifie ou s'annule depuis la rubrique Inscription."
BOOKED_ELSEWHERE = "Les semaines de vacances se réservent depuis la rubrique Inscription."
NO_DAYS = "Les jours de cette activité ne sont pas encore fixés : adressez-vous au guichet."
NOT_ENROLLED = "L'enfant n'est pas inscrit à cette activité : faites d'abord son inscription."
ACTIVITY_CLOSED = "Cette activité est fermée : on ne peut plus y réserver."
UNKNOWN_CHILD = "Cet enfant n'existe pas, ou vous n'y avez pas accès."
UNKNOWN = "Cet enfant ou cette activité n'existe pas, ou vous n'y avez pas accès : retirez cette case."
FULL = Obstructed("full", "Complet : toutes les places de ce jour sont prises. Choisissez un autre jour.")


def why_not_there(line: Line, calendar: TownCalendar, day: date) -> Obstructed | None:
    """Why nothing can be reserved on that day, at any moment; none: it is a day like any other."""
    if line.kind == "extrascolaire":
        return Obstructed("elsewhere", BOOKED_ELSEWHERE)
    if not line.is_open:
        return Obstructed("activity_closed", ACTIVITY_CLOSED)
    if line.enrolment(day) is None:
        return Obstructed("not_enrolled", _not_enrolled(line.enrolled))
    if line.rules is None:
        return Obstructed("closed", NO_DAYS)
    if why := why_none(line.rules, calendar, day):
        return Obstructed("closed", why)
    return None


def _not_enrolled(enrolled: Sequence[Enrolled]) -> str:
    periods = [f"du {wording.day(one.first)} au {wording.day(one.last)}" for one in enrolled if one.first <= one.last]
    return f"Hors de la période d'inscription ({', '.join(periods)})." if periods else NOT_ENROLLED


def deadlines(line: Line, calendar: TownCalendar, day: date) -> DayDeadlines | None:
    """Until when the day may be reserved, and given up; none: the activity has no rules (any more)."""
    return of_day(line.rules, calendar, day) if line.rules else None


def too_late(until: datetime, moment: datetime, *, reserve: bool) -> Obstructed | None:
    """Why that moment is past a deadline; none: it is not."""
    if still_open(until, moment):
        return None
    if reserve:
        said = f"Délai de réservation dépassé depuis {in_words(until)} : adressez-vous au guichet."
    else:
        said = f"Délai d'annulation dépassé depuis {in_words(until)} : la journée reste due. Adressez-vous au guichet."
    return Obstructed("late", said)


def why_not(line: Line, calendar: TownCalendar, change: Change, moment: datetime, *, late: bool) -> Obstructed | None:
    """Why a change cannot be made, but for places; with `late` deadlines do not count.

    What is reserved may be given up whatever has become of its day, but by the family that has the child then.
    """
    if line.is_others(change.day):
        return OTHER_FAMILY
    if change.reserve and (why := why_not_there(line, calendar, change.day)):
        return why
    until = None if late else deadlines(line, calendar, change.day)
    if until is None:
        return None
    return too_late(until.booking if change.reserve else until.cancellation, moment, reserve=change.reserve)
