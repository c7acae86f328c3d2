"""What an agent records of a household: a dossier, its adults, children and priorities."""

import asyncio
from collections.abc import Callable
from datetime import date, timedelta
from pathlib import Path
from typing import Any
from uuid import UUID

import aiohttp
import pytest
from chassis import clock
from chassis.database import Database
from chassis.identifiers import named_id, new_id
from chassis.testing import Signer
from contracts.dossier import ChildChanged, DossierChanged, NoticeWritten
from contracts.enrolment import SiteChanged
from dossier.worker import hand_over_payers
from french.calendar import DAY
from french.paris import day_in_paris
from sqlalchemy import text

from services.dossier.tests.villeneuve import CLAIRE, MARTIN, MOREAU, THIS_YEAR, Ask, hear
from tests.builders import published, sample

pytestmark = pytest.mark.usefixtures("loaded")

Json = dict[str, Any]
HOME = {"street": "3 impasse des Mésanges", "postcode": "94990", "city": "Villeneuve-sur-Bièvre"}
PAUL: Json = {"first_name": "Paul", "last_name": "Moreau", "phone": "06 00 00 00 43", "roles": ["legal_guardian"]}
ZOE: Json = {"first_name": "Zoé", "last_name": "Moreau", "birth_date": f"{clock.now().year - 4}-01-31"}
SCHOOL = named_id("site", "jean-jaures")
SCHOOLING = {"school_year": THIS_YEAR, "school_id": str(SCHOOL), "level": "elementary", "class_name": "CP B"}

Desk = Callable[..., Any]


@pytest.fixture
def desk(client: aiohttp.ClientSession, signer: Signer) -> Desk:
    """Status and answer of an agent's call, with the version seen where one is said."""

    async def sent(
        method: str, path: str, body: Any = None, seen: int | str | None = None, **claims: Any
    ) -> tuple[int, Any]:
        headers = {"Authorization": f"Bearer {signer.token(**({'role': 'agent'} | claims))}"}
        headers |= {"If-Match": f'"{seen}"'} if seen is not None else {}
        async with client.request(method, f"/v1{path}", json=body, headers=headers) as answer:
            return answer.status, await answer.json() if await answer.read() else None

    return sent


def later(clock_file: Path, days: int) -> None:
    clock_file.write_text(str(timedelta(days=days).total_seconds()))


async def new(database: Database, kind: type[Any], before: int) -> list[Any]:
    return (await published(database, kind))[before:]


async def test_a_dossier_is_created_and_told_with_all_it_has(desk: Desk, ask: Ask, database: Database) -> None:
    dossiers, children = [len(await published(database, kind)) for kind in (DossierChanged, ChildChanged)]
    body = {"address": HOME, "adults": [PAUL | {"email": "Paul.Moreau@example.org"}], "children": [ZOE]}
    status, made = await desk("POST", "/dossiers", body)
    assert (status, made["number"], made["status"], made["missing"]) == (201, "100043", "active", [])
    expected = {"first_name": "Paul", "last_name": "Moreau", "roles": ["legal_guardian", "payer"]}
    expected |= {"email": "Paul.Moreau@example.org", "phone": "0600000043"}
    assert made["adults"][0] | expected == made["adults"][0]
    (told,) = await new(database, DossierChanged, dossiers)
    (child,) = await new(database, ChildChanged, children)
    assert (str(told.dossier_id), told.version, told.address.street) == (made["id"], 1, HOME["street"])
    assert (child.dossier_ids, child.version, child.resident) == ((told.dossier_id,), 1, True)
    assert await ask(f"/dossiers/{made['id']}", "agent") == (200, made, '"1"')
    assert (await desk("POST", "/dossiers", body | {"adults": [PAUL], "override_reason": "Homonyme"}))[1][
        "number"
    ] == "100044"


async def test_a_number_is_given_once(desk: Desk) -> None:
    def family(name: str, **more: Any) -> Json:
        return {"address": HOME, "adults": [PAUL | {"first_name": name}], **more}

    assert (await desk("POST", "/dossiers", family("Luc", number="A-17")))[1]["number"] == "A-17"
    status, problem = await desk("POST", "/dossiers", family("Marc", number="A-17"))
    assert (status, problem["type"]) == (409, "urn:problem:dossier:number-taken")
    made = await asyncio.gather(*(desk("POST", "/dossiers", family(name)) for name in ("Jean", "Mathieu", "Pierre")))
    assert sorted(one["number"] for _, one in made) == ["100043", "100044", "100045"]


