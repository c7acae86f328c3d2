"""What a holiday week may be. Pure; each fault is said in French, by field."""

from collections.abc import Sequence
from datetime import date, datetime
from typing import Protocol

from french.calendar import DAY, is_working_day
from french.wording import day

MOST_DAYS = 7


class Described(Protocol):
    @property
    def dates(self) -> Sequence[date]: ...
    @property
    def booking_opens_at(self) -> datetime | None: ...
    @property
    def residents_open_at(self) -> datetime | None: ...
    @property
    def booking_closes_at(self) -> datetime: ...


def faults(week: Described) -> dict[str, str]:
    """What is wrong with its days (in order) and moments."""
    found = {}
    first, last = week.dates[0], week.dates[-1]
    if closed := [one for one in week.dates if not is_working_day(one)]:
        found["dates"] = f"Le {day(closed[0])} n'est pas un jour ouvré : retirez-le."
    elif last - first >= MOST_DAYS * DAY:
        found["dates"] = "Les jours d'une semaine se suivent en sept jours au plus."
    opens, early = week.booking_opens_at, week.residents_open_at
    if opens and opens >= week.booking_closes_at:
        found["booking_opens_at"] = "Les réservations ouvrent avant de se clore."
    if early and (opens is None or early >= opens):
        found["residents_open_at"] = "Les habitants réservent avant les autres : indiquez un moment plus tôt."
    return found
