"""May this child be booked into this holiday week now? Pure; every answer says why, in French."""

from collections.abc import Sequence
from datetime import date, datetime
from typing import Protocol

from french.paris import day_in_paris
from french.wording import day_and_month, hour


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
    def booking_closes_at(self) -> datetime: ...


class Child(Protocol):
    @property
    def first_name(self) -> str: ...
    @property
    def birth_date(self) -> date: ...


class Dossier(Protocol):
    @property
    def status(self) -> str: ...
    @property
    def missing(self) -> Sequence[str]: ...


def age_on(birth_date: date, day: date) -> int:
    """Whole years; somebody born on a 29 February is a year older on 1 March of a common year."""
    return day.year - birth_date.year - ((day.month, day.day) < (birth_date.month, birth_date.day))


def suits_age(week: Bookable, child: Child) -> bool:
    """Whether the child is in the week's age group on its first day."""
    return week.min_age <= age_on(child.birth_date, week.dates[0]) <= week.max_age


def dossier_refusal(dossier: Dossier | None) -> str | None:
    """Why this family cannot use activities other than the canteen (which is a right), or none."""
    if dossier is None:
        return "Votre dossier n'est pas encore connu de ce service : réessayez dans quelques instants."
    if dossier.status != "active":
        return "Votre dossier est archivé : adressez-vous au guichet."
    if dossier.missing:
        return "Votre dossier est incomplet : complétez-le, puis recommencez."
    return None


def kind_refusal(kind: str, dossier: Dossier | None) -> str | None:
    """Why the family cannot use such activities, or none. The canteen is a right, whatever the dossier lacks."""
    return None if kind == "restauration" else dossier_refusal(dossier)


def refusal(week: Bookable, child: Child, dossier: Dossier | None, now: datetime) -> str | None:
    """Why not, or none. Places are another matter."""
    if not suits_age(week, child):
        return (
            f"Cette semaine accueille les enfants de {week.min_age} à {week.max_age} ans ; "
            f"{child.first_name} aura {age_on(child.birth_date, week.dates[0])} ans le premier jour."
        )
    if begun(week, now):
        return "Cette semaine a déjà commencé : choisissez-en une autre."
    if now >= week.booking_closes_at:
        return (
            f"Les réservations pour cette semaine sont closes depuis le {moment(week.booking_closes_at)} : "
            "choisissez une autre semaine."
        )
    return dossier_refusal(dossier)


def begun(week: Dated, now: datetime) -> bool:
    """Whether the week's first day has come, in Paris."""
    return week.dates[0] <= day_in_paris(now)


def moment(when: datetime) -> str:
    """« 4 décembre à 23 h 59 »"""
    return f"{day_and_month(when)} à {hour(when)}"
