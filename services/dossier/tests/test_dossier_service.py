"""Dossiers loaded from the demo town, read by families and the desk, and tied to accounts."""

import asyncio
import tomllib
from collections import Counter
from collections.abc import Callable
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Any
from uuid import UUID

import aiohttp
import pytest
from chassis import clock
from chassis.command import load
from chassis.database import Database
from chassis.identifiers import named_id, new_id
from chassis.inbox import Handlers, decode, handle
from chassis.outbox import envelope
from chassis.service import Service
from chassis.testing import Databases, Signer
from contracts import Envelope, Event
from contracts.dossier import ChildChanged, DossierChanged, QuotientChanged
from contracts.identity import AccountActivated
from dossier import town
from dossier.consumers import HANDLERS
from dossier.dossiers import link_account
from dossier.families import Town
from french.calendar import school_year
from sqlalchemy import text

TOWN = tomllib.loads((Path(__file__).parents[3] / "deploy/towns/villeneuve-sur-bievre.toml").read_text())
THIS_YEAR = school_year(datetime.now(UTC).date())
WRITTEN = {name: part for name, part in TOWN.items() if name != "generated_families"}
MOREAU, MARTIN = named_id("dossier", "100042"), named_id("dossier", "100001")
CLAIRE = named_id("adult", "100042", "1")
Ask = Callable[..., Any]


async def published(database: Database) -> list[Event]:
    """The outbox, in the order it was filled."""
    kinds: Handlers = {DossierChanged: _ignore, ChildChanged: _ignore, QuotientChanged: _ignore}
    async with database.sessions.begin() as session:
        bodies = await session.scalars(text("SELECT body FROM outbox ORDER BY id"))
        return [decode(body, kinds)[1] for body in bodies]


async def _ignore(*_: Any) -> None:
    return None


async def hear(database: Database, event: Event) -> Envelope:
    wrapped = envelope(event)
    await handle(database, wrapped.model_dump_json().encode(), HANDLERS)
    return wrapped


def move_clock(clock_file: Path, moment: datetime) -> None:
    clock_file.write_text(str((moment - datetime.now(UTC)).total_seconds()))


def activated(email: str, version: int = 1, account_id: UUID | None = None) -> AccountActivated:
    return AccountActivated(
        version=version, account_id=account_id or new_id(), dossier_id=MOREAU, guardian_id=CLAIRE, email=email
    )


@pytest.fixture
def ask(client: aiohttp.ClientSession, signer: Signer) -> Ask:
    async def asked(path: str, role: str = "guardian", dossier_id: UUID | None = MOREAU) -> tuple[int, Any, str | None]:
        token = signer.token(role, dossier_id=dossier_id if role == "guardian" else None)
        async with client.get(f"/v1{path}", headers={"Authorization": f"Bearer {token}"}) as answer:
            return answer.status, await answer.json(), answer.headers.get("ETag")

    return asked


@pytest.fixture
async def loaded(service: Service, databases: Databases) -> Databases:
    await load(service, databases.owner_url, WRITTEN)
    return databases


async def test_the_whole_town_is_loaded_and_told_once(
    service: Service, databases: Databases, database: Database
) -> None:
    await load(service, databases.owner_url, TOWN)
    events = await published(database)
    told = Counter(type(event) for event in events)
    children = {event.child_id for event in events if isinstance(event, ChildChanged)}
    assert told[DossierChanged] == 60
    assert told[ChildChanged] == len(children) > 60
    assert 45 < told[QuotientChanged] < 60
    await load(service, databases.owner_url, TOWN)
    assert len(await published(database)) == len(events)


async def test_two_loads_at_once_tell_once(service: Service, databases: Databases, database: Database) -> None:
    await asyncio.gather(*(load(service, databases.owner_url, WRITTEN) for _ in range(3)))
    assert Counter(type(event) for event in await published(database)) == {
        DossierChanged: 3,
        ChildChanged: 5,
        QuotientChanged: 3,
    }


