from collections.abc import Callable
from datetime import datetime, timedelta
from itertools import permutations
from typing import Any
from uuid import UUID

import pytest
from chassis import clock
from chassis.identifiers import new_id
from contracts import Event
from contracts.billing import CreditGranted, InvoiceCancelled, InvoiceLapsed, InvoiceOpened, InvoiceSettled


class Billing:
    """What billing would say of one booking's invoice."""

    def __init__(self, booking: dict[str, Any]) -> None:
        self.facts = {
            "invoice_id": new_id(),
            "booking_id": UUID(booking["id"]),
            "booking_version": booking["version"],
            "dossier_id": UUID(booking["dossier_id"]),
            "amount_cents": 4836,
            "payable_until": clock.now() + timedelta(minutes=20),
        }
        self.opened = InvoiceOpened(**self.facts, version=1, status="to_pay", number=None)
        self.settled = InvoiceSettled(**self.facts, version=2, status="settled", number="2026-000001")
        self.lapsed = InvoiceLapsed(**self.facts, version=2, status="lapsed", number=None)
        self.cancelled = InvoiceCancelled(**self.facts, version=2, status="cancelled", number=None)
        self.credit = CreditGranted(
            credit_id=new_id(),
            dossier_id=self.facts["dossier_id"],
            amount_cents=4836,
            booking_id=self.facts["booking_id"],
        )


class Case:
    """A confirmed booking of one child in one week."""

    def __init__(self, town: Any, dossier_id: UUID, child_id: UUID, week_id: UUID, booking: dict[str, Any]) -> None:
        self.town, self.dossier_id, self.child_id, self.week_id = town, dossier_id, child_id, week_id
        self.id, self.billing = booking["id"], Billing(booking)

    @classmethod
    async def make(cls, town: Any, **week: Any) -> "Case":
        dossier_id, (ines,) = await town.family(9)
        week_id = await town.week(**week)
        return cls(town, dossier_id, ines, week_id, await town.confirmed(dossier_id, (ines, week_id)))

    async def hear(self, *events: Event) -> None:
        for event in events:
            await self.town.hear(event)

    async def booking(self) -> dict[str, Any]:
        return dict(await self.town.booking(self.dossier_id, self.id))

    async def titles(self) -> list[str]:
        return [notice.title for notice in await self.town.published("notice_written")]


@pytest.fixture
async def case(town: Any) -> Case:
    return await Case.make(town, places=1)


async def test_an_opened_invoice_appears_on_the_booking(case: Case) -> None:
    await case.hear(case.billing.opened)
    booking = await case.booking()
    assert (booking["status"], booking["amount_cents"], booking["invoice_number"]) == ("confirmed", 4836, None)
    assert booking["invoice_id"] == str(case.billing.facts["invoice_id"])
    assert datetime.fromisoformat(booking["payable_until"]) == case.billing.facts["payable_until"]


@pytest.mark.parametrize("order", list(permutations(("opened", "settled", "settled"))))
async def test_a_settled_invoice_makes_it_paid_in_every_order(case: Case, order: tuple[str, ...]) -> None:
    await case.hear(*(getattr(case.billing, name) for name in order))
    booking = await case.booking()
    assert (booking["status"], booking["invoice_number"], booking["amount_cents"]) == ("paid", "2026-000001", 4836)
    (event,) = await case.town.published("booking_paid")
    assert (event.status, event.version, str(event.booking_id)) == ("paid", 3, case.id)
    assert await case.town.taken(case.week_id) == [1]


@pytest.mark.parametrize("order", list(permutations(("opened", "lapsed"))))
async def test_a_lapsed_invoice_expires_it_frees_its_places_and_tells_the_family(
    case: Case, order: tuple[str, ...]
) -> None:
    await case.hear(*(getattr(case.billing, name) for name in order))
    assert (await case.booking())["status"] == "expired"
    assert await case.town.taken(case.week_id) == [0]
    (event,) = await case.town.published("booking_expired")
    assert (event.status, event.version) == ("expired", 3)
    (notice,) = await case.town.published("notice_written")
    assert (notice.dossier_id, notice.title) == (case.dossier_id, "Votre réservation a expiré")
    assert "Inès : Vacances d'essai, semaine 0 (Accueil de loisirs La Bièvre)" in notice.paragraphs[0]
    status, problem = await case.town.confirm(case.dossier_id, case.id)
    assert (status, problem["type"]) == (409, "urn:problem:enrolment:not-held")
    status, problem = await case.town.call("DELETE", f"/v1/bookings/{case.id}", case.dossier_id)
    assert (status, problem["type"]) == (409, "urn:problem:enrolment:already-expired")


async def test_a_cancelled_invoice_changes_no_state(case: Case) -> None:
    await case.hear(case.billing.opened, case.billing.cancelled)
    assert (await case.booking())["status"] == "confirmed"


async def test_a_cancelled_booking_stays_cancelled_whatever_billing_says(case: Case) -> None:
    await case.town.call("DELETE", f"/v1/bookings/{case.id}", case.dossier_id)
    await case.hear(case.billing.opened, case.billing.settled, case.billing.lapsed)
    assert (await case.booking())["status"] == "cancelled"
    assert await case.town.published("booking_paid", "booking_expired") == []


