"""What the administrator changes: every change an event with a grown version, no change nothing, by who has seen it."""

import asyncio
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID

import asyncpg
import pytest
from chassis import clock, command
from chassis.database import Database
from chassis.identifiers import named_id, new_id
from chassis.testing import Databases
from contracts.billing import RegieChanged
from enrolment.catalogue.models import PlaceChange
from enrolment.main import SERVICE
from french.calendar import is_working_day
from sqlalchemy import select, text

from services.enrolment.tests.enrolment_scene import FIRST_MONDAY
from services.enrolment.tests.test_enrolment_town import TOWN
from tests.builders import sample

JUDO = {
    "code": "judo",
    "name": "Judo",
    "kind": "periscolaire",
    "payment": "monthly",
    "charging": "reservation",
    "regie": "enfance",
}
#: A Monday to Friday without a public holiday: the first of October that is one, next year or the year after.
MONDAY = next(
    day
    for n in range(7)
    if (day := FIRST_MONDAY.replace(year=FIRST_MONDAY.year + 1, month=10, day=1 + n)).weekday() == 0
)
DAYS = [str(MONDAY + timedelta(days=n)) for n in range(5)]
CLOSES = str(datetime.combine(MONDAY - timedelta(days=30), datetime.min.time(), UTC))


@pytest.fixture
async def loaded(databases: Databases, town: Any) -> Any:
    await command.load(SERVICE, databases.owner_url, TOWN)
    await town.hear(sample(RegieChanged, code="enfance"))
    return town


class Admin:
    """Calls by an administrator, with the ETag of what they have seen."""

    def __init__(self, town: Any) -> None:
        self.town = town
        self.sub = new_id()

    async def call(
        self, method: str, path: str, body: Any = None, *, seen: str | None = None, role: str = "administrator"
    ) -> tuple[int, Any, str | None]:
        """Status, JSON and ETag."""
        token = self.town.signer.token(role, sub=self.sub, name="Adèle Admin")
        headers = {"Authorization": f"Bearer {token}"} | ({"If-Match": seen} if seen else {})
        async with self.town.api.request(method, f"/v1/{path}", json=body, headers=headers) as answer:
            return answer.status, await answer.json(content_type=None), answer.headers.get("ETag")

    async def seen(self, path: str) -> str:
        status, answer, etag = await self.call("GET", path)
        assert status == 200, answer
        return str(etag)

    async def patch(self, path: str, **change: Any) -> tuple[int, Any]:
        """As who has just read it."""
        status, answer, _ = await self.call("PATCH", path, change, seen=await self.seen(path))
        return status, answer


@pytest.fixture
def admin(loaded: Any) -> Admin:
    return Admin(loaded)


async def outbox(database: Database) -> int:
    async with database.sessions() as session:
        return int(await session.scalar(text("SELECT count(*) FROM outbox")) or 0)


def pointers(answer: Any) -> dict[str, str]:
    return {one["pointer"]: one["detail"] for one in answer.get("errors", ())}


# ---------------------------------------------------------------- sites


async def test_a_new_site_is_told_and_its_code_is_its_own(admin: Admin) -> None:
    body = {"code": "anne-frank", "kind": "school", "name": "École Anne-Frank"}
    status, site, etag = await admin.call("POST", "sites", body)
    assert (status, site["id"], etag) == (201, str(named_id("site", "anne-frank")), '"1"')
    told = (await admin.town.published("site_changed"))[-1]
    assert (told.site_id, told.name, told.version) == (UUID(site["id"]), "École Anne-Frank", 1)
    status, refused, _ = await admin.call("POST", "sites", body | {"name": "Autre"})
    assert (status, refused["type"]) == (409, "urn:problem:enrolment:code-taken")


async def test_a_renamed_centre_renames_its_weeks_and_all_are_told(admin: Admin, database: Database) -> None:
    centre = named_id("site", "la-bievre")
    weeks = [one for one in await admin.town.published("holiday_week_changed") if "Bièvre" in one.centre]
    status, site = await admin.patch(f"sites/{centre}", name="Accueil de loisirs des Sources")
    assert (status, site["name"]) == (200, "Accueil de loisirs des Sources")
    told = (await admin.town.published("site_changed"))[-1]
    assert (told.name, told.version) == ("Accueil de loisirs des Sources", 2)
    again = [one for one in await admin.town.published("holiday_week_changed") if "Sources" in one.centre]
    assert {one.holiday_week_id for one in again} == {one.holiday_week_id for one in weeks} != set()
    assert {one.version for one in again} == {2}


