"""What the administrator says of a holiday week over HTTP, and is answered."""

from datetime import date
from typing import Annotated, Any, Self
from uuid import UUID

from chassis.bodies import Answer, RequestBody
from chassis.fields import Day
from chassis.touched import Touched
from pydantic import AfterValidator, AwareDatetime, Field

from enrolment.catalogue.schemas import Ages, Moment, Name, unsaid
from enrolment.holiday_weeks.editing import Edition
from enrolment.holiday_weeks.rules import MOST_DAYS


def _in_order(dates: list[date]) -> list[date]:
    if len(set(dates)) < len(dates):
        raise ValueError("Le même jour est donné deux fois.")
    if not all(2000 <= one.year < 2100 for one in dates):
        raise ValueError("Des jours de ce siècle sont attendus.")
    return sorted(dates)


Dates = Annotated[list[Day], Field(min_length=1, max_length=MOST_DAYS), AfterValidator(_in_order)]
Places = Annotated[int, Field(ge=0, le=100_000)]
Minutes = Annotated[int, Field(ge=1, le=1440)]


class _Week(RequestBody):
    def columns(self) -> dict[str, Any]:
        """What was sent, by column."""
        sent = self.model_dump(exclude_unset=True, exclude={"reason"})
        if "ages" in sent:
            sent["min_age"], sent["max_age"] = sent.pop("ages")
        if "group" in sent:
            sent["group_name"] = sent.pop("group")
        return sent


class NewWeek(_Week):
    """A week of an extrascolaire activity, for one age group; booking is always open without `booking_opens_at`."""

    activity_id: UUID
    name: Name
    group: Name
    ages: Ages
    dates: Dates
    places: Places
    booking_opens_at: Moment | None = None
    residents_open_at: Moment | None = None
    booking_closes_at: Moment
    cancellation_closes_at: Moment
    hold_minutes: Minutes


class WeekChange(_Week):
    """What is sent changes, the rest stays. `reason` says why there are more `places` or fewer, and is kept."""

    name: Name = unsaid()
    group: Name = unsaid()
    ages: Ages = unsaid()
    dates: Dates = unsaid()
    places: Places = unsaid()
    reason: Annotated[str, Field(max_length=500)] | None = None
    booking_opens_at: Moment | None = None
    residents_open_at: Moment | None = None
    booking_closes_at: Moment = unsaid()
    cancellation_closes_at: Moment = unsaid()
    hold_minutes: Minutes = unsaid()


class PlaceChangeAnswer(Answer):
    """Who (`name`) gave it more places or fewer, when and why."""

    changed_at: AwareDatetime
    name: str | None
    before: int
    after: int
    reason: str


class WeekEdition(Answer):
    """A holiday week, and each change of its places, the newest first."""

    id: UUID
    activity_id: UUID
    site_id: UUID
    centre: str
    name: str
    group: str = Field(validation_alias="group_name")
    ages: tuple[int, int]
    dates: list[date]
    places: int
    taken: int
    booking_opens_at: AwareDatetime | None
    residents_open_at: AwareDatetime | None
    booking_closes_at: AwareDatetime
    cancellation_closes_at: AwareDatetime
    hold_minutes: int
    version: int
    place_changes: list[PlaceChangeAnswer] = Field(default=[])

    @classmethod
    def of(cls, edition: Edition) -> Self:
        answer = cls.model_validate(edition.week)
        answer.place_changes = [PlaceChangeAnswer.model_validate(one) for one in edition.place_changes]
        return answer


class WeekEdited(WeekEdition):
    """`touched` is of a preview alone: whose booking or waiting it is about."""

    touched: Touched | None = None

    @classmethod
    def of(cls, edition: Edition, touched: Touched | None = None) -> Self:
        answer = super().of(edition)
        answer.touched = touched
        return answer
