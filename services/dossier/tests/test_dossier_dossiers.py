"""Dossiers read by families and the desk, and tied to accounts."""

from datetime import UTC, datetime, timedelta
from pathlib import Path
from uuid import UUID

import aiohttp
import pytest
from chassis import clock
from chassis.command import load
from chassis.database import Database
from chassis.identifiers import named_id, new_id
from chassis.inbox import handle
from chassis.service import Service
from chassis.testing import Databases
from contracts.dossier import DossierChanged
from dossier.consumers import HANDLERS

from services.dossier.tests.villeneuve import (
    CLAIRE,
    MARTIN,
    MOREAU,
    THIS_YEAR,
    TOWN,
    WRITTEN,
    Ask,
    activated,
    closed,
    hear,
    published,
)


def move_clock(clock_file: Path, moment: datetime) -> None:
    clock_file.write_text(str((moment - datetime.now(UTC)).total_seconds()))


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
            "has_account": False,
            "pays_from": None,
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
    assert (await ask("/dossiers?q=moreau"))[0] == 403


@pytest.mark.usefixtures("loaded")
async def test_only_families_and_agents_read_dossiers(ask: Ask, client: aiohttp.ClientSession) -> None:
    for role in ("cashier", "site_staff", "integrator", "administrator"):
        for path in (f"/dossiers/{MOREAU}", "/dossiers/mine", "/dossiers?q=100042"):
            found = role == "administrator" and "?" in path  # who exports them all, too, and reads the desk's log
            assert (await ask(path, role))[0] == (200 if found else 403), (role, path)
    assert (await ask("/dossiers/mine", "agent"))[0] == 403
    async with client.get("/v1/dossiers/mine") as answer:
        assert answer.status == 401


async def test_what_is_malformed_is_said(ask: Ask) -> None:
    status, problem, _ = await ask("/dossiers/1", "agent")
    assert (status, problem["type"]) == (422, "urn:problem:malformed")


@pytest.mark.usefixtures("loaded")
async def test_an_agent_reads_any_dossier(ask: Ask) -> None:
    assert (await ask(f"/dossiers/{MOREAU}", "agent"))[1]["number"] == "100042"
    assert (await ask(f"/dossiers/{new_id()}", "agent"))[0] == 404


@pytest.mark.usefixtures("loaded")
async def test_the_email_of_an_account_becomes_the_adults(database: Database, ask: Ask) -> None:
    heard = await hear(database, activated("claire@example.org"))
    status, mine, etag = await ask("/dossiers/mine")
    assert (status, mine["adults"][0]["email"], etag) == (200, "claire@example.org", '"3"')
    assert mine["adults"][0]["has_account"]
    told = (await published(database))[-1]
    assert isinstance(told, DossierChanged)
    assert (told.version, told.adults[0].email) == (3, "claire@example.org")
    await handle(database, heard.model_dump_json().encode(), HANDLERS)
    assert (await ask("/dossiers/mine"))[2] == '"3"'


@pytest.mark.usefixtures("loaded")
async def test_a_closed_account_leaves_the_recorded_email_whenever_its_activation_is_heard(
    database: Database, ask: Ask
) -> None:
    first, second = new_id(), new_id()
    for event in (closed(2, first), activated("claire@example.org", 1, first), closed(2, first)):
        await hear(database, event)
        _, mine, etag = await ask("/dossiers/mine")
        assert (mine["adults"][0]["email"], etag) == ("claire.moreau@example.org", '"3"')
        assert not mine["adults"][0]["has_account"]
    await hear(database, activated("claire@again.example.org", 3, first))  # who was removed by mistake has it back
    assert (await ask("/dossiers/mine"))[1]["adults"][0]["email"] == "claire@again.example.org"
    await hear(database, activated("claire@new.example.org", 1, second))
    assert (await ask("/dossiers/mine"))[1]["adults"][0]["email"] == "claire@new.example.org"
    await hear(database, closed(3, first))
    assert (await ask("/dossiers/mine"))[1]["adults"][0]["email"] == "claire@new.example.org"


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
