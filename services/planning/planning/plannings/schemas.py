"""What planning takes and answers of a family's month."""

import datetime
from collections.abc import Iterable
from typing import Annotated
from uuid import UUID

from chassis.bodies import Answer, RequestBody
from chassis.editing import etag
from french.calendar import DAY
from pydantic import AfterValidator, AwareDatetime, Field

from planning.deadlines.rules import Day
from planning.plannings.history import By
from planning.plannings.rules import Draft, DraftedDay, Row
from planning.reservations.changing import Done
from planning.reservations.schemas import Changes, MonthChanges


class PlanningAnswer(Answer):
    """`month` is YYYY-MM, `version` what its ETag says; a row has a cell for each day, in order. The draft is the
    caller's own.
    """

    month: Annotated[str, Field(pattern="^[0-9]{4}-[0-9]{2}$")]
    version: int
    rows: list[Row]
    draft: Draft | None


class DraftAnswer(Answer):
    """A guardian's draft of a month."""

    month: str
    kept_at: AwareDatetime
    changes: list[DraftedDay]


class Validation(MonthChanges):
    """Without `changes` it is the guardian's draft of the month that is validated.

    `attempt_id` is that of a refusal: what is asked again of it is judged by its moment, for ten minutes.

    `dossier_id` and `override_reason` are for agents alone: with a reason, which is kept, deadlines do not count.
    """

    changes: Annotated[Changes, Field(default_factory=list)]
    attempt_id: UUID | None = None
    dossier_id: UUID | None = None
    override_reason: Annotated[str, Field(min_length=1, max_length=500)] | None = None


def _apart(to: list[datetime.date]) -> list[datetime.date]:
    if len(set(to)) < len(to):
        raise ValueError("Une semaine est donnée plus d'une fois.")
    return to


def _monday(day: datetime.date) -> datetime.date:
    return day - day.weekday() * DAY


#: Any of its days; known by its Monday.
Week = Annotated[Day, AfterValidator(_monday)]


class WeekCopy(RequestBody):
    """The week to be copied and those to be like it, each by any of its days. `dossier_id` is for agents alone."""

    child_ids: Annotated[list[UUID], Field(min_length=1, max_length=20)]
    week: Week
    to_weeks: Annotated[list[Week], Field(min_length=1, max_length=10), AfterValidator(_apart)]
    dossier_id: UUID | None = None


class ProposedDay(Answer):
    child_id: UUID
    activity_id: UUID
    date: datetime.date
    reserve: bool


class RefusedDay(ProposedDay):
    reason: str


class CopyAnswer(Answer):
    """`changes` may be kept as a draft or validated, with the month of each; `refused` cannot be, and why."""

    changes: list[ProposedDay]
    refused: list[RefusedDay]


class EntryAnswer(Answer):
    """What was changed at once of a child's days in an activity.

    `by` says who: the caller, their family, the other family of the child, the desk, or nobody: the town's planning
    followed from the `reason`, as days do when their child changes school. `name` is that of the guardian, where it was
    known, or of the agent, whose `reason` is why a rule was bypassed: neither where it was the other family's.
    """

    id: UUID
    at: AwareDatetime
    child_id: UUID
    child_first_name: str | None
    activity_id: UUID
    activity_name: str | None
    reserved: list[datetime.date]
    cancelled: list[datetime.date]
    by: By
    name: str | None
    reason: str | None


class ChangedDay(Answer):
    child_id: UUID
    child_first_name: str
    activity_id: UUID
    activity_name: str
    date: datetime.date

    @classmethod
    def of(cls, one: Done) -> "ChangedDay":
        line, change = one.line, one.change
        return cls(
            child_id=change.child_id,
            child_first_name=line.first_name,
            activity_id=change.activity_id,
            activity_name=line.activity_name,
            date=change.day,
        )


class Receipt(Answer):
    """Each day that is reserved now and was not, or the other way round; `version` and `etag` are the month's now.

    What was so before is in neither.
    """

    month: str
    added: list[ChangedDay]
    removed: list[ChangedDay]
    version: int
    etag: str

    @classmethod
    def of(cls, month: str, done: Iterable[Done], version: int) -> "Receipt":
        days = sorted(done, key=lambda one: (one.line.first_name, one.line.activity_name, one.change))
        return cls(
            month=month,
            added=[ChangedDay.of(one) for one in days if one.after],
            removed=[ChangedDay.of(one) for one in days if not one.after],
            version=version,
            etag=etag(version),
        )
