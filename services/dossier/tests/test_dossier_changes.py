"""What families change of their dossier at once: contacts, menus, consents, persons; and « tout est exact »."""

import asyncio
from typing import Any

import pytest
from chassis import clock
from chassis.database import Database
from chassis.identifiers import named_id, new_id
from contracts.dossier import ChildChanged, DossierChanged
from french.calendar import school_year
from french.paris import day_in_paris
from sqlalchemy import text

from services.dossier.tests.villeneuve import CLAIRE, MARTIN, MOREAU, Ask, Send, activated, hear, published

pytestmark = pytest.mark.usefixtures("loaded")

INES, TOM = (str(named_id("child", "100042", name)) for name in ("Inès", "Tom"))
CONTACTS = f"/dossiers/{MOREAU}/contacts"
PERSONS = f"/children/{TOM}/authorised-persons"
NANA = {"first_name": "Odile", "last_name": "Le Goff", "phone": "06 12 34 56 78", "relation": "grand-mère"}
FOE = {"first_name": "Jean", "last_name": "Le Goff", "decision": "Jugement du 3 mars 2026, Créteil"}


def phone(number: str) -> dict[str, Any]:
    return {"adults": [{"id": str(CLAIRE), "phone": number}]}


async def test_a_telephone_changes_at_once_and_is_told(send: Send, database: Database) -> None:
    status, mine, etag = await send("PATCH", CONTACTS, phone("06 11 22 33 44"), seen='"2"')
    assert (status, mine["adults"][0]["phone"], etag) == (200, "0611223344", '"3"')
    told = (await published(database))[-1]
    assert (type(told), told.version) == (DossierChanged, 3)
    # The same again, by who has seen it, is no change.
    assert (await send("PATCH", CONTACTS, phone("0611223344"), seen='"3"'))[2] == '"3"'
    assert (await published(database))[-1] == told


async def test_of_two_who_edit_at_the_same_moment_the_second_is_told(send: Send) -> None:
    numbers = [f"061122334{n}" for n in range(5)]
    answers = await asyncio.gather(*(send("PATCH", CONTACTS, phone(one), seen='"2"') for one in numbers))
    assert sorted(status for status, _, _ in answers) == [200, 412, 412, 412, 412]
    [(_, mine, _)] = [one for one in answers if one[0] == 200]
    assert mine["adults"][0]["phone"] in numbers
    assert (await send("PATCH", CONTACTS, phone(numbers[0])))[0] == 428


async def test_contacts_are_those_named_and_guardians_stay(send: Send) -> None:
    nana = {name: NANA[name] for name in ("first_name", "last_name", "phone")}
    _, mine, etag = await send("PATCH", CONTACTS, {"contacts": [nana]}, seen='"2"')
    [_, added] = mine["adults"]
    assert (added["first_name"], added["roles"], added["phone"]) == ("Odile", ["contact"], "0612345678")
    renamed = nana | {"last_name": "LE GOFF", "email": "odile@example.org"}
    _, mine, etag = await send("PATCH", CONTACTS, {"contacts": [renamed]}, seen=etag)
    assert mine["adults"][1] == added | {"last_name": "LE GOFF", "email": "odile@example.org"}
    _, mine, _ = await send("PATCH", CONTACTS, {"contacts": []}, seen=etag)
    assert [one["first_name"] for one in mine["adults"]] == ["Claire"]


async def test_an_email_is_the_accounts_then_the_desks_then_nobodys(send: Send, database: Database) -> None:
    email = {"adults": [{"id": str(CLAIRE), "email": "claire@new.example.org"}]}
    status, problem, _ = await send("PATCH", CONTACTS, email, seen='"2"')
    assert (status, problem["errors"][0]["pointer"]) == (422, "/adults/0/email")
    status, mine, _ = await send("PATCH", CONTACTS, email, "agent", seen='"2"')
    assert (status, mine["adults"][0]["email"]) == (200, "claire@new.example.org")
    await hear(database, activated("claire@example.org"))
    for role in ("guardian", "agent"):
        status, problem, _ = await send("PATCH", CONTACTS, email, role, seen='"4"')
        assert (status, problem["type"]) == (409, "urn:problem:dossier:email-of-account")


