import asyncio
import tomllib
from collections.abc import Callable
from datetime import UTC, date, datetime, time, timedelta
from pathlib import Path
from typing import Any
from uuid import UUID

import asyncpg
import pytest
from chassis import clock, command
from chassis.database import Database, fetch
from chassis.identifiers import named_id, new_id
from chassis.testing import Databases, Signer
from contracts.dossier import ChildChanged, DossierChanged, Schooling
from enrolment.bookings import offers
from enrolment.catalogue.models import HouseRulesAcceptance
from enrolment.main import SERVICE
from enrolment.town import Town, load
from french import wording
from french.calendar import age_on, school_year
from french.paris import day_in_paris
from sqlalchemy import select
from sqlalchemy.dialects.postgresql import Range

from services.enrolment.tests.enrolment_scene import FIRST_MONDAY, guardian
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


async def test_weeks_of_other_ages_are_not_read_for_a_page(
    town: Any, database: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The database picks, and stops once it has what the page shows and one more."""
    dossier_id, (ines,) = await town.family(9)
    for after in range(4):
        await town.week(after=after, ages=(3, 5))
        await town.week(after=after)
    handed_over: list[int] = []

    async def counted(*asked: Any) -> list[asyncpg.Record]:
        rows = await fetch(*asked)
        handed_over.append(len(rows))
        return rows

    monkeypatch.setattr(offers, "fetch", counted)
    async with database.transaction() as connection:
        acting = guardian(dossier_id).acting(None)
        found = await offers.weeks(connection, acting, ines, date.min, None, 3, clock.now())
    assert len(found) == 3
    assert handed_over == [3]


async def test_a_child_without_a_week_to_come_is_shown_none(town: Any) -> None:
    dossier_id, (grown,) = await town.family(15)
    await town.week()
    assert (await weeks(town, dossier_id, grown))["items"] == []


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
        "waiting_list": {"offer_hours": 24, "criteria": []},
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
    for kind, found in (("school", 1), ("centre", 0)):
        assert len((await town.call("GET", f"/v1/sites?kind={kind}", dossier_id))[1]["items"]) == found


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


# ---------------------------------------------------------------- whom activities are open to


async def activities(town: Any, dossier_id: UUID, child_id: UUID) -> dict[str, dict[str, Any]]:
    """By code."""
    status, answer = await town.call("GET", f"/v1/activities?child_id={child_id}&limit=100", dossier_id)
    assert status == 200, answer
    return {one["code"]: one for one in answer["items"]}


def closed(found: dict[str, dict[str, Any]]) -> dict[str, str]:
    """Which are not open, and the code of why."""
    assert all(one["open"] == (one["reason"] is None) for one in found.values())
    return {code: one["reason_code"] for code, one in found.items() if not one["open"]}


def schooled(school: str, level: str) -> tuple[Schooling, ...]:
    """In this school year and the next."""
    today = day_in_paris(clock.now())
    years = {school_year(today), school_year(today + timedelta(days=90)), school_year(today + timedelta(days=365))}
    return tuple(
        Schooling.model_validate({"school_year": year, "school_id": named_id("site", school), "level": level})
        for year in sorted(years)
    )


def born(age: int) -> date:
    return date(day_in_paris(clock.now()).year - age, 1, 1)


@pytest.fixture
def before_june(hours_later: Callable[[float], None]) -> None:
    """A day on which the demo town's swimming has not opened."""
    day = datetime(clock.now().year + 1, 11, 16, 9, tzinfo=UTC)
    hours_later((day - clock.now()).total_seconds() / 3600)


async def test_each_activity_of_the_demo_town_is_open_or_says_why_not(
    town: Any, databases: Databases, before_june: None
) -> None:
    await command.load(SERVICE, databases.owner_url, TOWN)
    martin = named_id("dossier", "100001")  # whose règlement is accepted
    await town.hear(sample(DossierChanged, dossier_id=martin, missing=()))
    lea = await town.child(martin, born(8), "Léa", schooling=schooled("jean-jaures", "elementary"))
    hugo = await town.child(martin, born(4), "Hugo", schooling=schooled("les-tilleuls", "nursery"))
    awa = await town.child(martin, born(13), "Awa", schooling=schooled("paul-eluard", "elementary"))
    assert closed(await activities(town, martin, lea)) == {"natation": "window"}
    assert closed(await activities(town, martin, hugo)) == {"natation": "age", "etude": "level"}
    found = await activities(town, martin, awa)
    assert closed(found) == {"natation": "age", "mercredi": "age", "etude": "sector"}
    assert "de 3 à 11 ans" in found["mercredi"]["reason"]
    window = (await activities(town, martin, lea))["natation"]["reason"].replace("\xa0", " ")
    assert window.startswith("Les inscriptions ouvrent le ")
    assert "à 8 h 30" in window


async def test_a_family_that_has_not_accepted_the_rules_has_the_canteen_until_it_does(
    town: Any, databases: Databases, before_june: None
) -> None:
    await command.load(SERVICE, databases.owner_url, TOWN)
    dossier_id, _ = await town.family()
    child = await town.child(dossier_id, born(8), schooling=schooled("jean-jaures", "elementary"))
    rules = {"accueil-matin": "house-rules", "accueil-soir": "house-rules", "mercredi": "house-rules"}
    assert closed(await activities(town, dossier_id, child)) == rules | {"etude": "house-rules", "natation": "window"}
    _, told = await town.call("GET", "/v1/house-rules", dossier_id)
    assert (told["accepted"], told["accepted_at"]) == (False, None)
    status, _ = await town.call("POST", "/v1/house-rules/acceptances", dossier_id, {"version": told["version"]})
    assert status == 201
    assert closed(await activities(town, dossier_id, child)) == {"natation": "window"}
    stranger, _ = await town.family()
    assert (await town.call("GET", "/v1/house-rules", stranger))[1]["accepted"] is False


async def test_the_rules_are_accepted_once_a_school_year_by_whoever_was_first(
    town: Any, databases: Databases, database: Database
) -> None:
    await command.load(SERVICE, databases.owner_url, TOWN)
    dossier_id, _ = await town.family()
    path = "/v1/house-rules/acceptances"
    _, told = await town.call("GET", "/v1/house-rules", dossier_id)
    asked = {"version": told["version"]}
    answers = await asyncio.gather(
        *(town.call("POST", path, dossier_id, asked) for _ in range(10)),
        *(town.call("POST", path, None, asked | {"dossier_id": str(dossier_id)}) for _ in range(10)),
    )
    assert {status for status, _ in answers} == {201}
    (at,) = {answer["accepted_at"] for _, answer in answers}
    async with database.sessions() as session:
        query = select(HouseRulesAcceptance).where(HouseRulesAcceptance.dossier_id == dossier_id)
        (kept,) = (await session.scalars(query)).all()
    assert (kept.school_year, kept.version) == (told["school_year"], told["version"])
    assert kept.accepted_at == datetime.fromisoformat(at)
    assert (kept.role, kept.account_id) in {("guardian", dossier_id), ("agent", town.agent_id)}


async def test_a_new_school_years_rules_are_accepted_anew(
    town: Any, databases: Databases, before_june: None, hours_later: Callable[[float], None]
) -> None:
    await command.load(SERVICE, databases.owner_url, TOWN)
    martin = named_id("dossier", "100001")
    _, told = await town.call("GET", "/v1/house-rules", martin)
    assert told["accepted"] is True
    begun = int(told["school_year"][:4]) + 1
    path = f"/v1/house-rules?school_year={begun}-{begun + 1}"
    assert (await town.call("GET", path, martin))[1]["accepted"] is False
    hours_later((datetime(begun, 7, 20, tzinfo=UTC) - datetime.now(UTC)).total_seconds() / 3600)
    _, told = await town.call("GET", "/v1/house-rules", martin)
    assert (told["school_year"], told["accepted"]) == (f"{begun}-{begun + 1}", False)
    body = {"version": told["version"], "school_year": told["school_year"]}
    assert (await town.call("POST", "/v1/house-rules/acceptances", martin, body))[1]["accepted"] is True


async def test_what_cannot_be_accepted_is_said(town: Any, databases: Databases) -> None:
    path = "/v1/house-rules/acceptances"
    dossier_id, _ = await town.family()
    assert (await town.call("GET", "/v1/house-rules", dossier_id))[0] == 404  # no town is loaded
    await command.load(SERVICE, databases.owner_url, TOWN)
    status, refused = await town.call("POST", path, dossier_id, {"version": "1999"})
    assert (status, refused["type"]) == (409, "urn:problem:enrolment:another-house-rules-version")
    version = (await town.call("GET", "/v1/house-rules", dossier_id))[1]["version"]
    for status, body in (
        (422, {}),
        (422, {"version": 1}),
        (422, {"version": version, "accepted": True}),
        (422, {"version": version, "dossier_id": str(dossier_id)}),
        (409, {"version": "\0"}),
        (422, {"version": version, "school_year": "\0"}),
        (404, {"version": version, "school_year": "1999-2000"}),
    ):
        assert (await town.call("POST", path, dossier_id, body))[0] == status, body
    assert (await town.call("POST", path, None, {"version": version}))[0] == 422
    assert (await town.call("POST", path, None, {"version": version, "dossier_id": str(new_id())}))[0] == 404
    assert (await town.call("GET", f"/v1/house-rules?dossier_id={new_id()}", None))[0] == 404
    assert (await town.call("GET", f"/v1/house-rules?dossier_id={dossier_id}", None))[1]["accepted"] is False


# ---------------------------------------------------------------- opening of booking


async def test_a_week_opens_at_its_second_for_residents_first(town: Any, hours_later: Callable[[float], None]) -> None:
    dossier_id, (ines,) = await town.family(9)
    other_id, (adam,) = await town.family(9)
    await town.hear(sample(ChildChanged, child_id=adam, dossier_ids=(other_id,), version=2, resident=False, **nine()))
    start = clock.now()
    early, opens = start + timedelta(hours=1), start + timedelta(hours=2)
    week_id = await town.week(booking_opens_at=opens, residents_open_at=early)

    async def outcome(whose: UUID, child: UUID) -> str | None:
        """Why not, the same in the list and where a place is asked for; none: booked, and given up again."""
        (listed,) = (await weeks(town, whose, child))["items"]
        assert datetime.fromisoformat(listed["booking_opens_at"]) == opens
        status, answer = await town.post(whose, (child, week_id))
        assert listed["bookable"] == (status == 201), (listed, answer)
        if status == 201:
            await town.cancel(whose, answer["id"])
            return None
        assert answer["type"] == "urn:problem:enrolment:not-eligible"
        assert answer["errors"][0]["detail"] == listed["reason"]
        return str(listed["reason"])

    assert "ouvrent le" in str(await outcome(dossier_id, ines))
    assert "ouvrent le" in str(await outcome(other_id, adam))
    hours_later(1)
    assert await outcome(dossier_id, ines) is None
    reason = str(await outcome(other_id, adam))
    assert "habitants" in reason
    assert wording.moment(opens) in reason
    hours_later(2)
    assert await outcome(other_id, adam) is None
    assert await outcome(dossier_id, ines) is None


def nine() -> dict[str, Any]:
    born = FIRST_MONDAY.replace(year=FIRST_MONDAY.year - 9, day=1) - timedelta(days=60)
    return {"birth_date": born, "first_name": "Adam"}


async def test_a_hundred_clients_at_the_opening_second_get_the_places_there_are(
    town: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    families = [await town.family(9) for _ in range(100)]
    opens = clock.now() + timedelta(hours=1)
    week_id = await town.week(places=30, booking_opens_at=opens)

    async def rush(now: datetime) -> list[int]:
        monkeypatch.setattr(clock, "now", lambda: now)
        answers = await asyncio.gather(*(town.post(dossier_id, (ines, week_id)) for dossier_id, (ines,) in families))
        assert {answer.get("type") for status, answer in answers if status != 201} <= {
            "urn:problem:enrolment:week-full",
            "urn:problem:enrolment:not-eligible",
        }
        return sorted(status for status, _ in answers)

    assert await rush(opens - timedelta(microseconds=1)) == [409] * 100
    assert await town.taken(week_id) == [0]
    assert await rush(opens) == [201] * 30 + [409] * 70
    assert await town.taken(week_id) == [30]


async def test_a_week_of_a_closed_activity_is_listed_and_refused(town: Any, databases: Databases) -> None:
    dossier_id, (ines,) = await town.family(9)
    week_id = await town.week()
    connection = await asyncpg.connect(databases.url)
    await connection.execute("UPDATE activities SET status = 'closed'")
    (item,) = (await weeks(town, dossier_id, ines))["items"]
    assert (item["bookable"], "n'est plus proposée" in item["reason"]) == (False, True)
    assert (await town.post(dossier_id, (ines, week_id)))[0] == 409
    await connection.execute("UPDATE activities SET status = 'open'")
    await connection.close()
    await town.held(dossier_id, (ines, week_id))
