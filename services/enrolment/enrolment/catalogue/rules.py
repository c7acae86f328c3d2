"""May this child be enrolled in this activity, or booked into this holiday week, now? Pure; every answer says why."""

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from enum import StrEnum
from typing import Protocol
from uuid import UUID

from contracts.dossier import Schooling
from french import wording
from french.calendar import age_on
from french.paris import day_in_paris
from french.wording import day_and_month, hour

LEVELS = {"nursery": "de maternelle", "elementary": "d'élémentaire"}


class Window(Protocol):
    """From when (none: always) until when (none: always)."""

    @property
    def opens_at(self) -> datetime | None: ...
    @property
    def closes_at(self) -> datetime | None: ...


class Activity(Protocol):
    """An activity, by what is asked of who enrols."""

    @property
    def name(self) -> str: ...
    @property
    def kind(self) -> str: ...
    @property
    def status(self) -> str: ...
    @property
    def ages(self) -> tuple[int, int] | None: ...
    @property
    def levels(self) -> Collection[str]: ...
    @property
    def sector(self) -> Collection[UUID]: ...

    def window(self, school_year: str) -> Window | None: ...


class SchoolYear(Protocol):
    @property
    def name(self) -> str: ...
    @property
    def first_day(self) -> date: ...
    @property
    def last_day(self) -> date: ...


class Dated(Protocol):
    @property
    def dates(self) -> Sequence[date]: ...


class Bookable(Dated, Protocol):
    """A week, by what is asked of who books it."""

    @property
    def min_age(self) -> int: ...
    @property
    def max_age(self) -> int: ...
    @property
    def activity_status(self) -> str: ...
    @property
    def booking_opens_at(self) -> datetime | None: ...
    @property
    def residents_open_at(self) -> datetime | None: ...
    @property
    def booking_closes_at(self) -> datetime: ...


class Person(Protocol):
    @property
    def first_name(self) -> str: ...
    @property
    def birth_date(self) -> date: ...


class Child(Person, Protocol):
    """A child, by what a holiday week asks of it."""

    @property
    def resident(self) -> bool: ...


class Pupil(Person, Protocol):
    """A child, by what an activity of the school year asks of it."""

    def schooled(self, school_year: str) -> Schooling | None: ...


class Dossier(Protocol):
    @property
    def status(self) -> str: ...
    @property
    def missing(self) -> Sequence[str]: ...


def suits_age(week: Bookable, child: Child) -> bool:
    """Whether the child is in the week's age group on its first day."""
    return week.min_age <= age_on(child.birth_date, week.dates[0]) <= week.max_age


def dossier_refusal(dossier: Dossier | None) -> str | None:
    """Why this family cannot use activities other than the canteen (which is a right), or none."""
    if why := _dossier_gone(dossier):
        return why
    if dossier and dossier.missing:
        lacks = ", ".join(dossier.missing)
        return f"Votre dossier est incomplet, il y manque : {lacks}. Complétez-le, puis recommencez."
    return None


def _dossier_gone(dossier: Dossier | None) -> str | None:
    if dossier is None:
        return "Votre dossier n'est pas encore connu de ce service : réessayez dans quelques instants."
    if dossier.status != "active":
        return "Votre dossier est archivé : adressez-vous au guichet."
    return None


class Why(StrEnum):
    """What stands in the way of an enrolment."""

    CLOSED = "closed"
    BY_WEEK = "by-week"
    ENROLLED = "enrolled"
    AGE = "age"
    LEVEL = "level"
    SECTOR = "sector"
    WINDOW = "window"
    DOSSIER = "dossier"
    HOUSE_RULES = "house-rules"


#: What the desk may pass over, with a reason that is kept.
DESK_MAY_BYPASS = frozenset({Why.AGE, Why.LEVEL, Why.SECTOR, Why.WINDOW, Why.DOSSIER, Why.HOUSE_RULES})
#: Said to the desk of these.
DESK_MAY = "Le guichet peut passer outre en indiquant un motif."