async def test_a_second_load_adds_only_new_families(service: Service, loaded: Databases, database: Database) -> None:
    before = await published(database)
    new_family = WRITTEN["families"][2] | {"number": "200000"}
    await load(service, loaded.owner_url, WRITTEN | {"families": [*WRITTEN["families"], new_family]})
    added = (await published(database))[len(before) :]
    assert {event.number for event in added if isinstance(event, DossierChanged)} == {"200000"}
    assert len(added) == 4


async def test_every_event_about_a_dossier_has_a_version_of_its_own(
    service: Service, databases: Databases, database: Database, ask: Ask
) -> None:
    await load(service, databases.owner_url, TOWN)
    await hear(database, activated("claire@example.org"))
    versions: dict[UUID, list[int]] = {}
    for event in await published(database):
        versions.setdefault(event.subject, []).append(event.version)
    assert all(sorted(given) == list(range(1, len(given) + 1)) for given in versions.values())
    assert (await ask("/dossiers/mine"))[2] == f'"{max(versions[MOREAU])}"'


@pytest.mark.usefixtures("loaded")
async def test_events_say_what_is_true(database: Database) -> None:
    by_type: dict[tuple[type[Event], UUID], Any] = {(type(e), e.subject): e for e in await published(database)}
    moreau = by_type[DossierChanged, MOREAU]
    assert (moreau.number, moreau.status, moreau.missing, moreau.address.city) == (
        "100042",
        "active",
        (),
        "Villeneuve-sur-Bièvre",
    )
    [claire] = moreau.adults
    assert (claire.adult_id, claire.roles, claire.email) == (
        CLAIRE,
        ("legal_guardian", "payer"),
        "claire.moreau@example.org",
    )
    tom = by_type[ChildChanged, named_id("child", "100042", "Tom")]
    assert (tom.dossier_ids, tom.resident) == ((MOREAU,), True)
    [school] = tom.schooling
    assert (school.school_year, school.school_id) == (THIS_YEAR, named_id("site", "les-tilleuls"))
    assert (school.level, school.class_name) == ("nursery", None)
    [quotient] = by_type[QuotientChanged, MOREAU].quotients
    assert (quotient.value, quotient.source, quotient.valid_to) == (980, "caf", date(clock.now().year + 1, 12, 31))


@pytest.mark.usefixtures("loaded")
async def test_a_family_reads_its_own_dossier(ask: Ask) -> None:
    status, mine, etag = await ask("/dossiers/mine")
    assert (status, etag) == (200, '"2"')
    assert (mine["id"], mine["number"], mine["status"], mine["missing"]) == (str(MOREAU), "100042", "active", [])
    assert mine["address"]["street"] == "27 rue du Lavoir"
    assert mine["adults"] == [
        {
            "id": str(CLAIRE),
            "first_name": "Claire",
            "last_name": "Moreau",
            "roles": ["legal_guardian", "payer"],
            "email": "claire.moreau@example.org",
            "phone": "0600000042",
        }
    ]
    assert [(child["first_name"], child["menu"]) for child in mine["children"]] == [
        ("Inès", "standard"),
        ("Tom", "standard"),
    ]
    assert [child["schooling"] for child in mine["children"]] == [
        [{"school_year": THIS_YEAR, "school_id": str(named_id("site", code)), "level": level, "class_name": None}]
        for code, level in (("jean-jaures", "elementary"), ("les-tilleuls", "nursery"))
    ]
    assert mine["quotient"] == {
        "value": 980,
        "source": "caf",
        "valid_from": f"{clock.now().year}-01-01",
        "valid_to": f"{clock.now().year + 1}-12-31",
    }
    assert await ask(f"/dossiers/{MOREAU}") == (status, mine, etag)


