"""What decides whether a day may be reserved or given up: pure, for grid, refusals and mails alike."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from typing import Literal, NamedTuple, TypeAlias
from uuid import UUID

from contracts.enrolment import Actor
from french import wording
from french.calendar import age_on

from planning.deadlines.rules import DayDeadlines, Rules, TownCalendar, in_words, of_day, still_open, why_none
from planning.slots.rules import Band, band_of

#: Of a refusal: what stands in its way. Only `late` may be bypassed, by the desk.
Obstacle = Literal["activity_closed", "elsewhere", "not_enrolled", "closed", "late", "full"]


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

    Without `rules` the activity takes place on no day. `version` is that of the reserved days.
    """

    child_id: UUID
    first_name: str
    birth_date: date
    dossier_ids: Sequence[UUID]
    activity_id: UUID
    activity_name: str
    kind: str
    is_open: bool
    rules: Rules | None
    month: date
    enrolled: Sequence[Enrolled]
    held: Mapping[date, Held]
    version: int

    def enrolment(self, day: date) -> Enrolled | None:
        """The one that counts on that day."""
        return next((one for one in self.enrolled if one.first <= day <= one.last), None)

    def band(self, site_id: UUID | None, day: date) -> Band | None:
        """Where the child's place is counted on that day; none: it is not."""
        bands = self.rules.bands if self.rules else ()
        return band_of(bands, site_id, age_on(self.birth_date, day)) if bands else None


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

    What is reserved may be given up whatever has become of its day.
    """
    if change.reserve and (why := why_not_there(line, calendar, change.day)):
        return why
    until = None if late else deadlines(line, calendar, change.day)
    if until is None:
        return None
    return too_late(until.booking if change.reserve else until.cancellation, moment, reserve=change.reserve)