@dataclass(frozen=True)
class Refusal:
    """What stands in the way, and the same in French with what to do."""

    why: Why
    detail: str


def enrolment_refusal(
    activity: Activity,
    child: Pupil,
    dossier: Dossier | None,
    year: SchoolYear | None,
    now: datetime,
    *,
    accepted: bool,
    enrolled: bool = False,
    first: date | None = None,
    renewed: bool = False,
) -> Refusal | None:
    """Why the child cannot be enrolled in the activity for that school year, or none.

    `accepted`: the family has accepted the year's règlement, or there is none; `enrolled`: it already is. The age is
    that of the day the enrolment begins (none: as soon as may be). `renewed`: by the administrator for the next year,
    whose window and règlement come later. The canteen is a right: neither dossier nor règlement ever refuse it.
    """
    if activity.status == "closed":
        return Refusal(Why.CLOSED, f"« {activity.name} » n'est plus proposée : choisissez une autre activité.")
    if activity.kind == "extrascolaire":
        return Refusal(
            Why.BY_WEEK,
            f"« {activity.name} » se réserve à la semaine, sans inscription à l'année : choisissez une semaine.",
        )
    if year is None:
        return Refusal(Why.WINDOW, "Les inscriptions ne sont pas encore ouvertes : adressez-vous au guichet.")
    if enrolled:
        return Refusal(
            Why.ENROLLED,
            f"{child.first_name} a déjà une inscription pour l'année scolaire {year.name} : réservez dans le planning.",
        )
    first = first or max(year.first_day, day_in_paris(now))
    refused = _child_refusal(activity, child, year, first)
    if not renewed:
        refused = refused or _window_refusal(activity, year, now)
    if refused or activity.kind == "restauration":
        return refused
    if why := dossier_refusal(dossier):
        return Refusal(Why.DOSSIER, why)
    if not (accepted or renewed):
        return Refusal(
            Why.HOUSE_RULES,
            f"Le règlement de l'année scolaire {year.name} n'est pas encore accepté : lisez-le, acceptez-le, puis "
            "recommencez.",
        )
    return None


def _child_refusal(activity: Activity, child: Pupil, year: SchoolYear, first_day: date) -> Refusal | None:
    """Age on that day, level, sector."""
    name = child.first_name
    if activity.ages is not None:
        youngest, oldest = activity.ages
        age = age_on(child.birth_date, first_day)
        if not youngest <= age <= oldest:
            return Refusal(
                Why.AGE,
                f"« {activity.name} » accueille les enfants de {youngest} à {oldest} ans ; {name} aura "
                f"{wording.years(age)} le {day_and_month(first_day)} : choisissez une autre activité.",
            )
    schooling = child.schooled(year.name)
    if (activity.levels or activity.sector) and schooling is None:
        return Refusal(
            Why.LEVEL,
            f"L'école de {name} pour l'année scolaire {year.name} n'est pas connue : adressez-vous au guichet.",
        )
    if schooling and activity.levels and schooling.level not in activity.levels:
        accepted = " et ".join(LEVELS[level] for level in sorted(activity.levels))
        return Refusal(
            Why.LEVEL,
            f"« {activity.name} » accueille les élèves {accepted} ; {name} est élève {LEVELS[schooling.level]} : "
            "choisissez une autre activité.",
        )
    if schooling and activity.sector and schooling.school_id not in activity.sector:
        return Refusal(
            Why.SECTOR,
            f"« {activity.name} » n'est pas ouverte à l'école de {name} : choisissez une autre activité, ou "
            "adressez-vous au guichet.",
        )
    return None


