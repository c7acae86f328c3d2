"""What a family asks to be changed in a month."""

import datetime
from typing import Annotated
from uuid import UUID

from chassis.bodies import RequestBody
from chassis.problems import Malformed
from french.calendar import first_day
from pydantic import AfterValidator, Field, StrictBool

from planning.deadlines.rules import Day
from planning.reservations.rules import Change

#: In one body: a month of a large family.
MOST = 500


def _month(text: str) -> str:
    first_day(text)
    return text


#: YYYY-MM.
Month = Annotated[str, AfterValidator(_month)]


class ChangeWish(RequestBody):
    """A day to be reserved, or (`reserve` false) to be given up."""

    child_id: UUID
    activity_id: UUID
    date: Day
    reserve: StrictBool

    def change(self) -> Change:
        return Change(self.child_id, self.activity_id, self.date, self.reserve)


Changes = Annotated[list[ChangeWish], Field(min_length=1, max_length=MOST)]


class MonthChanges(RequestBody):
    """Days of one month (YYYY-MM), each of a child and activity once."""

    month: Month
    changes: Changes

    @property
    def first_day(self) -> datetime.date:
        return first_day(self.month)

    def wanted(self) -> list[Change]:
        """Raises Malformed, naming each day of another month, and each that is asked for again or otherwise."""
        first, errors = self.first_day, []
        seen: dict[Change, int] = {}
        for number, wish in enumerate(self.changes):
            change = wish.change()
            if change.day.replace(day=1) != first:
                errors.append((number, "Ce jour n'est pas du mois demandé : retirez-le, ou validez-le avec son mois."))
            elif change in seen:
                errors.append((number, f"Cette case est déjà demandée (ligne {seen[change] + 1}) : retirez-la."))
            elif change._replace(reserve=not change.reserve) in seen:
                errors.append((number, "Cette case est demandée à réserver et à annuler : gardez l'un des deux."))
            seen.setdefault(change, number)
        if errors:
            raise Malformed(errors=[{"pointer": f"/changes/{number}/date", "detail": said} for number, said in errors])
        return list(seen)
