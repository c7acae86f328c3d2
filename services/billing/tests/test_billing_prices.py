"""What a month's days cost, told with each month's planning."""

from datetime import date
from typing import Any

import pytest
from billing.tariffs.models import TariffRow
from chassis.identifiers import named_id, new_id
from contracts.dossier import ChildChanged, Quotient, QuotientChanged
from contracts.enrolment import ActivityChanged
from sqlalchemy import event, insert

from services.billing.tests.billing_scene import Family, Scene, child
from tests.builders import changed, sample

CANTEEN, EVENING = named_id("activity", "cantine"), named_id("activity", "accueil-soir")


def activity(activity_id: Any, name: str, **facts: Any) -> ActivityChanged:
    return sample(ActivityChanged, **{"activity_id": activity_id, "name": name, "payment": "monthly", **facts})


@pytest.fixture
async def town(scene: Scene) -> Scene:
    """A canteen and an evening care of the demo town; its holiday weeks are paid at once."""
    await scene.hear(activity(CANTEEN, "Restauration scolaire", kind="restauration"))
    await scene.hear(activity(EVENING, "Accueil du soir", kind="periscolaire", charging="attendance"))
    return scene


async def prices(scene: Scene, query: str = "month=2026-12", **how: Any) -> list[dict[str, Any]]:
    status, answer = await scene.ask("GET", f"/prices?{query}", **how)
    assert status == 200, answer
    items: list[dict[str, Any]] = answer["items"]
    return items


async def test_each_child_and_activity_by_the_day_has_its_price_and_why(town: Scene) -> None:
    ines, tom = map(str, town.moreau.child_ids)
    found = await prices(town)
    assert [(one["child_id"], one["activity_id"]) for one in found] == [
        (ines, str(EVENING)),
        (ines, str(CANTEEN)),
        (tom, str(EVENING)),
        (tom, str(CANTEEN)),
    ]
    assert found[1] == {
        "child_id": ines,
        "activity_id": str(CANTEEN),
        "amount_cents": 441,
        "unit": "day",
        "valid_from": "2026-12-01",
        "explanation": "Repas : 0,45 % de votre quotient 980 = 4,41 € par jour (entre 1,00 € et 6,20 €).".replace(
            " %", "\N{NO-BREAK SPACE}%"
        ).replace(" €", "\N{NO-BREAK SPACE}€"),
    }
    assert [one["amount_cents"] for one in await prices(town, of=town.diallo)] == [420, 620] * 2  # both at the ceiling


async def test_a_price_that_changes_within_the_month_is_told_from_its_day(town: Scene) -> None:
    quotients = (
        Quotient(value=980, source="caf", valid_from=date(2026, 1, 1), valid_to=date(2026, 12, 9)),
        Quotient(value=500, source="municipal", valid_from=date(2026, 12, 15), valid_to=date(2099, 12, 31)),
    )
    await town.hear(sample(QuotientChanged, dossier_id=town.moreau.dossier_id, version=3, quotients=quotients))
    dearer = {"rate_percent": "1", "floor_cents": 0, "ceiling_cents": 900}
    await town.change(insert(TariffRow).values(activity_id=CANTEEN, valid_from=date(2026, 12, 20), food=dearer))
    await town.change(insert(TariffRow).values(activity_id=CANTEEN, valid_from=date(2027, 2, 1), food=dearer))
    one = f"child_id={town.moreau.child_ids[0]}"

    async def canteen(month: str) -> list[tuple[str, int]]:
        found = await prices(town, f"month={month}&{one}")
        return [(price["valid_from"], price["amount_cents"]) for price in found if price["activity_id"] == str(CANTEEN)]

    assert await canteen("2026-12") == [
        ("2026-12-01", 441),
        ("2026-12-10", 620),  # nothing is known of these days
        ("2026-12-15", 225),
        ("2026-12-20", 500),
    ]
    assert await canteen("2027-01") == [("2027-01-01", 500)]
    assert await canteen("2026-11") == [("2026-11-01", 441)]
    assert await canteen("2025-12") == []  # before the first tariff


