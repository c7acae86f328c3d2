"""Quotes over HTTP, and when a booking gets the price that was shown."""

from datetime import datetime, timedelta
from uuid import UUID

import pytest
from chassis import clock
from chassis.identifiers import new_id
from contracts.billing import InvoiceOpened, NoticeWritten
from contracts.dossier import QuotientChanged

from services.billing.tests.billing_scene import Scene, week
from tests.builders import sample

WEEK_OF_INES = 8085  # 5 × (12,74 € + 3,43 €)


async def quoted(scene: Scene, *lines: tuple[UUID, UUID]) -> UUID:
    status, quote = await scene.quote(lines or [(scene.moreau.child_ids[0], scene.week_ids[0])])
    assert status == 201, quote
    return UUID(quote["quote_id"])


async def test_a_quote_says_each_price_and_why(scene: Scene) -> None:
    (ines, tom), (first, second, _) = scene.moreau.child_ids, scene.week_ids
    status, quote = await scene.quote([(ines, first), (tom, second)])
    assert status == 201
    assert quote["total_cents"] == 2 * WEEK_OF_INES
    assert [(line["child_id"], line["holiday_week_id"]) for line in quote["lines"]] == [
        (str(ines), str(first)),
        (str(tom), str(second)),
    ]
    for line in quote["lines"]:
        assert line["amount_cents"] == WEEK_OF_INES
        assert "de votre quotient 980" in line["explanation"]
    left = datetime.fromisoformat(quote["valid_until"]) - clock.now()
    assert timedelta(minutes=29) < left <= timedelta(minutes=30)


async def test_a_week_with_a_public_holiday_is_quoted_and_invoiced_by_its_days(scene: Scene) -> None:
    ines, week_id = scene.moreau.child_ids[0], scene.week_ids[0]
    whole = week(week_id)
    short = whole.model_copy(update={"version": 2, "dates": (*whole.dates[:2], *whole.dates[3:])})
    await scene.hear(short)
    _, quote = await scene.quote([(ines, week_id)])
    assert quote["total_cents"] == 4 * WEEK_OF_INES // 5
    assert quote["lines"][0]["explanation"].startswith("4 jours × 16,17\N{NO-BREAK SPACE}€")
    booking = scene.booking(quote_id=UUID(quote["quote_id"]))
    lines = tuple(line.model_copy(update={"dates": short.dates}) for line in booking.lines)
    await scene.hear(booking.model_copy(update={"lines": lines}))
    invoice = await scene.invoice(booking)
    assert (invoice.amount_cents, invoice.repriced) == (quote["total_cents"], False)


async def test_another_familys_child_is_not_found(scene: Scene) -> None:
    status, problem = await scene.quote([(scene.diallo.child_ids[0], scene.week_ids[0])])
    assert (status, problem["type"]) == (404, "urn:problem:not-found")


async def test_an_unknown_week_is_not_found(scene: Scene) -> None:
    status, _ = await scene.quote([(scene.moreau.child_ids[0], new_id())])
    assert status == 404


async def test_the_same_line_twice_is_malformed(scene: Scene) -> None:
    line = (scene.moreau.child_ids[0], scene.week_ids[0])
    status, problem = await scene.quote([line, line])
    assert status == 422
    assert problem["errors"][0]["detail"] == "La même semaine est demandée deux fois pour le même enfant."


async def test_a_price_sent_by_the_client_is_refused(scene: Scene) -> None:
    line = {"child_id": str(scene.moreau.child_ids[0]), "holiday_week_id": str(scene.week_ids[0]), "amount_cents": 1}
    status, _ = await scene.ask("POST", "/quotes", {"lines": [line]})
    assert status == 422


async def test_an_agent_says_for_which_family(scene: Scene) -> None:
    line = {"child_id": str(scene.moreau.child_ids[0]), "holiday_week_id": str(scene.week_ids[0])}
    dossier = str(scene.moreau.dossier_id)
    assert (await scene.ask("POST", "/quotes", {"lines": [line], "dossier_id": dossier}, role="agent"))[0] == 201
    assert (await scene.ask("POST", "/quotes", {"lines": [line]}, role="agent"))[0] == 422
    assert (await scene.ask("POST", "/quotes", {"lines": [line], "dossier_id": dossier}))[0] == 422


async def test_without_a_quotient_the_highest_price_is_quoted_with_a_warning(scene: Scene) -> None:
    await scene.hear(sample(QuotientChanged, dossier_id=scene.moreau.dossier_id, version=3, quotients=()))
    _, quote = await scene.quote([(scene.moreau.child_ids[0], scene.week_ids[0])])
    assert quote["total_cents"] == 5 * 2420
    assert "aucun quotient familial valable" in quote["lines"][0]["explanation"]


async def test_an_older_copy_arriving_late_is_void(scene: Scene) -> None:
    await scene.quotient(scene.moreau, 500, version=4)
    await scene.quotient(scene.moreau, 2000, version=3)
    _, quote = await scene.quote([(scene.moreau.child_ids[0], scene.week_ids[0])])
    assert quote["total_cents"] == 5 * (650 + 175)


async def test_the_quote_is_honoured_though_the_quotient_changed_and_the_event_is_late(scene: Scene) -> None:
    quote_id, confirmed_at = await quoted(scene), clock.now()
    await scene.quotient(scene.moreau, 2000, version=3)
    scene.after(days=2)
    _, invoice = await scene.opened(quote_id=quote_id, confirmed_at=confirmed_at)
    assert (invoice.amount_cents, invoice.repriced) == (WEEK_OF_INES, False)
    assert [notice.title for notice in await scene.published(NoticeWritten)] == []


@pytest.mark.parametrize("why", ["stale", "foreign", "other lines", "unknown"])
async def test_a_quote_that_does_not_fit_is_priced_anew_and_the_family_told(scene: Scene, why: str) -> None:
    (ines, tom), (first, second, _) = scene.moreau.child_ids, scene.week_ids
    quote_id = await quoted(scene)
    confirmed_at, lines = clock.now(), [(ines, first)]
    if why == "stale":
        confirmed_at += timedelta(minutes=30, seconds=1)
    elif why == "foreign":
        _, foreign = await scene.quote([(scene.diallo.child_ids[0], first)], of=scene.diallo)
        quote_id = UUID(foreign["quote_id"])
    elif why == "other lines":
        lines = [(ines, first), (tom, second)]
    else:
        quote_id = new_id()
    await scene.quotient(scene.moreau, 500, version=3)
    _, invoice = await scene.opened(quote_id=quote_id, confirmed_at=confirmed_at, lines=lines)
    assert invoice.repriced
    assert invoice.amount_cents == len(lines) * 5 * (650 + 175)
    (opened,) = await scene.published(InvoiceOpened)
    assert opened.repriced
    (notice,) = await scene.published(NoticeWritten)
    assert notice.dossier_id == scene.moreau.dossier_id
    assert "recalculé" in notice.title
    assert notice.link == f"/factures/{invoice.id}"


async def test_the_order_of_lines_does_not_matter(scene: Scene) -> None:
    (ines, tom), (first, second, _) = scene.moreau.child_ids, scene.week_ids
    quote_id = await quoted(scene, (ines, first), (tom, second))
    _, invoice = await scene.opened(quote_id=quote_id, lines=[(tom, second), (ines, first)])
    assert not invoice.repriced