async def test_a_family_without_a_quotient_is_told_so(service: Service, databases: Databases, ask: Ask) -> None:
    without = {name: part for name, part in WRITTEN["families"][2].items() if name != "quotient"}
    await load(service, databases.owner_url, WRITTEN | {"families": [*WRITTEN["families"][:2], without]})
    status, mine, etag = await ask("/dossiers/mine")
    assert (status, mine["quotient"], mine["missing"], etag) == (200, None, [], '"1"')


async def test_the_quotient_is_that_of_today_in_paris(
    service: Service, databases: Databases, ask: Ask, clock_file: Path
) -> None:
    year = datetime.now(UTC).year + 1
    new_year_in_paris = datetime(year, 12, 31, 23, 30, tzinfo=UTC)
    move_clock(clock_file, new_year_in_paris)
    await load(service, databases.owner_url, WRITTEN)
    assert (await ask("/dossiers/mine"))[1]["quotient"]["valid_from"] == f"{year + 1}-01-01"
    move_clock(clock_file, new_year_in_paris - timedelta(hours=1))
    assert (await ask("/dossiers/mine"))[1]["quotient"] is None


@pytest.mark.usefixtures("loaded")
async def test_a_foreign_family_finds_nothing(ask: Ask) -> None:
    status, problem, _ = await ask(f"/dossiers/{MOREAU}", dossier_id=MARTIN)
    assert (status, problem["type"]) == (404, "urn:problem:not-found")
    for dossier_id in (new_id(), None):
        assert (await ask("/dossiers/mine", dossier_id=dossier_id))[0] == 404
    assert (await ask("/dossiers/mine", dossier_id=MARTIN))[1]["number"] == "100001"
    assert (await ask("/dossiers?name=moreau"))[0] == 403


@pytest.mark.usefixtures("loaded")
async def test_only_families_and_agents_read_dossiers(ask: Ask, client: aiohttp.ClientSession) -> None:
    for role in ("cashier", "site_staff", "integrator", "administrator"):
        for path in (f"/dossiers/{MOREAU}", "/dossiers/mine", "/dossiers?number=100042"):
            assert (await ask(path, role))[0] == 403
    assert (await ask("/dossiers/mine", "agent"))[0] == 403
    async with client.get("/v1/dossiers/mine") as answer:
        assert answer.status == 401


@pytest.mark.usefixtures("loaded")
async def test_an_agent_finds_a_family_by_number_or_name(ask: Ask) -> None:
    for query in (
        "number=100042",
        "name=moreau",
        "name=MOREAU cl",
        "name=Claire Moreau",
        "name=ines",
        "name=Inès&number=100042",
    ):
        status, found, _ = await ask(f"/dossiers?{query}", "agent")
        assert (status, [item["number"] for item in found["items"]], found["next_cursor"]) == (200, ["100042"], None)
    assert [child["first_name"] for child in found["items"][0]["children"]] == ["Inès", "Tom"]
    for query in ("number=1", "name=oreau", "name=%25", "name=moreau&number=100001"):
        assert (await ask(f"/dossiers?{query}", "agent"))[1] == {"items": [], "next_cursor": None}
    assert (await ask(f"/dossiers/{MOREAU}", "agent"))[1]["number"] == "100042"
    assert (await ask(f"/dossiers/{new_id()}", "agent"))[0] == 404


@pytest.mark.usefixtures("loaded")
async def test_an_agent_pages_through_the_dossiers(ask: Ask) -> None:
    _, first, _ = await ask("/dossiers?limit=2", "agent")
    assert [item["number"] for item in first["items"]] == ["100001", "100002"]
    assert first["next_cursor"] == first["items"][-1]["id"]
    _, second, _ = await ask(f"/dossiers?limit=2&cursor={first['next_cursor']}", "agent")
    assert ([item["number"] for item in second["items"]], second["next_cursor"]) == (["100042"], None)
    assert (await ask(f"/dossiers?cursor={new_id()}", "agent"))[1] == {"items": [], "next_cursor": None}