async def test_a_family_that_seems_to_have_a_dossier_gets_no_second_one(desk: Desk) -> None:
    known = {"first_name": "CLAIRE", "last_name": "moreau", "roles": ["legal_guardian"]}
    at_home = {"street": "27 Rue du Lavoir", "postcode": "94990", "city": "Villeneuve"}
    for body in (
        {"address": at_home, "adults": [known]},
        {"address": HOME, "adults": [known | {"email": "Claire.MOREAU@example.org"}]},
    ):
        status, problem = await desk("POST", "/dossiers", body)
        assert (status, problem["type"]) == (409, "urn:problem:dossier:dossier-known")
        assert "100042" in problem["detail"]
        assert (await desk("POST", "/dossiers", body | {"override_reason": "Une homonyme"}))[0] == 201
    assert (await desk("POST", "/dossiers", {"address": HOME, "adults": [known | {"last_name": "Morel"}]}))[0] == 201
    both = [await desk("POST", "/dossiers", {"address": HOME, "adults": [PAUL]}) for _ in range(2)]
    assert [status for status, _ in both] == [201, 409]


@pytest.mark.parametrize(
    ("changes", "pointer"),
    [
        ({"adults": []}, "/adults"),
        ({"adults": [PAUL | {"roles": ["contact"]}]}, "/adults"),
        ({"adults": [PAUL | {"roles": []}]}, "/adults/0/roles"),
        ({"adults": [PAUL | {"roles": ["grandmother"]}]}, "/adults/0/roles/0"),
        ({"adults": [PAUL | {"first_name": "-'"}]}, "/adults/0/first_name"),
        ({"adults": [PAUL | {"email": "paul@"}]}, "/adults/0/email"),
        ({"adults": [PAUL | {"roles": ["legal_guardian", "payer"]}] * 2}, "/adults"),
        ({"address": HOME | {"postcode": "9499"}}, "/address/postcode"),
        ({"address": None}, "/address"),
        ({"number": "100 042"}, "/number"),
        ({"status": "archived"}, "/status"),
        ({"children": [ZOE | {"birth_date": "2999-01-01"}]}, "/children/0/birth_date"),
        ({"children": [ZOE | {"schooling": [SCHOOLING] * 2}]}, "/children/0/schooling"),
        ({"children": [ZOE | {"schooling": [SCHOOLING]}]}, "/children/0/schooling/0/school_id"),
        ({"children": [ZOE | {"menu": "standard"}]}, "/children/0/menu"),
    ],
)
async def test_what_is_wrong_with_a_new_dossier_is_named(desk: Desk, changes: Json, pointer: str) -> None:
    status, problem = await desk("POST", "/dossiers", {"address": HOME, "adults": [PAUL]} | changes)
    assert (status, [one["pointer"] for one in problem["errors"]]) == (422, [pointer])


async def test_an_adult_comes_once_and_goes(desk: Desk, ask: Ask, database: Database) -> None:
    before = len(await published(database, NoticeWritten))
    status, made = await desk("POST", f"/dossiers/{MOREAU}/adults", PAUL)
    assert (status, [(one["first_name"], one["roles"]) for one in made["adults"]]) == (
        201,
        [("Claire", ["legal_guardian", "payer"]), ("Paul", ["legal_guardian"])],
    )
    assert (await desk("POST", f"/dossiers/{MOREAU}/adults", PAUL))[1]["type"] == "urn:problem:dossier:adult-known"
    paul = made["adults"][1]["id"]
    assert (await desk("DELETE", f"/dossiers/{MARTIN}/adults/{paul}"))[0] == 404
    assert (await desk("DELETE", f"/dossiers/{MOREAU}/adults/{paul}"))[0] == 204
    assert (await desk("DELETE", f"/dossiers/{MOREAU}/adults/{paul}"))[0] == 404
    told = (await published(database, DossierChanged))[-1]
    assert ([one.first_name for one in told.adults], told.version) == (["Claire"], 4)
    assert [one.paragraphs[0] for one in await new(database, NoticeWritten, before)] == [
        "Paul Moreau fait désormais partie du dossier.",
        "Paul Moreau ne fait plus partie du dossier.",
    ]
    assert (await ask("/dossiers/mine"))[2] == '"4"'


