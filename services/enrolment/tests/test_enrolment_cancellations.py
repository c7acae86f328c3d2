"""Cancelling whole or line by line: what leaves, what stays, what is given back, and who is told."""

from collections.abc import Callable
from datetime import timedelta
from typing import Any
from uuid import UUID

import pytest
from chassis import clock
from chassis.identifiers import new_id

IN_TIME, LATE = timedelta(days=60), -timedelta(days=1)


class Case:
    """A booking of Inès in two weeks, the first one soon (`autumn`), the second one eight weeks later (`christmas`)."""

    def __init__(self, town: Any) -> None:
        self.town = town

    async def make(self, state: str, *, autumn: timedelta = IN_TIME, christmas: timedelta = IN_TIME) -> "Case":
        """In that state, each week with so much time left until its cancellation deadline."""
        now = clock.now()
        self.dossier_id, (self.ines,) = await self.town.family(9)
        self.autumn = await self.town.week(cancellation_closes_at=now + autumn)
        self.christmas = await self.town.week(after=8, cancellation_closes_at=now + christmas)
        booking = await (self.town.held if state == "held" else self.town.confirmed)(
            self.dossier_id, (self.ines, self.autumn), (self.ines, self.christmas)
        )
        self.id, self.billing = booking["id"], self.town.billing(booking)
        if state == "paid":
            await self.town.hear(self.billing.settled)
        return self

    async def cancel(self, position: int | None = None, whose: UUID | None = None) -> tuple[int, Any]:
        status, answer = await self.town.cancel(whose or self.dossier_id, self.id, position)
        return status, answer

    async def booking(self) -> dict[str, Any]:
        return dict(await self.town.booking(self.dossier_id, self.id))

    async def taken(self) -> list[int]:
        return list(await self.town.taken(self.autumn, self.christmas))


@pytest.fixture
def case(town: Any) -> Case:
    return Case(town)


def lines(booking: dict[str, Any], *names: str) -> list[tuple[Any, ...]]:
    return [tuple(line[name] for name in names) for line in booking["lines"]]


@pytest.mark.parametrize("state", ["held", "confirmed", "paid"])
async def test_cancelling_the_whole_twice_is_cancelling_it_once(state: str, case: Case) -> None:
    await case.make(state)
    status, first = await case.cancel()
    assert (status, first["status"], first["reason"]) == (200, "cancelled", "Annulée par la famille.")
    assert lines(first, "position", "status") == [(0, "cancelled"), (1, "cancelled")]
    assert await case.cancel() == (200, first)
    assert await case.cancel(1) == (200, first)
    assert await case.booking() == first
    assert await case.taken() == [0, 0]
    told = await case.town.published("booking_cancelled", "booking_changed")
    assert [one.type for one in told] == ([] if state == "held" else ["enrolment.booking_cancelled"])
    status, problem = await case.town.confirm(case.dossier_id, case.id)
    assert (status, problem["type"]) == (409, "urn:problem:enrolment:not-held")
    await case.town.held(case.dossier_id, (case.ines, case.autumn), (case.ines, case.christmas))


async def test_a_line_of_a_hold_is_given_up_and_the_rest_is_confirmed_without_it(case: Case) -> None:
    await case.make("held")
    status, booking = await case.cancel(0)
    assert (status, booking["status"]) == (200, "held")
    assert lines(booking, "status", "refundable") == [("cancelled", False), ("active", False)]
    assert "rien à payer" in booking["lines"][0]["reason"]
    assert await case.cancel(0) == (200, booking)
    assert await case.taken() == [0, 1]
    assert await case.town.published() == []  # what is only held is nobody else's affair
    status, booking = await case.town.confirm(case.dossier_id, case.id)
    assert (status, lines(booking, "position", "status")) == (202, [(1, "active")])
    (event,) = await case.town.published()
    assert [(line.position, line.status) for line in event.lines] == [(1, "active")]
    assert (await case.booking()) == booking
    assert (await case.cancel(0))[0] == 404
    assert await case.taken() == [0, 1]