@pytest.mark.parametrize(
    ("body", "pointer"),
    [
        (phone("12"), "/adults/0/phone"),
        ({"adults": [{"id": str(new_id()), "phone": None}]}, "/adults/0/id"),
        ({"adults": [{"id": str(CLAIRE)}, {"id": str(CLAIRE)}]}, "/adults"),
        ({"adults": [{"id": str(CLAIRE), "roles": ["payer"]}]}, "/adults/0/roles"),
        ({"contacts": [NANA | {"last_name": "\u0000"}]}, "/contacts/0/last_name"),
        ({"contacts": [{"first_name": "O", "last_name": "'", "phone": "0612345678"}]}, "/contacts/0/last_name"),
        ({"contacts": [{"first_name": "O", "last_name": "L", "phone": "0612345678"}] * 2}, "/contacts"),
    ],
)
async def test_what_is_malformed_is_said_by_field(send: Send, body: dict[str, Any], pointer: str) -> None:
    status, problem, _ = await send("PATCH", CONTACTS, body, seen='"2"')
    assert (status, pointer in [one["pointer"] for one in problem["errors"]]) == (422, True), problem


async def test_a_menu_and_consents_change_at_once(send: Send, ask: Ask, database: Database) -> None:
    change = {"menu": "vegetarian", "consents": {"photo": False}}
    status, tom, etag = await send("PATCH", f"/children/{TOM}", change, seen='"1"')
    assert (status, tom["menu"], etag) == (200, "vegetarian", '"2"')
    assert tom["consents"] == {"photo": False, "outings": None, "leaves_alone": None}
    told = (await published(database))[-1]
    assert isinstance(told, ChildChanged)
    assert (told.menu, told.version) == ("vegetarian", 2)
    _, tom, etag = await send("PATCH", f"/children/{TOM}", {"consents": {"photo": True, "outings": True}}, seen=etag)
    assert (tom["menu"], tom["consents"]) == ("vegetarian", {"photo": True, "outings": True, "leaves_alone": None})
    assert (await ask("/dossiers/mine"))[1]["children"][1] == tom
    assert (await send("PATCH", f"/children/{TOM}", change, seen='"2"'))[0] == 412
    assert (await send("PATCH", f"/children/{TOM}", {"menu": "vegetarian"}, seen=etag))[2] == etag


async def test_a_family_says_who_may_pick_a_child_up(send: Send, ask: Ask) -> None:
    status, persons, etag = await send("PUT", PERSONS, {"authorised_persons": [NANA]}, seen='"1"')
    [nana] = persons["authorised_persons"]
    assert (status, nana["phone"], nana["own"], etag) == (200, "0612345678", True, '"2"')
    neighbour = {"first_name": "Ali", "last_name": "Benali", "phone": "0611111111"}
    _, persons, etag = await send("PUT", PERSONS, {"authorised_persons": [NANA, neighbour]}, seen=etag)
    assert [one["id"] for one in persons["authorised_persons"] if one["first_name"] == "Odile"] == [nana["id"]]
    assert (await ask(PERSONS))[1:] == (persons, etag)
    _, persons, _ = await send("PUT", PERSONS, {"authorised_persons": [neighbour]}, seen=etag)
    assert [one["first_name"] for one in persons["authorised_persons"]] == ["Ali"]