async def test_a_guardian_who_is_gone_sees_nothing_by_a_token_that_is_still_good(desk: Desk, ask: Ask) -> None:
    _, made = await desk("POST", f"/dossiers/{MOREAU}/adults", PAUL)
    paul, child = made["adults"][1]["id"], made["children"][0]["id"]
    paths = ("/dossiers/mine", f"/dossiers/{MOREAU}", f"/children/{child}")
    token = {"role": "guardian", "dossier_id": MOREAU, "guardian_id": paul}
    for roles, status in ((["contact"], 404), (["legal_guardian"], 200)):
        seen = (await ask("/dossiers/mine"))[2].strip('"')
        assert (await desk("PUT", f"/dossiers/{MOREAU}/adults/{paul}", {"roles": roles}, seen))[0] == 200
        assert [(await desk("GET", path, **token))[0] for path in paths] == [status] * 3


async def test_a_dossier_keeps_a_guardian_and_a_payer(desk: Desk) -> None:
    claire = f"/dossiers/{MOREAU}/adults/{CLAIRE}"
    status, problem = await desk("DELETE", claire)
    assert (status, problem["type"]) == (409, "urn:problem:dossier:adult-needed")
    assert (await desk("PUT", claire, {"roles": ["contact"]}, 2))[0] == 409
    await desk("POST", f"/dossiers/{MOREAU}/adults", PAUL)
    assert (await desk("PUT", claire, {"roles": ["contact"]}))[0] == 428
    assert (await desk("PUT", claire, {"roles": ["contact"]}, 2))[0] == 412
    status, changed = await desk("PUT", claire, {"roles": ["contact"]}, 3)
    assert (status, changed["adults"][0]["roles"]) == (200, ["contact", "payer"])
    assert (await desk("DELETE", claire))[0] == 409  # nobody would pay


async def test_who_pays_changes_on_its_day(desk: Desk, ask: Ask, database: Database, clock_file: Path) -> None:
    _, made = await desk("POST", f"/dossiers/{MOREAU}/adults", PAUL)
    paul, path, today = made["adults"][1]["id"], f"/dossiers/{MOREAU}/payer", day_in_paris(clock.now())
    change = {"adult_id": paul, "from": str(today + 40 * DAY)}
    status, seen = await desk("POST", f"{path}?preview=true", change, 3)
    assert (status, seen["dossier"]["version"]) == (200, 3)
    assert "Paul Moreau paie à la place de Claire Moreau" in seen["touches"][0]
    for wrong, version, code in (
        (change | {"from": str(today - DAY)}, 3, 422),
        (change | {"adult_id": str(new_id())}, 3, 404),
        (change, 2, 412),
        (change, 3, 200),
    ):
        assert (await desk("POST", path, wrong, version))[0] == code
    told = (await published(database, DossierChanged))[-1]
    assert [(one.adult_id, one.valid_from) for one in told.payers] == [
        (CLAIRE, date(2000, 1, 1)),
        (UUID(paul), today + 40 * DAY),
    ]
    for days, payer, etag in ((39, "Claire", '"4"'), (40, "Paul", '"5"'), (41, "Paul", '"5"')):
        later(clock_file, days)
        await hand_over_payers(database, None)
        _, mine, tag = await ask("/dossiers/mine")
        coming = [None, str(today + 40 * DAY) if days < 40 else None]
        assert [one["pays_from"] for one in mine["adults"]] == coming
        assert ([one["first_name"] for one in mine["adults"] if "payer" in one["roles"]], tag) == ([payer], etag)
    # At once, and then whoever paid may go.
    at_once = {"adult_id": str(CLAIRE), "from": str(today + 41 * DAY)}
    assert (await desk("POST", path, at_once, 5))[1]["dossier"]["adults"][0]["roles"] == ["legal_guardian", "payer"]
    assert (await desk("DELETE", f"/dossiers/{MOREAU}/adults/{paul}"))[0] == 204
    assert {one.adult_id for one in (await published(database, DossierChanged))[-1].payers} == {CLAIRE}


