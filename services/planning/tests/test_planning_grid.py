"""The month of a family whose children are enrolled: what each cell is, until when it may change, why not."""

from datetime import date, datetime, timedelta
from typing import Any

import pytest
from french.paris import PARIS
from planning.deadlines.rules import in_words
from planning.reservations.rules import FULL

from services.planning.tests.families import Household
from services.planning.tests.town import CANTEEN, WEDNESDAY, Desk, utc

MONDAY, TUESDAY, WEDNESDAY_9 = "2026-12-07", "2026-12-08", "2026-12-09"
FRIDAY_9 = datetime(2026, 12, 4, 9, tzinfo=PARIS)


@pytest.fixture
async def moreau(desk: Desk) -> Household:
    return await Household.enrolled(desk, "Inès", "Tom")


async def cells(household: Household, name: str = "Inès", activity: str = "Restauration scolaire", **asked: Any) -> Any:
    [row] = [
        row
        for row in (await household.planning(**asked))["rows"]
        if (row["child_first_name"], row["activity_name"]) == (name, activity)
    ]
    return {cell["date"]: cell for cell in row["cells"]}


async def test_a_row_a_child_and_activity_that_it_is_enrolled_in(desk: Desk, moreau: Household) -> None:
    planning = await moreau.planning()
    assert [(row["child_first_name"], row["activity_name"], len(row["cells"])) for row in planning["rows"]] == [
        (name, activity, 31)
        for name in ("Inès", "Tom")
        for activity in ("Accueil du mercredi", "Restauration scolaire")
    ]
    one = await moreau.planning(child_id=moreau.children["Tom"])
    assert one == planning | {"rows": planning["rows"][2:]}
    assert (await moreau.planning("2027-08"))["rows"] == []


async def test_a_day_is_open_until_its_deadline_and_then_says_since_when_it_is_not(
    desk: Desk, moreau: Household
) -> None:
    expected = {
        "date": MONDAY,
        "status": "open",
        "can_change": True,
        "change_until": utc("2026-12-04T09:00"),
        "reason": None,
        "booking_id": None,
        "booking_status": None,
    }
    desk.now_is(FRIDAY_9 - timedelta(minutes=1))
    assert (await cells(moreau))[MONDAY] == expected
    desk.now_is(FRIDAY_9)
    said = f"Délai de réservation dépassé depuis {in_words(FRIDAY_9)} : adressez-vous au guichet."
    assert (await cells(moreau))[MONDAY] == expected | {"can_change": False, "reason": said}


async def test_a_reserved_day_may_be_given_up_until_its_own_deadline(desk: Desk, moreau: Household) -> None:
    await moreau.reserve("Inès", CANTEEN, date(2026, 12, 7))
    await moreau.reserve("Inès", WEDNESDAY, date(2026, 12, 9))
    shown = (await cells(moreau))[MONDAY]
    assert (shown["status"], shown["can_change"], shown["reason"]) == ("reserved", True, None)
    desk.now_is(FRIDAY_9)
    shown = (await cells(moreau))[MONDAY]
    assert (shown["status"], shown["can_change"]) == ("reserved", False)
    assert shown["reason"].endswith("la journée reste due. Adressez-vous au guichet.")
    wednesday = (await cells(moreau, activity="Accueil du mercredi"))[WEDNESDAY_9]
    assert (wednesday["can_change"], wednesday["change_until"]) == (True, utc("2026-12-10T00:00"))
    assert (await cells(moreau, "Tom"))[MONDAY]["status"] == "open"


async def test_a_closed_day_says_why(desk: Desk, moreau: Household) -> None:
    await desk.close_town(date(2026, 12, 11))
    shown = await cells(moreau)
    assert {cell["status"] for day, cell in shown.items() if day in ("2026-12-11", "2026-12-25", WEDNESDAY_9)} == {
        "closed"
    }
    assert [shown[day]["reason"] for day in ("2026-12-11", "2026-12-21", "2026-12-25", WEDNESDAY_9, "2026-12-12")] == [
        "Fermé par la ville (Grève).",
        "Vacances scolaires (Vacances de Noël).",
        "Jour férié (Noël).",
        "L'activité n'a pas lieu ce jour de la semaine.",
        "Pas d'activité le week-end.",
    ]


