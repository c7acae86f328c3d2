"""What the waiting list takes and gives over HTTP."""

from datetime import date
from typing import Any
from uuid import UUID

from chassis.bodies import Answer, RequestBody
from pydantic import AliasPath, AwareDatetime, Field

from enrolment.catalogue.schemas import Moment
from enrolment.waiting_list.entries import WaitingWish
from enrolment.waiting_list.rules import WaitingStatus


class PlaceWish(RequestBody):
    child_id: UUID
    holiday_week_id: UUID


class WaitingRequest(PlaceWish):
    """`together` are places for siblings without which this one is of no use: offered all or none.

    `dossier_id` is for agents alone.
    """

    together: list[PlaceWish] = Field(default_factory=list, max_length=9)
    dossier_id: UUID | None = None

    def wishes(self) -> list[WaitingWish]:
        pointers = ("", *(f"/together/{n}" for n in range(len(self.together))))
        wishes = zip(pointers, (self, *self.together), strict=True)
        return [WaitingWish(pointer, one.child_id, one.holiday_week_id) for pointer, one in wishes]


class Acceptance(RequestBody):
    """`pay_by`, until when the family may pay, is for agents alone; a family sends nothing."""

    pay_by: Moment | None = None


def _of_the_entry(*names: str) -> Any:
    return Field(validation_alias=AliasPath("entry", *names))


class CriterionAnswer(Answer):
    """A criterion of the town: its `points` where it is `met`, else none."""

    code: str
    explanation: str
    met: bool
    points: int


class WaitingAnswer(Answer):
    """A child that waits for a place in a week. Those of one `group_id` wait together.

    `rank`, from 1, is told while it waits; `points` and `criteria` are those of now, once it was offered those of then.
    The offer ends at `offer_expires_at`; `booking_id` is what accepting it made; `reason` says why it was closed.
    """

    id: UUID = _of_the_entry("id")
    group_id: UUID = _of_the_entry("group_id")
    status: WaitingStatus = _of_the_entry("status")
    dossier_id: UUID = _of_the_entry("dossier_id")
    child_id: UUID = _of_the_entry("child_id")
    holiday_week_id: UUID = _of_the_entry("holiday_week_id")
    centre: str = _of_the_entry("week", "centre")
    name: str = _of_the_entry("week", "name")
    group: str = _of_the_entry("week", "group_name")
    dates: list[date] = _of_the_entry("week", "dates")
    joined_at: AwareDatetime = _of_the_entry("joined_at")
    rank: int | None
    points: int
    criteria: list[CriterionAnswer]
    offered_at: AwareDatetime | None = _of_the_entry("offered_at")
    offer_expires_at: AwareDatetime | None = _of_the_entry("offer_expires_at")
    booking_id: UUID | None = _of_the_entry("booking_id")
    reason: str | None = _of_the_entry("reason")
    version: int = _of_the_entry("version")
