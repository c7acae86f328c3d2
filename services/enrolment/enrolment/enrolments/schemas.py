"""What enrolments take and give over HTTP."""

from collections import Counter
from datetime import date
from typing import Annotated, Literal, Self
from uuid import UUID

from chassis.bodies import Answer, RequestBody
from chassis.fields import Day, Reason, Shape
from chassis.problems import FieldError, Problem
from contracts.enrolment import Weekday
from contracts.planning import RefusedDay
from pydantic import AfterValidator, AliasPath, AwareDatetime, ConfigDict, Field

from enrolment.catalogue.rules import Why
from enrolment.catalogue.schemas import each_once
from enrolment.enrolments.enrolling import Wish
from enrolment.enrolments.models import Enrolment
from enrolment.enrolments.rollovers import Rollover
from enrolment.enrolments.rules import EnrolmentStatus
from enrolment.enrolments.usual_weeks import WeekWish

Weekdays = Annotated[list[Weekday], AfterValidator(each_once), Field(min_length=1)]


class WeekRequest(RequestBody):
    """These weekdays from the first to the last day, both included; without: from now on, until the enrolment's end."""

    days: Weekdays
    first: Day | None = Field(None, alias="from")
    last: Day | None = Field(None, alias="to")

    def wish(self) -> WeekWish:
        return WeekWish(tuple(self.days), self.first, self.last)


class ForFamily(RequestBody):
    """What an agent adds: the dossier, and why a rule is passed over."""

    dossier_id: UUID | None = None
    override_reason: Reason | None = None


class UsualWeekRequest(WeekRequest, ForFamily):
    first: Day = Field(alias="from")
    last: Day = Field(alias="to")


class ChildRequest(RequestBody):
    """One child in one activity; `from` is the first day, without it as soon as may be."""

    child_id: UUID
    activity_id: UUID
    usual_week: WeekRequest | None = None
    first: Day | None = Field(None, alias="from")

    def wish(self) -> Wish:
        week = self.usual_week.wish() if self.usual_week else None
        return Wish(self.child_id, self.activity_id, week, self.first)


class EnrolmentRequest(ChildRequest, ForFamily):
    pass


def _each_child_once(enrolments: list[ChildRequest]) -> list[ChildRequest]:
    each_once([(one.child_id, one.activity_id) for one in enrolments])
    return enrolments


class BatchRequest(ForFamily):
    """A child may stand in it more than once, with another activity each time."""

    enrolments: Annotated[list[ChildRequest], AfterValidator(_each_child_once), Field(min_length=1, max_length=20)]

    def wishes(self) -> list[Wish]:
        return [one.wish() for one in self.enrolments]


class UsualWeekAnswer(Answer):
    """The last one asked for; `pending` until planning has answered with `applied`."""

    model_config = ConfigDict(serialize_by_alias=True)

    number: int
    days: list[Weekday]
    first: date = Field(validation_alias="valid_from", serialization_alias="from")
    last: date = Field(validation_alias="valid_to", serialization_alias="to")
    asked_at: AwareDatetime
    status: Literal["pending", "applied"]


class AppliedAnswer(Answer):
    """What planning made of the enrolment at that version: `still_due` were given up too late, and stay reserved."""

    version: int
    reserved: list[date]
    refused: list[RefusedDay]
    cancelled: list[date]
    still_due: list[date]


class EnrolmentAnswer(Answer):
    """From the first to the last day, both included; `pending` until planning has answered this version of it.

    `applied` is planning's newest answer; `override_reason` is why the desk passed over a rule when it enrolled.
    """

    id: UUID
    status: EnrolmentStatus
    dossier_id: UUID
    child_id: UUID
    activity_id: UUID
    site_id: UUID | None
    school_year: str
    valid_from: date
    valid_to: date
    pending: bool
    usual_week: UsualWeekAnswer | None = None
    applied: AppliedAnswer | None
    override_reason: str | None = Field(validation_alias=AliasPath("created_by", "reason"))
    created_at: AwareDatetime
    withdrawn_at: AwareDatetime | None
    version: int

    @classmethod
    def of(cls, enrolment: Enrolment) -> Self:
        answer = cls.model_validate(enrolment)
        if enrolment.usual_weeks:
            last = enrolment.usual_weeks[-1].model_dump()
            answer.usual_week = UsualWeekAnswer(**last, status="pending" if enrolment.pending else "applied")
        return answer


class Refusal(Answer):
    """Why one child could not be enrolled, as its own request would have been told."""

    type: str
    title: str
    status: int
    detail: str
    errors: list[FieldError]


class ResultAnswer(Answer):
    """One child's in one activity: its enrolment, or the problem."""

    child_id: UUID
    activity_id: UUID
    enrolment: EnrolmentAnswer | None = None
    problem: Refusal | None = None

    @classmethod
    def of(cls, wish: Wish, outcome: Enrolment | Problem) -> Self:
        answer = cls(child_id=wish.child_id, activity_id=wish.activity_id)
        if isinstance(outcome, Problem):
            answer.problem = Refusal.model_validate(outcome)
        else:
            answer.enrolment = EnrolmentAnswer.of(outcome)
        return answer


class BatchAnswer(Answer):
    """In the order of the request."""

    results: list[ResultAnswer]


class RolloverRequest(RequestBody):
    """Into that school year; `usual_weeks`: those that last until the end of the one before go on."""

    school_year: Annotated[
        str, Shape("^20[0-9]{2}-20[0-9]{2}$", "Une année scolaire s'écrit par exemple « 2026-2027 ».")
    ]
    usual_weeks: bool = False


class ActivityRollover(Answer):
    """How many children are enrolled anew, were so before, or cannot be."""

    activity_id: UUID
    name: str
    enrolled: int
    already: int
    refused: int


class RefusedRenewal(Answer):
    child_id: UUID
    first_name: str
    dossier_id: UUID
    activity_id: UUID
    reason_code: Why
    reason: str


class RolloverAnswer(Answer):
    """What has come of last year's enrolments, or would where it is a `preview`."""

    school_year: str
    preview: bool
    activities: list[ActivityRollover]
    refused: list[RefusedRenewal]

    @classmethod
    def of(cls, rollover: Rollover, *, preview: bool) -> Self:
        refused = rollover.refused
        enrolled = Counter(one.activity_id for one in rollover.enrolments)
        not_so = Counter(renewal.activity.id for renewal, _ in refused)
        return cls(
            school_year=rollover.school_year,
            preview=preview,
            activities=[
                ActivityRollover(
                    activity_id=one.id,
                    name=one.name,
                    enrolled=enrolled[one.id],
                    already=rollover.already[one.id],
                    refused=not_so[one.id],
                )
                for one in rollover.activities
            ],
            refused=[
                RefusedRenewal(
                    child_id=renewal.child.id,
                    first_name=renewal.child.first_name,
                    dossier_id=renewal.dossier_id,
                    activity_id=renewal.activity.id,
                    reason_code=why.why,
                    reason=why.detail,
                )
                for renewal, why in refused
            ],
        )