# ---------------------------------------------------------------- activities


async def test_a_new_activity_is_told_and_listed(admin: Admin, database: Database) -> None:
    school = str(named_id("site", "jean-jaures"))
    asked = JUDO | {"ages": [6, 11], "levels": ["elementary"], "sector": [school]}
    status, activity, _ = await admin.call("POST", "activities", asked)
    assert status == 201, activity
    assert (activity["ages"], activity["levels"], activity["sector"]) == ([6, 11], ["elementary"], [school])
    told = (await admin.town.published("activity_changed"))[-1]
    assert (told.activity_id, told.code, told.regie, told.status) == (UUID(activity["id"]), "judo", "enfance", "open")
    dossier_id, _ = await admin.town.family()
    _, listed = await admin.town.call("GET", "/v1/activities?limit=100", dossier_id)
    assert activity["id"] in {one["id"] for one in listed["items"]}
    status, refused, _ = await admin.call("POST", "activities", asked)
    assert (status, refused["type"]) == (409, "urn:problem:enrolment:code-taken")


async def test_each_change_of_an_activity_is_an_event_and_no_change_is_none(admin: Admin, database: Database) -> None:
    path = f"activities/{named_id('activity', 'mercredi')}"
    year = (await admin.call("GET", f"activities/{named_id('activity', 'natation')}"))[1]["enrolment_windows"][0]
    window = {"school_year": year["school_year"], "opens_at": "2027-01-04T08:30:00+01:00", "closes_at": None}
    changes: list[dict[str, Any]] = [
        {"name": "Mercredi"},
        {"status": "closed"},
        {"ages": None},
        {"levels": ["nursery"]},
        {"sector": [str(named_id("site", "les-tilleuls"))]},
        {"enrolment_windows": [window]},
        {"enrolment_windows": [window | {"closes_at": "2027-02-04T08:30:00+01:00"}]},
        {"enrolment_windows": []},
    ]
    before = await outbox(database)
    for version, change in enumerate(changes, start=2):
        for _ in range(2):  # the second time it is no change
            status, activity = await admin.patch(path, **change)
            assert status == 200, activity
        assert await admin.seen(path) == f'"{version}"'
        told = (await admin.town.published("activity_changed"))[-1]
        assert (told.version, told.name) == (version, "Mercredi")
    assert await outbox(database) == before + len(changes)
    assert (await admin.patch(path))[0] == 200
    assert await outbox(database) == before + len(changes)


async def test_of_two_who_edit_the_second_is_told(admin: Admin) -> None:
    for path, changes in (
        (f"activities/{named_id('activity', 'mercredi')}", ({"name": "Mercredi"}, {"name": "Les mercredis"})),
        (f"sites/{named_id('site', 'jean-jaures')}", ({"name": "Jaurès"}, {"name": "École Jaurès"})),
        (await week_path(admin), ({"name": "Semaine"}, {"name": "Autre semaine"})),
    ):
        seen = await admin.seen(path)
        answers = await asyncio.gather(*(admin.call("PATCH", path, change, seen=seen) for change in changes))
        assert sorted(status for status, *_ in answers) == [200, 412]
        assert (await admin.call("PATCH", path, {"name": "Sans regarder"}))[0] == 428
        assert (await admin.call("PATCH", path, {"name": "Sans regarder"}, seen="*"))[0] == 412