async def test_days_outside_the_enrolment_are_closed_and_what_stays_due_stays_shown(
    desk: Desk, moreau: Household
) -> None:
    await moreau.reserve("Inès", CANTEEN, date(2026, 12, 7), date(2026, 12, 8))
    late = datetime(2026, 12, 7, 9, tzinfo=PARIS)
    await moreau.withdraw("Inès", CANTEEN, date(2026, 12, 7), at=late)
    shown = await cells(moreau)
    assert (shown[MONDAY]["status"], shown[TUESDAY]["status"], shown["2026-12-10"]["status"]) == (
        "reserved",
        "reserved",
        "closed",
    )
    assert shown["2026-12-10"]["reason"] == (
        "Hors de la période d'inscription (du mardi 1er septembre 2026 au lundi 7 décembre 2026)."
    )
    await moreau.withdraw("Inès", CANTEEN, date(2026, 11, 30), at=late + timedelta(seconds=1))
    assert [day for day, cell in (await cells(moreau)).items() if cell["status"] == "reserved"] == [MONDAY, TUESDAY]


async def test_a_full_day_is_open_and_cannot_be_had_but_by_who_has_it(desk: Desk, moreau: Household) -> None:
    await desk.places(CANTEEN, {"ages": [6, 11], "places": 1})
    await moreau.reserve("Inès", CANTEEN, date(2026, 12, 7))
    elsewhere = await Household.enrolled(desk, "Awa")
    of = ((moreau, "Inès"), (moreau, "Tom"), (elsewhere, "Awa"))
    own, toms, others = [(await cells(family, name))[MONDAY] for family, name in of]
    assert (own["status"], own["can_change"]) == ("reserved", True)
    assert (toms["status"], toms["can_change"], toms["reason"]) == ("open", False, FULL.reason)
    assert (others["status"], others["can_change"]) == ("open", True)
    assert (await cells(moreau, "Tom"))[TUESDAY]["can_change"]


async def test_without_any_place_no_day_can_be_had(desk: Desk, moreau: Household) -> None:
    await desk.places(CANTEEN, {"ages": [6, 11], "places": 0})
    assert (await cells(moreau))[MONDAY]["reason"] == FULL.reason


async def test_an_activity_that_has_closed_is_closed_every_day(desk: Desk, moreau: Household) -> None:
    await moreau.reserve("Inès", CANTEEN, date(2026, 12, 7))
    await desk.close_activity(CANTEEN)
    shown = await cells(moreau)
    assert (shown[MONDAY]["can_change"], shown[TUESDAY]["status"]) == (True, "closed")
    assert shown[TUESDAY]["reason"] == "Cette activité est fermée : on ne peut plus y réserver."


async def test_the_etag_is_the_months_whatever_is_asked_of_it_and_when(desk: Desk, moreau: Household) -> None:
    assert await moreau.etag() == '"0"'
    await moreau.reserve("Inès", CANTEEN, date(2026, 12, 7))
    assert {
        await moreau.etag(),
        await moreau.etag(child_id=moreau.children["Tom"]),
        await moreau.etag(role="agent"),
    } == {'"1"'}
    desk.now_is(FRIDAY_9)
    assert await moreau.etag() == '"1"'
    assert await moreau.etag("2027-01") == '"0"'
    await moreau.reserve("Tom", CANTEEN, date(2026, 12, 8))
    assert await moreau.etag(child_id=moreau.children["Inès"]) == '"2"'


async def test_both_families_of_a_child_see_and_may_change_all_its_days(desk: Desk) -> None:
    mother = await Household.enrolled(desk, "Inès", "Tom")
    father = await mother.shared("Inès")
    await mother.reserve("Inès", CANTEEN, date(2026, 12, 7))
    rows = (await father.planning())["rows"]
    assert {row["child_first_name"] for row in rows} == {"Inès"}
    shown = (await cells(father))[MONDAY]
    assert (shown["status"], shown["can_change"]) == ("reserved", True)
    ines = mother.children["Inès"]
    status, problem, _ = await desk.ask("GET", f"/plannings?month=2026-12&child_id={ines}", role="agent")
    assert (status, problem["errors"][0]["pointer"]) == (422, "/query/dossier_id")
    assert (await mother.ask(child_id=mother.children["Tom"], role="agent"))[0] == 200


async def test_a_month_is_read_by_four_queries_at_most(desk: Desk, moreau: Household) -> None:
    await moreau.reserve("Inès", CANTEEN, date(2026, 12, 7))
    asked = await desk.statements(moreau.planning(child_id=moreau.children["Inès"]))
    assert 1 < len(asked) <= 4, asked


async def test_a_grid_is_never_kept_by_others(desk: Desk, moreau: Household) -> None:
    headers = {"Authorization": f"Bearer {moreau.token()}"}
    async with desk.client.get("/v1/plannings?month=2026-12", headers=headers) as answer:
        assert answer.headers["Cache-Control"] == "no-store"