async def test_only_the_desk_forbids_somebody_with_the_decision(send: Send, ask: Ask) -> None:
    body = {"authorised_persons": [], "forbidden_persons": [FOE]}
    status, problem, _ = await send("PUT", PERSONS, body, seen='"1"')
    assert (status, problem["errors"][0]["pointer"]) == (422, "/forbidden_persons")
    father = FOE | {"phone": "0611111111"}
    father.pop("decision")
    _, _, etag = await send("PUT", PERSONS, {"authorised_persons": [father]}, seen='"1"')
    by_desk = body | {"dossier_id": str(MOREAU)}
    without = by_desk | {"forbidden_persons": [{name: FOE[name] for name in ("first_name", "last_name")}]}
    assert (await send("PUT", PERSONS, without, "agent", seen=etag))[0] == 422
    status, persons, etag = await send("PUT", PERSONS, by_desk, "agent", seen=etag)
    assert (status, persons["authorised_persons"]) == (200, [])
    # The family sees it, keeps it whatever it sends, and cannot authorise that person.
    assert (await ask(PERSONS))[1]["forbidden_persons"][0]["decision"] == FOE["decision"]
    status, problem, _ = await send("PUT", PERSONS, {"authorised_persons": [NANA, father]}, seen=etag)
    assert (status, problem["type"]) == (409, "urn:problem:dossier:person-forbidden")
    assert problem["errors"][0]["pointer"] == "/authorised_persons/1"
    status, persons, _ = await send("PUT", PERSONS, {"authorised_persons": [NANA]}, seen=etag)
    assert (status, len(persons["forbidden_persons"])) == (200, 1)


async def test_each_dossier_of_a_child_names_its_own_persons(send: Send, database: Database) -> None:
    async with database.sessions.begin() as session:
        await session.execute(text(f"INSERT INTO dossier_children VALUES ('{MARTIN}', '{TOM}')"))
    _, _, etag = await send("PUT", PERSONS, {"authorised_persons": [NANA]}, seen='"1"')
    ali = {"first_name": "Ali", "last_name": "Benali", "phone": "0611111111"}
    _, persons, etag = await send("PUT", PERSONS, {"authorised_persons": [ali]}, dossier_id=MARTIN, seen=etag)
    assert [(one["first_name"], one["own"]) for one in persons["authorised_persons"]] == [
        ("Ali", True),
        ("Odile", False),
    ]
    # Forbidden at the desk, whoever had authorised them.
    nana = {"first_name": "odile", "last_name": "LeGoff", "decision": "Jugement"}
    body = {"authorised_persons": [ali], "forbidden_persons": [nana], "dossier_id": str(MARTIN)}
    _, persons, _ = await send("PUT", PERSONS, body, "agent", seen=etag)
    assert [one["first_name"] for one in persons["authorised_persons"]] == ["Ali"]


async def test_all_is_right_is_said_once_a_school_year(send: Send, ask: Ask, database: Database) -> None:
    assert (await ask("/dossiers/mine"))[1]["certified"] is None
    status, mine, etag = await send("POST", f"/dossiers/{MOREAU}/certification")
    assert (status, mine["certified"]["school_year"], etag) == (200, school_year(day_in_paris(clock.now())), '"3"')
    assert await send("POST", f"/dossiers/{MOREAU}/certification") == (status, mine, etag)
    assert [one.version for one in await published(database) if one.subject == MOREAU][-1] == 3


async def test_another_familys_is_not_found_and_stays_as_it_is(send: Send, ask: Ask) -> None:
    before = await ask("/dossiers/mine")
    calls = [
        ("PATCH", CONTACTS, phone("0611223344")),
        ("PATCH", f"/children/{TOM}", {"menu": "no_pork"}),
        ("GET", PERSONS, None),
        ("PUT", PERSONS, {"authorised_persons": [NANA]}),
        ("POST", f"/dossiers/{MOREAU}/certification", None),
    ]
    for method, path, body in calls:
        status, problem, _ = await send(method, path, body, dossier_id=MARTIN, seen='"1"')
        assert (status, problem["type"]) == (404, "urn:problem:not-found")
        nothing = path.replace(str(MOREAU), str(new_id())).replace(TOM, str(new_id()))
        assert (await send(method, nothing, body, dossier_id=MARTIN, seen='"1"'))[1] == problem
    assert await ask("/dossiers/mine") == before