async def test_without_a_quotient_the_highest_price_is_told_with_a_warning(town: Scene) -> None:
    await town.hear(sample(QuotientChanged, dossier_id=town.moreau.dossier_id, version=3, quotients=()))
    for one in await prices(town):
        assert one["amount_cents"] in (420, 620)
        assert "aucun quotient familial valable" in one["explanation"]


@pytest.mark.parametrize("facts", [{"payment": "immediate"}, {"charging": "flat"}, {"activity_id": new_id()}])
async def test_what_is_not_paid_by_the_day_or_has_no_tariff_has_no_price(town: Scene, facts: dict[str, Any]) -> None:
    assert str(CANTEEN) in {one["activity_id"] for one in await prices(town)}
    if "activity_id" in facts:
        await town.hear(activity(facts["activity_id"], "Étude"))
        assert str(facts["activity_id"]) not in {one["activity_id"] for one in await prices(town)}
    else:
        await town.hear(activity(CANTEEN, "Restauration scolaire", version=2, **facts))
        assert {one["activity_id"] for one in await prices(town)} == {str(EVENING)}


async def test_each_parent_of_a_shared_child_reads_their_own_price(town: Scene) -> None:
    shared = changed(child(town.moreau, town.moreau.child_ids[0], "Inès", "Moreau"), version=2)
    both = (town.moreau.dossier_id, town.diallo.dossier_id)
    await town.hear(ChildChanged.model_validate(dict(shared) | {"dossier_ids": both}))
    query = f"month=2026-12&child_id={shared.child_id}"
    assert [one["amount_cents"] for one in await prices(town, query)] == [294, 441]
    assert [one["amount_cents"] for one in await prices(town, query, of=town.diallo)] == [420, 620]


async def test_an_agent_says_for_which_family(town: Scene) -> None:
    dossier = town.moreau.dossier_id
    assert await prices(town, f"month=2026-12&dossier_id={dossier}", role="agent") == await prices(town)
    for role, query in (("agent", ""), ("guardian", f"&dossier_id={dossier}")):
        status, problem = await town.ask("GET", f"/prices?month=2026-12{query}", role=role)
        assert (status, problem["errors"][0]["pointer"]) == (422, "/dossier_id")
    assert (await town.ask("GET", "/prices?month=2026-12", role="cashier"))[0] == 403


async def test_another_familys_child_is_not_found(town: Scene) -> None:
    query = f"month=2026-12&child_id={town.moreau.child_ids[0]}"
    assert len(await prices(town, query)) == 2
    for one in (query, f"month=2026-12&child_id={new_id()}"):
        assert (await town.ask("GET", f"/prices?{one}", of=town.diallo))[0] == 404
    assert (await town.ask("GET", f"/prices?{query}&dossier_id={town.diallo.dossier_id}", role="agent"))[0] == 404
    assert await prices(town, of=Family()) == []


@pytest.mark.parametrize("month", ["2026-13", "9999-12", "2026-00", "1999-12", "2026-1", "décembre", "2026-12-01", ""])
async def test_what_is_no_month_is_said(town: Scene, month: str) -> None:
    status, problem = await town.ask("GET", f"/prices?month={month}")
    assert (status, problem["errors"][0]["pointer"]) == (422, "/query/month")
    assert await prices(town, "month=2099-12")


async def test_two_queries_whatever_the_family(town: Scene) -> None:
    asked: list[str] = []

    def count(*seen: Any) -> None:
        asked.append(seen[2])

    engine = town.database.engine.sync_engine
    await prices(town)  # a new connection asks about itself
    event.listen(engine, "before_cursor_execute", count)
    assert await prices(town)
    event.remove(engine, "before_cursor_execute", count)
    assert len(asked) == 2, asked