async def test_the_last_line_cancelled_cancels_the_booking(case: Case) -> None:
    await case.make("paid")
    status, booking = await case.cancel(1)
    assert (status, booking["status"], booking["reason"]) == (200, "paid", None)
    assert await case.taken() == [1, 0]
    status, booking = await case.cancel(0)
    assert (status, booking["status"], booking["reason"]) == (200, "cancelled", "Annulée par la famille.")
    assert await case.taken() == [0, 0]
    changed, cancelled = await case.town.published("booking_changed", "booking_cancelled")
    assert (changed.status, changed.version, changed.reason) == ("paid", 4, "Annulée par la famille.")
    assert [(line.position, line.status, line.refundable) for line in changed.lines] == [
        (0, "active", False),
        (1, "cancelled", True),
    ]
    assert (cancelled.status, cancelled.version) == ("cancelled", 5)
    assert [(line.status, line.refundable) for line in cancelled.lines] == [("cancelled", True)] * 2


async def test_each_line_is_given_back_by_its_own_deadline(case: Case) -> None:
    await case.make("paid", autumn=LATE)
    status, booking = await case.cancel()
    assert (status, booking["status"]) == (200, "cancelled")
    assert lines(booking, "refundable", "amount_cents") == [(False, 4836), (True, 4836)]
    late, in_time = (line["reason"] for line in booking["lines"])
    assert late.startswith("Annulée après le délai, clos depuis le ")
    assert in_time.startswith("Annulée dans le délai, ouvert jusqu'au ")
    (event,) = await case.town.published("booking_cancelled")
    assert [line.refundable for line in event.lines] == [False, True]
    assert await case.taken() == [0, 0]


async def test_what_is_not_paid_yet_is_never_due_however_late(case: Case) -> None:
    await case.make("confirmed", autumn=LATE)
    _, booking = await case.cancel(0)
    assert lines(booking, "status", "refundable") == [("cancelled", True), ("active", False)]
    (event,) = await case.town.published("booking_changed")
    assert (event.status, event.version, event.confirmed_version) == ("confirmed", 3, 2)
    assert await case.taken() == [0, 1]


async def test_a_week_that_has_begun_stays_and_the_other_one_leaves(
    case: Case, hours_later: Callable[[float], None]
) -> None:
    await case.make("paid", christmas=timedelta(days=110))
    hours_later(24 * 101)
    status, problem = await case.cancel(0)
    assert (status, problem["type"]) == (409, "urn:problem:enrolment:week-begun")
    assert [(one["pointer"], one["detail"]) for one in problem["errors"]] == [
        ("/lines/0", "Cette semaine a commencé : elle ne peut plus être annulée.")
    ]
    status, booking = await case.cancel()
    assert (status, booking["status"]) == (200, "paid")
    assert lines(booking, "status", "refundable") == [("active", False), ("cancelled", True)]
    assert booking["lines"][0]["reason"] == "Cette semaine a commencé : elle ne peut plus être annulée."
    assert await case.cancel() == (200, booking)
    assert await case.taken() == [1, 0]
    assert [one.type for one in await case.town.published("booking_changed", "booking_cancelled")] == [
        "enrolment.booking_changed"
    ]


@pytest.mark.parametrize("state", ["confirmed", "paid"])
async def test_where_all_has_begun_nothing_is_cancelled(
    state: str, case: Case, hours_later: Callable[[float], None]
) -> None:
    await case.make(state)
    before = await case.booking()
    hours_later(24 * 170)
    status, problem = await case.cancel()
    assert (status, problem["type"]) == (409, "urn:problem:enrolment:week-begun")
    assert [one["pointer"] for one in problem["errors"]] == ["/lines/0", "/lines/1"]
    assert (await case.booking())["version"] == before["version"]
    assert await case.taken() == [1, 1]


async def test_an_expired_booking_has_nothing_to_cancel(case: Case) -> None:
    await case.make("confirmed")
    await case.town.hear(case.billing.lapsed)
    for position in (None, 0):
        status, problem = await case.cancel(position)
        assert (status, problem["type"]) == (409, "urn:problem:enrolment:already-expired")


