"""What planning answers."""

from typing import Annotated

from chassis.bodies import Answer
from pydantic import Field

from planning.calendar import Row


class PlanningAnswer(Answer):
    """`month` is YYYY-MM; a row has a cell for each of its days, in order."""

    month: Annotated[str, Field(pattern="^[0-9]{4}-[0-9]{2}$")]
    rows: list[Row]
