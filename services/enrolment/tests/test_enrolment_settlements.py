from collections.abc import Callable
from datetime import datetime
from itertools import permutations
from typing import Any
from uuid import UUID

import pytest
from chassis.identifiers import new_id
from contracts import Event


class Case:
    """A confirmed booking of one child in one week."""

    def __init__(self, town: Any, dossier_id: UUID, child_id: UUID, week_id: UUID, booking: dict[str, Any]) -> None:
        self.town, self.dossier_id, self.child_id, self.week_id = town, dossier_id, child_id, week_id
        self.id, self.billing = booking["id"], town.billing(booking)

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
    assert [line["amount_cents"] for line in booking["lines"]] == [4836]
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


@pytest.mark.parametrize("order", list(permutations(("opened", "lapsed", "credit"))))
async def test_late_money_revives_it_where_places_are_left_in_every_order(case: Case, order: tuple[str, ...]) -> None:
    before = await case.booking()
    await case.hear(*(getattr(case.billing, name) for name in order))
    after = await case.booking()
    assert after == before | {"version": 4}
    assert await case.town.taken(case.week_id) == [1]
    first, expired, revived = await case.town.published("booking_confirmed", "booking_expired")
    assert (expired.version, revived.version) == (3, 4)
    assert revived == first.model_copy(update={"version": 4, "confirmed_version": 4})

    old, case.billing = case.billing, case.town.billing(after)
    await case.hear(old.lapsed, old.opened, case.billing.opened, old.lapsed)
    assert (await case.booking())["invoice_id"] == str(case.billing.facts["invoice_id"])
    await case.hear(case.billing.settled, old.credit)
    assert (await case.booking())["status"] == "paid"
    assert [event.version for event in await case.town.published("booking_paid")] == [5]
    assert "Second paiement reçu : la somme est gardée en crédit" not in await case.titles()


@pytest.mark.parametrize("order", list(permutations(("opened", "lapsed", "credit"))))
async def test_a_revived_booking_that_lapses_again_is_not_revived_by_the_same_money(
    case: Case, order: tuple[str, ...]
) -> None:
    await case.hear(*(getattr(case.billing, name) for name in order))
    second = case.town.billing(await case.booking())
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
    assert (desk.dossier_id, desk.desk) == (case.dossier_id, True)
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
    billing = town.billing(booking)
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


async def three_lines(town: Any) -> tuple[UUID, list[UUID], dict[str, Any]]:
    """A confirmed booking of three weeks, the first of which was cancelled since."""
    dossier_id, (ines,) = await town.family(9)
    weeks = [await town.week(after=after) for after in range(3)]
    booking = await town.confirmed(dossier_id, *((ines, week) for week in weeks))
    await town.cancel(dossier_id, booking["id"], 0)
    return dossier_id, weeks, booking


async def test_every_order_and_repetition_of_corrected_invoices_has_one_end(town: Any) -> None:
    """Billing may correct the open invoice, or put another one in its place: the newer one counts."""
    ends = []
    for corrected in (True, False):
        for order in permutations(range(4)):
            dossier_id, weeks, booking = await three_lines(town)
            first = town.billing(booking)
            second = first if corrected else town.billing(booking | {"version": 3})
            left = {"amount_cents": 2 * 4836, "lines": first.facts["lines"][1:]}
            news = [
                first.opened,
                second.opened.model_copy(update=left | {"version": 2}) if corrected else first.cancelled,
                second.opened.model_copy(update=left | {"version": 3}),
                second.settled.model_copy(update=left | {"version": 4}),
            ]
            for one in order:
                await town.hear(news[one], news[order[0]], news[one])
            found = await town.booking(dossier_id, booking["id"])
            assert found["invoice_id"] == str(second.facts["invoice_id"])
            ends.append(
                (
                    *(found[name] for name in ("status", "version", "amount_cents", "invoice_number")),
                    *((line["status"], line["amount_cents"]) for line in found["lines"]),
                    *await town.taken(*weeks),
                )
            )
    cancelled, active = ("cancelled", None), ("active", 4836)
    assert set(ends) == {("paid", 4, 9672, "2026-000001", cancelled, active, active, 0, 1, 1)}


async def test_every_order_and_repetition_of_late_money_revives_the_lines_that_stand(town: Any) -> None:
    for order in permutations(("lapsed", "credit", "second_credit")):
        dossier_id, weeks, booking = await three_lines(town)
        billing = town.billing(booking)
        heard: list[Event] = []
        for name in order:
            heard.append(getattr(billing, name))
            await town.hear(*heard)  # and all that came before once more
        revived = await town.booking(dossier_id, booking["id"])
        assert (revived["status"], revived["version"], revived["amount_cents"]) == ("confirmed", 5, None), order
        assert [line["status"] for line in revived["lines"]] == ["cancelled", "active", "active"]
        assert await town.taken(*weeks) == [0, 1, 1]
        again = (await town.published("booking_confirmed"))[-1]
        assert [line.status for line in again.lines] == ["cancelled", "active", "active"]
        await town.hear(town.billing(revived).settled, *heard)
        assert (await town.booking(dossier_id, booking["id"]))["status"] == "paid"
        told = [one for one in await town.published("notice_written") if one.dossier_id == dossier_id]
        assert [one.title for one in told if "Second" in one.title] == [
            "Second paiement reçu : la somme est gardée en crédit"
        ]
        assert "48,36 €" in told[-1].paragraphs[0].replace("\xa0", " ")


async def test_a_second_late_payment_heard_after_the_booking_is_paid_again_is_told_at_once(case: Case) -> None:
    await case.hear(case.billing.lapsed, case.billing.credit)
    await case.hear(case.town.billing(await case.booking()).settled)
    await case.hear(case.billing.second_credit, case.billing.second_credit, case.billing.credit)
    assert (await case.titles())[1:] == ["Second paiement reçu : la somme est gardée en crédit"]
    assert (await case.booking())["status"] == "paid"


async def test_each_of_two_late_payments_is_told_where_it_revives_nothing(
    case: Case, hours_later: Callable[[float], None]
) -> None:
    await case.hear(case.billing.credit, case.billing.second_credit)
    hours_later(24 * 120)
    await case.hear(case.billing.lapsed)
    assert (await case.booking())["status"] == "expired"
    assert len([title for title in await case.titles() if title.startswith("Paiement reçu trop tard")]) == 2
