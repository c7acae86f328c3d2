import tomllib
from datetime import date, time
from pathlib import Path
from typing import Any

import pytest
from chassis import clock, command
from chassis.database import Database
from chassis.identifiers import new_id
from chassis.testing import Databases, Signer
from contracts.dossier import ChildChanged, DossierChanged
from enrolment.bookings import offers
from enrolment.catalogue.rules import age_on
from enrolment.families import find_family
from enrolment.main import SERVICE
from enrolment.town import Town, load
from sqlalchemy import event
from sqlalchemy.dialects.postgresql import Range

from services.enrolment.tests.enrolment_scene import guardian
from tests.builders import sample

TOWN = tomllib.loads(Path("deploy/towns/villeneuve-sur-bievre.toml").read_text())


async def weeks(town: Any, dossier_id: Any, child_id: Any, query: str = "") -> dict[str, Any]:
    status, answer = await town.call("GET", f"/v1/holiday-weeks?child_id={child_id}{query}", dossier_id)
    assert status == 200, answer
    return dict(answer)


async def test_a_child_is_shown_the_weeks_of_its_age_in_order(town: Any) -> None:
    dossier_id, (ines, tom) = await town.family(9, 5)
    second, first = await town.week(after=1), await town.week(after=0)
    small = await town.week(ages=(3, 5))
    assert [item["id"] for item in (await weeks(town, dossier_id, ines))["items"]] == [str(first), str(second)]
    assert [item["id"] for item in (await weeks(town, dossier_id, tom))["items"]] == [str(small)]


async def test_weeks_come_page_by_page(town: Any) -> None:
    dossier_id, (ines,) = await town.family(9)
    made = [await town.week(after=after, centre=centre) for after in (0, 1) for centre in ("A", "B", "C")]
    seen: list[str] = []
    cursor = ""
    for _ in range(3):
        page = await weeks(town, dossier_id, ines, f"&limit=2{cursor}")
        seen += [item["id"] for item in page["items"]]
        cursor = f"&cursor={page['next_cursor']}"
    assert seen == [str(week) for week in made]
    assert page["next_cursor"] is None


@pytest.mark.parametrize(
    "born", [date(2020, 2, 29), date(2020, 2, 28), date(2020, 3, 1), date(2018, 12, 31), date(2019, 1, 1)]
)
async def test_the_database_counts_years_as_the_rule_of_booking_does(town: Any, born: date) -> None:
    dossier_id, _ = await town.family(9)
    child_id = await town.child(dossier_id, born)
    days = [date(2030, month, day) for month, day in ((1, 1), (2, 27), (2, 28), (3, 1), (12, 30), (12, 31))]
    wanted = []
    for day in days:
        for age in range(9, 13):
            period = Range(day, day, bounds="[]")
            week_id = await town.week(ages=(age, age), dates=[day], period=period, booking_closes_at=clock.now())
            if age == age_on(born, day):
                wanted.append(str(week_id))
    found = await weeks(town, dossier_id, child_id, "&from=2030-01-01&limit=100")
    assert [item["id"] for item in found["items"]] == wanted
    assert len(wanted) == len(days)


async def test_weeks_of_other_ages_are_not_read_for_a_page(town: Any, database: Database) -> None:
    """The database picks, and stops once it has what the page shows and one more."""
    dossier_id, (ines,) = await town.family(9)
    for after in range(4):
        await town.week(after=after, ages=(3, 5))
        await town.week(after=after)
    handed_over: list[int] = []

    def count(_: object, cursor: Any, statement: str, *__: object) -> None:
        if "FROM holiday_weeks" in statement:
            handed_over.append(cursor.rowcount)

    event.listen(database.engine.sync_engine, "after_cursor_execute", count)
    async with database.sessions() as session:
        family = await find_family(session, guardian(dossier_id).acting(None), ines)
        found = await offers.weeks(session, family, date.min, None, 3, clock.now())
    assert len(found) == 3
    assert handed_over == [3]


@pytest.mark.parametrize(("path", "sizes"), [("sites", (3, 3, 1)), ("activities", (3, 3, 3))])
async def test_the_catalogue_comes_page_by_page(
    town: Any, databases: Databases, path: str, sizes: tuple[int, ...]
) -> None:
    await command.load(SERVICE, databases.owner_url, TOWN)
    dossier_id, _ = await town.family()
    _, whole = await town.call("GET", f"/v1/{path}", dossier_id)
    assert len(whole["items"]) == sum(sizes)
    assert whole["next_cursor"] is None
    seen: list[Any] = []
    cursor = ""
    for size in sizes:
        _, page = await town.call("GET", f"/v1/{path}?limit=3{cursor}", dossier_id)
        assert len(page["items"]) == size
        seen += page["items"]
        cursor = f"&cursor={page['next_cursor']}"
    assert seen == whole["items"]
    assert page["next_cursor"] is None
    assert (await town.call("GET", f"/v1/{path}?limit=201", dossier_id))[0] == 422


async def test_from_leaves_out_the_weeks_before(town: Any) -> None:
    dossier_id, (ines,) = await town.family(9)
    await town.week(after=0)
    later = await town.week(after=2)
    first = (await weeks(town, dossier_id, ines))["items"][0]
    found = await weeks(town, dossier_id, ines, f"&from={first['dates'][1]}")
    assert [item["id"] for item in found["items"]] == [str(later)]


