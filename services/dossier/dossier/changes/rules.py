"""What a family may ask to have changed, and from when a quotient counts."""

from datetime import date

from french.calendar import DAY, last_day

#: By kind, of whom it is about: what is asked to be changed.
WORDS = {
    "adult_name": "le nom de {}",
    "child_identity": "le nom ou la date de naissance de {}",
    "address": "votre adresse",
    "quotient": "votre quotient familial",
    "new_child": "l'arrivée de {} dans votre famille",
    "school": "l'école de {}",
}


def counts_from(today: date) -> date:
    """A new quotient counts from the next month on, if nobody says from when."""
    return last_day(today.replace(day=1)) + DAY