async def test_only_the_family_and_the_desk_cancel_and_only_lines_that_are_there(case: Case) -> None:
    await case.make("confirmed")
    stranger, _ = await case.town.family(9)
    for position in (None, 0):
        assert (await case.cancel(position, stranger))[0] == 404
    for nowhere in (2, -1, 10**30):
        assert (await case.cancel(nowhere))[0] == 404
    assert (await case.town.call("DELETE", f"/v1/bookings/{case.id}/lines/first", case.dossier_id))[0] == 422
    assert await case.taken() == [1, 1]
    status, _ = await case.town.cancel(None, case.id, 0)
    assert status == 200
    assert await case.taken() == [0, 1]
    (event,) = await case.town.published("booking_changed")
    assert event.reason == "Annulée par le guichet."


async def test_the_family_is_told_what_the_desk_cancels_once_and_on_which_terms(case: Case) -> None:
    await case.make("paid", autumn=LATE)
    for _ in range(2):
        assert (await case.town.cancel(None, case.id, 0))[0] == 200
    (notice,) = await case.town.published("notice_written")
    assert (notice.dossier_id, notice.link) == (case.dossier_id, f"/reservations/{case.id}")
    cancelled, _ = notice.paragraphs
    assert cancelled.startswith("Inès : Vacances d'essai, semaine 0 (Accueil de loisirs La Bièvre). Annulée après le ")
    await case.cancel()  # by the family itself: it knows
    await case.make("held")
    assert (await case.town.cancel(None, case.id))[0] == 200  # nothing was promised yet
    assert len(await case.town.published("notice_written")) == 1


async def test_what_cannot_be_billed_is_cancelled_and_family_and_desk_are_told(case: Case) -> None:
    await case.make("confirmed")
    for _ in range(2):
        await case.town.hear(case.billing.refused)
    booking = await case.booking()
    assert (booking["status"], booking["reason"]) == ("cancelled", "Aucun tarif n'est enregistré.")
    assert {line["reason"] for line in booking["lines"]} == {"Aucun tarif n'est enregistré."}
    assert await case.taken() == [0, 0]
    (event,) = await case.town.published("booking_cancelled")
    assert (event.version, [line.status for line in event.lines]) == (3, ["cancelled", "cancelled"])
    family, desk = await case.town.published("notice_written")
    assert {family.dossier_id, desk.dossier_id} == {case.dossier_id}
    assert (family.desk, desk.desk) == (False, True)
    assert "100042" in desk.title
    for notice in (family, desk):
        assert "Inès : Vacances d'essai, semaine 0" in notice.paragraphs[0]
        assert "Aucun tarif n'est enregistré." in notice.paragraphs[1]


async def test_a_refusal_of_another_version_or_booking_is_void(case: Case) -> None:
    await case.make("confirmed")
    await case.cancel(0)  # billing has more to say of what is left
    await case.town.hear(case.billing.refused, case.billing.refused.model_copy(update={"booking_id": new_id()}))
    assert (await case.booking())["status"] == "confirmed"
    assert await case.taken() == [0, 1]
    await case.town.hear(case.billing.refused.model_copy(update={"version": 3}))
    assert (await case.booking())["status"] == "cancelled"


async def test_a_paid_booking_is_not_cancelled_by_a_refusal(case: Case) -> None:
    await case.make("paid")
    await case.town.hear(case.billing.refused, case.billing.refused.model_copy(update={"version": 3}))
    assert (await case.booking())["status"] == "paid"
    assert await case.town.published("notice_written") == []


async def test_late_money_that_waits_for_its_lapse_is_told_as_credit_when_the_booking_is_cancelled(case: Case) -> None:
    await case.make("confirmed")
    await case.town.hear(case.billing.credit)
    await case.cancel()
    (notice,) = await case.town.published("notice_written")
    assert "réservation annulée" in notice.title
    await case.town.hear(case.billing.lapsed, case.billing.credit)
    assert (await case.booking())["status"] == "cancelled"
    assert len(await case.town.published("notice_written")) == 1