@pytest.mark.parametrize(
    ("wrong", "pointer"),
    [
        ({"regie": "voirie"}, "/regie"),
        ({"site_id": str(named_id("site", "nowhere"))}, "/site_id"),
        ({"sector": [str(named_id("site", "la-bievre"))]}, "/sector"),
        ({"sector": [str(named_id("site", "nowhere"))]}, "/sector"),
        ({"levels": ["college"]}, "/levels/0"),
        ({"levels": ["nursery", "nursery"]}, "/levels"),
        ({"ages": [11, 6]}, "/ages"),
        ({"ages": [6]}, "/ages"),
        ({"ages": [6, 99]}, "/ages/1"),
        ({"code": "Judo !"}, "/code"),
        ({"name": " "}, "/name"),
        ({"name": "Ju\0do"}, "/name"),
        ({"kind": "sport"}, "/kind"),
        ({"version": 9}, "/version"),
        ({"enrolment_windows": [{"school_year": "1999-2000"}]}, "/enrolment_windows/0/school_year"),
        ({"enrolment_windows": [{"school_year": "\0"}]}, ""),
        ({"enrolment_windows": [{"school_year": "x", "opens_at": 1800000000}]}, "/enrolment_windows/0/opens_at"),
        (
            {"enrolment_windows": [{"school_year": "x", "opens_at": "9999-12-31T23:00:00-12:00"}]},
            "/enrolment_windows/0/opens_at",
        ),
        ({"enrolment_windows": [{"school_year": "x"}, {"school_year": "x"}]}, "/enrolment_windows"),
        (
            {
                "enrolment_windows": [
                    {"school_year": "x", "opens_at": "2027-01-02T00:00:00Z", "closes_at": "2027-01-01T00:00:00Z"}
                ]
            },
            "/enrolment_windows/0",
        ),
        ({"kind": "extrascolaire"}, "/site_id"),
        ({"kind": "extrascolaire", "site_id": str(named_id("site", "jean-jaures"))}, "/site_id"),
        ({"kind": "extrascolaire", "site_id": str(named_id("site", "la-bievre"))}, "/site_id"),
        ({"kind": "extrascolaire", "ages": [3, 5]}, "/ages"),
    ],
    ids=str,
)
async def test_what_is_wrong_with_an_activity_is_said_with_its_field(
    admin: Admin, database: Database, wrong: dict[str, Any], pointer: str
) -> None:
    before = await outbox(database)
    status, refused, _ = await admin.call("POST", "activities", JUDO | wrong)
    assert status == 422, refused
    assert pointer in pointers(refused) or not pointer
    assert await outbox(database) == before


async def test_a_change_is_held_to_the_same(admin: Admin) -> None:
    path = f"activities/{named_id('activity', 'mercredi')}"
    for wrong in ({"name": None}, {"status": None}, {"levels": None}, {"sector": [str(new_id())]}, {"code": "autre"}):
        status, refused = await admin.patch(path, **wrong)
        assert status == 422, refused
        assert pointers(refused).keys() == {f"/{name}" for name in wrong}
    holidays = f"activities/{named_id('activity', 'vacances-la-bievre')}"
    assert pointers((await admin.patch(holidays, levels=["nursery"]))[1]).keys() == {"/levels"}
    assert (await admin.patch(holidays, name="Vacances"))[0] == 200


# ---------------------------------------------------------------- holiday weeks


def week_body(**facts: Any) -> dict[str, Any]:
    return {
        "activity_id": str(named_id("activity", "vacances-la-bievre")),
        "name": "Semaine d'automne",
        "group": "6-11 ans",
        "ages": [6, 11],
        "dates": DAYS,
        "places": 10,
        "booking_closes_at": CLOSES,
        "cancellation_closes_at": CLOSES,
        "hold_minutes": 20,
    } | facts


async def week_path(admin: Admin, **facts: Any) -> str:
    status, week, _ = await admin.call("POST", "holiday-weeks", week_body(**facts))
    assert status == 201, week
    return f"holiday-weeks/{week['id']}"


async def test_a_new_week_is_told_and_can_be_booked(admin: Admin) -> None:
    path = await week_path(admin, dates=DAYS[::-1])
    told = (await admin.town.published("holiday_week_changed"))[-1]
    assert path.endswith(str(told.holiday_week_id))
    assert told.holiday_week_id == named_id("week", "la-bievre", str(MONDAY), "6-11 ans")
    assert (told.centre, [str(day) for day in told.dates]) == ("Accueil de loisirs La Bièvre", DAYS)
    status, refused, _ = await admin.call("POST", "holiday-weeks", week_body())
    assert (status, refused["type"]) == (409, "urn:problem:enrolment:week-exists")
    dossier_id, _ = await admin.town.family()
    ines = await admin.town.child(dossier_id, MONDAY.replace(year=MONDAY.year - 8))
    await admin.town.held(dossier_id, (ines, told.holiday_week_id))


async def test_an_activitys_weeks_are_listed_in_the_order_of_the_calendar(admin: Admin) -> None:
    path = await week_path(admin)
    await admin.patch(path, places=12, reason="Une animatrice de plus.")
    activity = (await admin.call("GET", path))[1]["activity_id"]
    listed = f"activities/{activity}/holiday-weeks"
    status, page, _ = await admin.call("GET", f"{listed}?limit=200")
    assert status == 200
    assert [one["dates"] for one in page["items"]] == sorted(one["dates"] for one in page["items"])
    (mine,) = (one for one in page["items"] if path.endswith(one["id"]))
    assert mine == (await admin.call("GET", path))[1]
    _, first, _ = await admin.call("GET", f"{listed}?limit=1")
    _, rest, _ = await admin.call("GET", f"{listed}?limit=200&cursor={first['next_cursor']}")
    assert first["items"] + rest["items"] == page["items"]
    for since, there in ((DAYS[-1], True), (str(MONDAY + timedelta(days=5)), False)):
        _, later, _ = await admin.call("GET", f"{listed}?limit=200&from={since}")
        assert (mine in later["items"]) is there
    assert (await admin.call("GET", f"activities/{new_id()}/holiday-weeks"))[0] == 404
    assert (await admin.call("GET", listed, role="agent"))[0] == 403