@pytest.mark.parametrize(
    "path",
    [
        "/dossiers?limit=0",
        "/dossiers?limit=201",
        "/dossiers?cursor=100002",
        "/dossiers?number=%00",
        "/dossiers?name=a%00",
        "/dossiers?name=",
        "/dossiers/1",
    ],
)
async def test_what_is_malformed_is_said(ask: Ask, path: str) -> None:
    status, problem, _ = await ask(path, "agent")
    assert (status, problem["type"]) == (422, "urn:problem:malformed")


@pytest.mark.usefixtures("loaded")
async def test_the_email_of_an_account_becomes_the_adults(database: Database, ask: Ask) -> None:
    heard = await hear(database, activated("claire@example.org"))
    status, mine, etag = await ask("/dossiers/mine")
    assert (status, mine["adults"][0]["email"], etag) == (200, "claire@example.org", '"3"')
    told = (await published(database))[-1]
    assert isinstance(told, DossierChanged)
    assert (told.version, told.adults[0].email) == (3, "claire@example.org")
    await handle(database, heard.model_dump_json().encode(), HANDLERS)
    assert (await ask("/dossiers/mine"))[2] == '"3"'


@pytest.mark.usefixtures("loaded")
async def test_an_older_account_heard_of_late_is_void(database: Database, ask: Ask) -> None:
    older, newer = new_id(), new_id()
    for event in (
        activated("new@example.org", 2, newer),
        activated("old@example.org", 1, newer),
        activated("first@example.org", 5, older),
    ):
        await hear(database, event)
    _, mine, etag = await ask("/dossiers/mine")
    assert (mine["adults"][0]["email"], etag) == ("new@example.org", '"3"')


async def test_an_account_heard_of_before_its_adult_counts_when_the_adult_is_loaded(
    service: Service, databases: Databases, database: Database, ask: Ask
) -> None:
    await hear(database, activated("claire@example.org"))
    assert await published(database) == []
    await load(service, databases.owner_url, WRITTEN)
    assert (await ask("/dossiers/mine"))[1]["adults"][0]["email"] == "claire@example.org"
    told = [event for event in await published(database) if event.subject == MOREAU][-1]
    assert isinstance(told, DossierChanged)
    assert told.adults[0].email == "claire@example.org"


async def blocked(database: Database) -> None:
    """Return when some transaction of this database waits for another."""
    waits = text(
        "SELECT EXISTS (SELECT FROM pg_locks JOIN pg_database d ON d.oid = database"
        " WHERE NOT granted AND d.datname = current_database())"
    )
    async with asyncio.timeout(10), database.engine.connect() as connection:
        while True:
            if await connection.scalar(waits):
                return
            await asyncio.sleep(0.01)


async def last_told(database: Database) -> DossierChanged:
    told = [event for event in await published(database) if isinstance(event, DossierChanged)]
    return max((event for event in told if event.dossier_id == MOREAU), key=lambda event: event.version)


async def test_an_account_activated_while_the_town_is_loaded_waits_for_its_adult(
    databases: Databases, database: Database
) -> None:
    owner = Database(databases.owner_url)
    async with owner.sessions.begin() as session:
        await town.load(session, Town.model_validate(WRITTEN))
        hearing = asyncio.create_task(hear(database, activated("claire@example.org")))
        await blocked(database)
    await hearing
    await owner.close()
    assert (await last_told(database)).adults[0].email == "claire@example.org"


async def test_a_load_waits_for_an_account_being_activated(
    service: Service, databases: Databases, database: Database
) -> None:
    async with database.sessions.begin() as session:
        await link_account(session, activated("claire@example.org"))
        loading = asyncio.create_task(load(service, databases.owner_url, WRITTEN))
        await blocked(database)
    await loading
    assert (await last_told(database)).adults[0].email == "claire@example.org"