async def test_a_week_says_how_many_places_are_left_and_why_it_cannot_be_booked(town: Any) -> None:
    dossier_id, (ines, lea) = await town.family(9, 8)
    week_id = await town.week(places=1)
    (before,) = (await weeks(town, dossier_id, ines))["items"]
    assert (before["places_left"], before["bookable"], before["reason"]) == (1, True, None)
    await town.held(dossier_id, (ines, week_id))
    (own,) = (await weeks(town, dossier_id, ines))["items"]
    assert (own["places_left"], own["bookable"]) == (0, False)
    assert "déjà une réservation" in own["reason"]
    (sister,) = (await weeks(town, dossier_id, lea))["items"]
    assert "complète" in sister["reason"]


async def test_an_incomplete_dossier_sees_the_weeks_with_the_reason(town: Any) -> None:
    dossier_id, (ines,) = await town.family(9, missing=("quotient",))
    await town.week()
    (item,) = (await weeks(town, dossier_id, ines))["items"]
    assert item["bookable"] is False
    assert "incomplet" in item["reason"]


async def test_another_familys_child_is_not_found_and_the_desk_names_the_dossier(town: Any) -> None:
    dossier_id, (ines,) = await town.family(9)
    other, _ = await town.family(9)
    path = f"/v1/holiday-weeks?child_id={ines}"
    assert (await town.call("GET", path, other))[0] == 404
    assert (await town.call("GET", path, None))[0] == 422
    assert (await town.call("GET", f"{path}&dossier_id={dossier_id}", None))[0] == 200
    assert (await town.call("GET", f"{path}&dossier_id={other}", None))[0] == 404
    assert (await town.call("GET", f"{path}&dossier_id={dossier_id}", dossier_id))[0] == 422


async def test_the_canteen_is_open_even_to_an_incomplete_dossier(town: Any, database: Database) -> None:
    entry = {"payment": "monthly", "charging": "reservation", "regie": "enfance"}
    rule = {"days_before": 21, "time": time(23, 59)}
    described = {
        "town": {"school_zone": "C"},
        "schools": [{"code": "jean-jaures", "name": "École Jean-Jaurès"}],
        "centres": [],
        "activities": [entry | {"code": kind, "name": kind, "kind": kind} for kind in ("restauration", "periscolaire")],
        "holiday_weeks": {"booking_closes": rule, "cancellation_closes": rule, "hold_minutes": 20},
    }
    async with database.sessions.begin() as session:
        await load(session, Town.model_validate(described))
    dossier_id, (ines,) = await town.family(9, missing=("quotient",))
    status, answer = await town.call("GET", f"/v1/activities?child_id={ines}", dossier_id)
    assert status == 200
    assert {item["kind"]: item["open"] for item in answer["items"]} == {
        "restauration": True,
        "periscolaire": False,
    }
    status, answer = await town.call("GET", "/v1/activities?kind=restauration", dossier_id)
    assert [(item["kind"], item["open"]) for item in answer["items"]] == [("restauration", None)]
    status, answer = await town.call("GET", "/v1/sites", dossier_id)
    assert [(site["kind"], site["name"]) for site in answer["items"]] == [("school", "École Jean-Jaurès")]


async def test_older_news_of_a_family_is_void(town: Any) -> None:
    dossier_id, (ines,) = await town.family(9)
    await town.week()
    news = sample(
        DossierChanged,
        dossier_id=dossier_id,
        version=3,
        missing=("quotient",),
    )
    await town.hear(news)
    await town.hear(news.model_copy(update={"version": 2, "missing": ()}))
    (item,) = (await weeks(town, dossier_id, ines))["items"]
    assert item["bookable"] is False
    child = sample(
        ChildChanged,
        child_id=ines,
        version=2,
        dossier_ids=(new_id(),),
        first_name="Inès",
        birth_date=date(2018, 1, 1),
    )
    await town.hear(child)
    await town.hear(child.model_copy(update={"version": 1, "dossier_ids": (dossier_id,)}))
    assert (await town.call("GET", f"/v1/holiday-weeks?child_id={ines}", dossier_id))[0] == 404


async def test_every_route_wants_a_token_of_a_role_that_may(client: Any, signer: Signer) -> None:
    for method, path in (
        ("GET", "/v1/sites"),
        ("GET", "/v1/activities"),
        ("GET", f"/v1/holiday-weeks?child_id={new_id()}"),
        ("POST", "/v1/bookings"),
        ("GET", "/v1/bookings"),
        ("GET", f"/v1/bookings/{new_id()}"),
        ("POST", f"/v1/bookings/{new_id()}/confirm"),
        ("DELETE", f"/v1/bookings/{new_id()}"),
        ("DELETE", f"/v1/bookings/{new_id()}/lines/0"),
    ):
        async with client.request(method, path) as answer:
            assert answer.status == 401, path
        headers = {"Authorization": f"Bearer {signer.token('site_staff')}"}
        async with client.request(method, path, headers=headers) as answer:
            assert answer.status == (200 if path in ("/v1/sites", "/v1/activities") else 403), path