async def test_places_are_raised_with_a_reason_that_is_kept_for_ever(
    admin: Admin, database: Database, databases: Databases
) -> None:
    path = await week_path(admin)
    status, refused = await admin.patch(path, places=12)
    assert (status, [*pointers(refused)]) == (422, ["/reason"])
    assert (await admin.patch(path, places=12, reason="  "))[0] == 422
    status, week = await admin.patch(path, places=12, reason="Une animatrice de plus.")
    assert (status, week["places"], week["version"]) == (200, 12, 2)
    (kept,) = week["place_changes"]
    assert (kept["before"], kept["after"], kept["reason"]) == (10, 12, "Une animatrice de plus.")
    assert kept["name"] == "Adèle Admin"
    assert (await admin.patch(path, places=12, reason="La même chose."))[1]["place_changes"] == [kept]
    status, week = await admin.patch(path, places=11, reason="Salle plus petite.")
    assert [one["after"] for one in week["place_changes"]] == [11, 12]
    assert [one.version for one in await admin.town.published("holiday_week_changed")][-2:] == [2, 3]
    async with database.sessions() as session:
        assert {one.account_id for one in await session.scalars(select(PlaceChange))} == {admin.sub}
    connection = await asyncpg.connect(databases.url)
    for statement in ("UPDATE place_changes SET reason = ''", "DELETE FROM place_changes"):
        with pytest.raises(asyncpg.InsufficientPrivilegeError):
            await connection.execute(statement)
    await connection.close()


async def test_places_are_never_fewer_than_are_taken(admin: Admin) -> None:
    path = await week_path(admin, places=2)
    dossier_id, _ = await admin.town.family()
    week_id = UUID(path.rpartition("/")[2])
    for n in range(2):
        child = await admin.town.child(dossier_id, MONDAY.replace(year=MONDAY.year - 8 - n))
        await admin.town.held(dossier_id, (child, week_id))
    status, refused = await admin.patch(path, places=1, reason="Moins de monde.")
    assert (status, refused["type"]) == (409, "urn:problem:enrolment:places-taken")
    status, week = await admin.patch(path, places=3, reason="Plus de monde.")
    assert (status, week["taken"]) == (200, 2)
    assert (await admin.patch(path, places=2, reason="Finalement."))[0] == 200


async def test_places_lowered_while_they_are_taken_never_oversell(admin: Admin) -> None:
    path = await week_path(admin, places=8)
    week_id = UUID(path.rpartition("/")[2])
    families = []
    for _ in range(8):
        dossier_id, _ = await admin.town.family()
        families.append((dossier_id, await admin.town.child(dossier_id, MONDAY.replace(year=MONDAY.year - 8))))
    seen = await admin.seen(path)
    lowered, *held = await asyncio.gather(
        admin.call("PATCH", path, {"places": 4, "reason": "Salle plus petite."}, seen=seen),
        *(admin.town.post(dossier_id, (child, week_id)) for dossier_id, child in families),
    )
    sold = [status for status, _ in held].count(201)
    _, week, _ = await admin.call("GET", path)
    assert week["taken"] == sold == (4 if lowered[0] == 200 else 8)


async def test_the_days_of_a_week_change_until_somebody_has_booked_it(admin: Admin) -> None:
    path = await week_path(admin)
    week_id = UUID(path.rpartition("/")[2])
    status, week = await admin.patch(path, dates=DAYS[1:])
    assert (status, week["dates"]) == (200, DAYS[1:])
    dossier_id, _ = await admin.town.family()
    child = await admin.town.child(dossier_id, MONDAY.replace(year=MONDAY.year - 8))
    booking = await admin.town.held(dossier_id, (child, week_id))
    status, refused = await admin.patch(path, dates=DAYS)
    assert (status, refused["type"]) == (409, "urn:problem:enrolment:week-booked")
    assert (await admin.patch(path, name="Semaine des arts"))[0] == 200
    await admin.town.cancel(dossier_id, booking["id"])
    assert (await admin.patch(path, dates=DAYS))[0] == 200
    # A booking that lapsed may come back with money that is late.
    booking = await admin.town.confirmed(dossier_id, (child, week_id))
    await admin.town.hear(admin.town.billing(booking).lapsed)
    assert await admin.town.taken(week_id) == [0]
    assert (await admin.patch(path, dates=DAYS[1:]))[0] == 409


