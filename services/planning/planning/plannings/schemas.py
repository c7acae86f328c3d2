"""What planning takes and answers of a family's month."""

from typing import Annotated

from chassis.bodies import Answer
from french.calendar import first_day
from pydantic import AfterValidator, Field

from planning.plannings.rules import Row


def _month(text: str) -> str:
    first_day(text)
    return text


#: YYYY-MM.
Month = Annotated[str, AfterValidator(_month)]


class PlanningAnswer(Answer):
    """`month` is YYYY-MM; a row has a cell for each of its days, in order."""

    month: Annotated[str, Field(pattern="^[0-9]{4}-[0-9]{2}$")]
    rows: list[Row]
