"""What planning answers."""

from typing import Annotated

from pydantic import BaseModel, Field

from planning.calendar import Row


class PlanningAnswer(BaseModel):
    """`month` is YYYY-MM; a row has a cell for each of its days, in order."""

    month: Annotated[str, Field(pattern="^[0-9]{4}-[0-9]{2}$")]
    rows: list[Row]