async def test_the_last_two_guardians_do_not_leave_at_once(desk: Desk) -> None:
    _, made = await desk("POST", f"/dossiers/{MOREAU}/adults", PAUL)
    paul = made["adults"][1]["id"]
    left = await asyncio.gather(
        desk("PUT", f"/dossiers/{MOREAU}/adults/{CLAIRE}", {"roles": []}, 3),
        desk("DELETE", f"/dossiers/{MOREAU}/adults/{paul}"),
    )
    assert sorted(status // 100 for status, _ in left) == [2, 4]


async def test_a_child_is_added_once_and_sent_to_school(desk: Desk, ask: Ask, database: Database) -> None:
    await hear(database, sample(SiteChanged, site_id=SCHOOL, code="jean-jaures", kind="school"))
    status, zoe = await desk("POST", f"/dossiers/{MOREAU}/children", ZOE | {"resident": False})
    assert (status, zoe["resident"], zoe["schooling"], zoe["menu"]) == (201, False, [], "standard")
    again = await desk("POST", f"/dossiers/{MOREAU}/children", ZOE | {"first_name": "ZOE"})
    assert (again[0], again[1]["type"]) == (409, "urn:problem:dossier:child-known")
    path = f"/children/{zoe['id']}"
    assert await ask(path) == (200, zoe, '"1"')
    assert (await ask(path, dossier_id=MARTIN))[0] == 404
    own = {"dossier_id": str(MOREAU)}
    for wrong, code in (
        ({"schooling": [SCHOOLING | {"school_id": str(new_id())}]} | own, 422),
        (own, 422),
        ({"schooling": [SCHOOLING]}, 422),
        ({"schooling": [SCHOOLING], "dossier_id": str(MARTIN)}, 404),
    ):
        assert (await desk("PUT", f"{path}/schooling", wrong, 1))[0] == code
    for seen, code in ((0, 412), (1, 200), (1, 412), (2, 200)):
        assert (await desk("PUT", f"{path}/schooling", {"schooling": [SCHOOLING]} | own, seen))[0] == code
    told = (await published(database, ChildChanged))[-1]
    assert (told.version, [one.model_dump(mode="json") for one in told.schooling]) == (3, [SCHOOLING])
    assert [child["first_name"] for child in (await ask("/dossiers/mine"))[1]["children"]].count("Zoé") == 1
    assert (await ask("/dossiers/mine"))[2] == '"3"'
    assert (await desk("PUT", f"{path}/schooling", {"schooling": []} | own, 3))[1]["schooling"] == []


async def test_priorities_are_the_towns_and_told(desk: Desk, database: Database) -> None:
    path = f"/dossiers/{MOREAU}/priorities"
    status, problem = await desk("PUT", path, {"priorities": ["handicap", "habitant"]}, 2)
    assert (status, problem["errors"][0]["pointer"]) == (422, "/priorities/1")
    asked = {"priorities": ["parents-en-activite", "handicap", "handicap"]}
    status, shown = await desk("PUT", f"{path}?preview=true", asked, 2)
    assert (status, shown["dossier"]["version"], shown["dossier"]["priorities"]) == (200, 2, [])
    status, certified = await desk("PUT", path, asked, 2)
    assert certified["touches"] == shown["touches"]
    assert (status, certified["dossier"]["priorities"]) == (200, ["handicap", "parents-en-activite"])
    assert (await published(database, DossierChanged))[-1].priorities == ("handicap", "parents-en-activite")
    assert (await desk("PUT", path, {"priorities": []}, 2))[0] == 412
    assert (await desk("PUT", path, {"priorities": []}, 3))[1]["dossier"]["priorities"] == []


async def test_only_an_agent_records_a_household(desk: Desk) -> None:
    for role in ("guardian", "cashier", "administrator", "site_staff", "integrator"):
        for method, path in (
            ("POST", "/dossiers"),
            ("POST", f"/dossiers/{MOREAU}/adults"),
            ("DELETE", f"/dossiers/{MOREAU}/adults/{CLAIRE}"),
            ("POST", f"/dossiers/{MOREAU}/children"),
            ("PUT", f"/dossiers/{MOREAU}/priorities"),
        ):
            assert (await desk(method, path, {}, 2, role=role, dossier_id=MOREAU))[0] == 403


async def test_an_archived_dossier_stays_as_it_is(desk: Desk, database: Database) -> None:
    async with database.sessions.begin() as session:
        await session.execute(text("UPDATE dossiers SET status = 'archived'"))
    status, problem = await desk("POST", f"/dossiers/{MOREAU}/children", ZOE)
    assert (status, problem["type"]) == (409, "urn:problem:dossier:archived")