def _window_refusal(activity: Activity, year: SchoolYear, now: datetime) -> Refusal | None:
    window, words = activity.window(year.name), None
    if day_in_paris(now) > year.last_day:
        words = f"L'année scolaire {year.name} est terminée : inscrivez-vous pour la suivante."
    elif window and window.opens_at and now < window.opens_at:
        words = f"Les inscriptions ouvrent le {wording.moment(window.opens_at)} : revenez à partir de ce moment."
    elif window and window.closes_at and now >= window.closes_at:
        words = f"Les inscriptions sont closes depuis le {wording.moment(window.closes_at)} : adressez-vous au guichet."
    return Refusal(Why.WINDOW, words) if words else None


def activity_refusal(
    activity: Activity,
    child: Pupil,
    dossier: Dossier | None,
    year: SchoolYear | None,
    now: datetime,
    *,
    accepted: bool,
    enrolled: bool = False,
) -> Refusal | None:
    """Why the activity is not open to the child, or none: as `enrolment_refusal`, and where it is booked by weeks why
    none of them can be.
    """
    refused = enrolment_refusal(activity, child, dossier, year, now, accepted=accepted, enrolled=enrolled)
    if refused and refused.why is Why.BY_WEEK:
        why = dossier_refusal(dossier)
        return Refusal(Why.DOSSIER, why) if why else None
    return refused


def misfit(week: Bookable, child: Child, now: datetime) -> str | None:
    """Why this child can have no place in that week, whatever is free or open, or none."""
    return _over(week, now) or _age_refusal(week, child)


def _over(week: Bookable, now: datetime) -> str | None:
    if week.activity_status == "closed":
        return "Cette activité n'est plus proposée : choisissez une semaine d'un autre centre."
    if begun(week, now):
        return "Cette semaine a déjà commencé : choisissez-en une autre."
    return None


def _age_refusal(week: Bookable, child: Child) -> str | None:
    if suits_age(week, child):
        return None
    return (
        f"Cette semaine accueille les enfants de {week.min_age} à {week.max_age} ans ; "
        f"{child.first_name} aura {wording.years(age_on(child.birth_date, week.dates[0]))} le premier jour."
    )


def refusal(week: Bookable, child: Child, dossier: Dossier | None, now: datetime) -> str | None:
    """Why not, or none. Places are another matter."""
    return firm_refusal(week, dossier, now) or lenient_refusal(week, child, dossier, now)


def firm_refusal(week: Bookable, dossier: Dossier | None, now: datetime) -> str | None:
    """Why nobody books that week for that family, the desk neither, or none."""
    return _over(week, now) or _dossier_gone(dossier)


def lenient_refusal(week: Bookable, child: Child, dossier: Dossier | None, now: datetime) -> str | None:
    """Why not, where the desk may pass over it with a reason that is kept, or none."""
    if why := _age_refusal(week, child):
        return why
    if now >= week.booking_closes_at:
        return (
            f"Les réservations pour cette semaine sont closes depuis le {moment(week.booking_closes_at)} : "
            "choisissez une autre semaine."
        )
    return _opening_refusal(week, child, now) or dossier_refusal(dossier)


def opens_at(week: Bookable, child: Child) -> datetime | None:
    """When booking opens for that child, for residents perhaps earlier; none: it always was."""
    return week.residents_open_at if child.resident and week.residents_open_at else week.booking_opens_at


def _opening_refusal(week: Bookable, child: Child, now: datetime) -> str | None:
    opens = opens_at(week, child)
    if opens is None or now >= opens:
        return None
    when = f"Les réservations pour cette semaine ouvrent le {wording.moment(opens)}"
    if week.residents_open_at and week.residents_open_at <= now:
        return f"{when} ; elles sont réservées jusque-là aux habitants de la commune. Revenez à partir de ce moment."
    return f"{when} : revenez à partir de ce moment."


def begun(week: Dated, now: datetime) -> bool:
    """Whether the week's first day has come, in Paris."""
    return week.dates[0] <= day_in_paris(now)


def moment(when: datetime) -> str:
    """« 4 décembre à 23 h 59 »"""
    return f"{day_and_month(when)} à {hour(when)}"
