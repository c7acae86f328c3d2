"""May this child be booked into this holiday week now? Pure; every refusal says why and what to do, in French."""

from datetime import date, datetime

from french.paris import day_in_paris
from french.wording import day_and_month, hour

from enrolment.models import Child, Dossier, HolidayWeek


def age_on(birth_date: date, day: date) -> int:
    """Whole years; somebody born on a 29 February is a year older on 1 March of a common year."""
    return day.year - birth_date.year - ((day.month, day.day) < (birth_date.month, birth_date.day))


def suits_age(week: HolidayWeek, child: Child) -> bool:
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


def refusal(week: HolidayWeek, child: Child, dossier: Dossier | None, now: datetime) -> str | None:
    """Why not, or none. Places are another matter."""
    if not suits_age(week, child):
        return (
            f"Cette semaine accueille les enfants de {week.min_age} à {week.max_age} ans ; "
            f"{child.first_name} aura {age_on(child.birth_date, week.dates[0])} ans le premier jour."
        )
    if begun(week, now):
        return "Cette semaine a déjà commencé : choisissez-en une autre."
    if now >= week.booking_closes_at:
        closed = week.booking_closes_at
        return (
            f"Les réservations pour cette semaine sont closes depuis le {day_and_month(closed)} "
            f"à {hour(closed)} : choisissez une autre semaine."
        )
    return dossier_refusal(dossier)


def begun(week: HolidayWeek, now: datetime) -> bool:
    """Whether the week's first day has come, in Paris."""
    return week.dates[0] <= day_in_paris(now)