@pytest.mark.parametrize(("days_left", "refundable"), [(1, True), (-1, False)])
async def test_a_paid_booking_is_refundable_until_the_cancellation_deadline(
    town: Any, days_left: int, refundable: bool
) -> None:
    case = await Case.make(town, cancellation_closes_at=clock.now() + timedelta(days=days_left))
    await case.hear(case.billing.settled)
    assert (await town.call("DELETE", f"/v1/bookings/{case.id}", case.dossier_id))[0] == 204
    (event,) = await town.published("booking_cancelled")
    assert (event.refundable, event.version) == (refundable, 4)
    assert await town.taken(case.week_id) == [0]


@pytest.mark.parametrize("order", list(permutations(("opened", "lapsed", "credit"))))
async def test_late_money_revives_it_where_places_are_left_in_every_order(case: Case, order: tuple[str, ...]) -> None:
    before = await case.booking()
    await case.hear(*(getattr(case.billing, name) for name in order))
    after = await case.booking()
    assert after == before | {"version": 4}
    assert await case.town.taken(case.week_id) == [1]
    first, expired, revived = await case.town.published("booking_confirmed", "booking_expired")
    assert (expired.version, revived.version) == (3, 4)
    assert revived == first.model_copy(update={"version": 4})

    old, case.billing = case.billing, Billing(after)
    await case.hear(old.lapsed, old.opened, case.billing.opened, old.lapsed)
    assert (await case.booking())["invoice_id"] == str(case.billing.facts["invoice_id"])
    await case.hear(case.billing.settled, old.credit)
    assert (await case.booking())["status"] == "paid"
    assert [event.version for event in await case.town.published("booking_paid")] == [5]


@pytest.mark.parametrize("order", list(permutations(("opened", "lapsed", "credit"))))
async def test_a_revived_booking_that_lapses_again_is_not_revived_by_the_same_money(
    case: Case, order: tuple[str, ...]
) -> None:
    await case.hear(*(getattr(case.billing, name) for name in order))
    second = Billing(await case.booking())
    await case.hear(second.opened, second.lapsed, case.billing.credit)
    assert (await case.booking())["status"] == "expired"
    assert await case.town.taken(case.week_id) == [0]


async def test_late_money_without_places_stays_credit_and_family_and_desk_are_told(case: Case) -> None:
    await case.hear(case.billing.opened, case.billing.lapsed)
    other, (lea,) = await case.town.family(9)
    await case.town.held(other, (lea, case.week_id))
    await case.hear(case.billing.credit, case.billing.credit)
    assert (await case.booking())["status"] == "expired"
    assert await case.town.taken(case.week_id) == [1]
    _, family, desk = await case.town.published("notice_written")
    assert (family.dossier_id, family.desk) == (case.dossier_id, False)
    assert "48,36 €" in family.paragraphs[0].replace("\xa0", " ")
    assert (desk.dossier_id, desk.desk) == (None, True)
    assert "100042" in desk.title


async def test_late_money_before_the_lapse_ends_the_same_once_the_week_has_begun(
    case: Case, hours_later: Callable[[float], None]
) -> None:
    await case.hear(case.billing.credit)
    hours_later(24 * 120)
    await case.hear(case.billing.lapsed)
    assert (await case.booking())["status"] == "expired"
    assert await case.town.taken(case.week_id) == [0]
    assert [title.split(" : ")[0] for title in await case.titles()] == ["Paiement reçu trop tard", "Dossier 100042"]


async def test_a_child_booked_elsewhere_meanwhile_is_not_booked_twice(case: Case) -> None:
    await case.hear(case.billing.lapsed)
    elsewhere = await case.town.week(centre="Le Moulin")
    await case.town.held(case.dossier_id, (case.child_id, elsewhere))
    await case.hear(case.billing.credit)
    assert (await case.booking())["status"] == "expired"
    assert await case.town.taken(case.week_id, elsewhere) == [0, 1]
    assert len(await case.titles()) == 3


async def test_siblings_are_revived_together_or_not_at_all(town: Any) -> None:
    dossier_id, (ines, tom) = await town.family(9, 5)
    big, small = await town.week(places=1), await town.week(ages=(3, 5), places=1)
    booking = await town.confirmed(dossier_id, (ines, big), (tom, small))
    billing = Billing(booking)
    await town.hear(billing.lapsed)
    other, (leo,) = await town.family(5)
    await town.held(other, (leo, small))
    await town.hear(billing.credit)
    assert (await town.booking(dossier_id, booking["id"]))["status"] == "expired"
    assert await town.taken(big, small) == [0, 1]


async def test_a_week_that_has_begun_is_not_revived(case: Case, hours_later: Callable[[float], None]) -> None:
    await case.hear(case.billing.lapsed)
    hours_later(24 * 120)
    await case.hear(case.billing.credit)
    assert (await case.booking())["status"] == "expired"
    assert len(await case.titles()) == 3


async def test_money_for_a_cancelled_booking_is_only_told_as_credit(case: Case) -> None:
    await case.town.call("DELETE", f"/v1/bookings/{case.id}", case.dossier_id)
    await case.hear(case.billing.credit, case.billing.credit)
    assert (await case.booking())["status"] == "cancelled"
    (title,) = await case.titles()
    assert "réservation annulée" in title


async def test_credit_of_no_booking_or_of_another_family_changes_nothing(case: Case) -> None:
    await case.hear(
        case.billing.lapsed,
        case.billing.credit.model_copy(update={"booking_id": None}),
        case.billing.credit.model_copy(update={"dossier_id": new_id()}),
        case.billing.credit.model_copy(update={"booking_id": new_id()}),
    )
    assert (await case.booking())["status"] == "expired"
    assert len(await case.titles()) == 1