async def test_the_opening_of_a_week_may_be_set_and_taken_away(admin: Admin) -> None:
    path = await week_path(admin)
    opens = (clock.now() + timedelta(days=2)).isoformat()
    early = (clock.now() + timedelta(days=1)).isoformat()
    status, week = await admin.patch(path, booking_opens_at=opens, residents_open_at=early)
    assert status == 200, week
    told = (await admin.town.published("holiday_week_changed"))[-1]
    assert told.booking_opens_at == datetime.fromisoformat(opens)
    assert pointers((await admin.patch(path, booking_opens_at=None))[1]).keys() == {"/residents_open_at"}
    assert (await admin.patch(path, booking_opens_at=None, residents_open_at=None))[0] == 200
    assert (await admin.town.published("holiday_week_changed"))[-1].booking_opens_at is None


@pytest.mark.parametrize(
    ("wrong", "pointer"),
    [
        ({"activity_id": str(named_id("activity", "nowhere"))}, "/activity_id"),
        ({"activity_id": str(named_id("activity", "cantine"))}, "/activity_id"),
        ({"dates": []}, "/dates"),
        ({"dates": [DAYS[0], DAYS[0]]}, "/dates"),
        ({"dates": [str(MONDAY + timedelta(days=5))]}, "/dates"),
        ({"dates": [DAYS[0], str(MONDAY + timedelta(days=7))]}, "/dates"),
        ({"dates": ["2020-03-02"]}, "/dates"),
        ({"dates": ["9999-12-31"]}, "/dates"),
        ({"dates": [1800000000]}, "/dates/0"),
        ({"dates": ["2027-02-30"]}, "/dates/0"),
        ({"places": -1}, "/places"),
        ({"places": 10**12}, "/places"),
        ({"hold_minutes": 0}, "/hold_minutes"),
        ({"booking_opens_at": CLOSES}, "/booking_opens_at"),
        ({"residents_open_at": "2026-01-01T00:00:00Z"}, "/residents_open_at"),
        ({"booking_closes_at": "2027-01-01T00:00:00"}, "/booking_closes_at"),
        ({"taken": 3}, "/taken"),
    ],
    ids=str,
)
async def test_what_is_wrong_with_a_week_is_said_with_its_field(
    admin: Admin, wrong: dict[str, Any], pointer: str
) -> None:
    before = len(await admin.town.published("holiday_week_changed"))
    status, refused, _ = await admin.call("POST", "holiday-weeks", week_body(**wrong))
    assert status == 422, refused
    assert pointer in pointers(refused)
    assert len(await admin.town.published("holiday_week_changed")) == before


async def test_a_week_with_a_public_holiday_keeps_its_working_days(admin: Admin) -> None:
    christmas = MONDAY.replace(month=12, day=25)
    monday = christmas - timedelta(days=christmas.weekday())
    week = [monday + timedelta(days=n) for n in range(5)]
    status, refused, _ = await admin.call("POST", "holiday-weeks", week_body(dates=[str(day) for day in week]))
    if christmas.weekday() < 5:
        assert (status, [*pointers(refused)]) == (422, ["/dates"])
        working = [str(day) for day in week if is_working_day(day)]
        assert str(christmas) not in working
        status, made, _ = await admin.call("POST", "holiday-weeks", week_body(dates=working))
        assert made["dates"] == working
    assert status == 201


async def test_only_administrators_change_the_catalogue(admin: Admin) -> None:
    week = await week_path(admin)
    paths = [f"activities/{named_id('activity', 'mercredi')}", f"sites/{named_id('site', 'jean-jaures')}", week]
    for role in ("guardian", "agent", "cashier", "site_staff", "integrator"):
        for path in paths:
            assert (await admin.call("PATCH", path, {"name": "X"}, seen='"1"', role=role))[0] == 403
            assert (await admin.call("GET", path, role=role))[0] == 403
            assert (await admin.call("POST", path.partition("/")[0], {}, role=role))[0] == 403
    for path in paths:
        nothing = f"{path.partition('/')[0]}/{new_id()}"
        assert (await admin.call("GET", nothing))[0] == 404
        assert (await admin.call("PATCH", nothing, {"name": "X"}, seen='"1"'))[0] == 404
