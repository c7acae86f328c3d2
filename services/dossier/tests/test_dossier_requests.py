"""Change requests: asked by a family, decided by an agent, applied with the decision and told."""

import asyncio
from collections.abc import Callable
from datetime import date, timedelta
from typing import Any

import pytest
from chassis import clock
from chassis.database import Database
from chassis.identifiers import named_id, new_id
from contracts.dossier import ChildChanged, DossierChanged, NoticeWritten, QuotientChanged
from dossier.quotient import default_end
from dossier.quotients.rules import counts_from
from french.paris import day_in_paris
from sqlalchemy import text

from services.dossier.tests.villeneuve import CLAIRE, MARTIN, MOREAU, THIS_YEAR, Ask, Send, published

pytestmark = pytest.mark.usefixtures("loaded")

INES, TOM = (named_id("child", "100042", name) for name in ("Inès", "Tom"))
ASK = f"/dossiers/{MOREAU}/change-requests"
ADDRESS = {"kind": "address", "street": "3 rue Neuve", "postcode": "75011", "city": "Paris"}
NAMES = {"kind": "adult_name", "adult_id": str(CLAIRE), "first_name": "Claire", "last_name": "Dubois"}
IDENTITY = {
    "kind": "child_identity",
    "child_id": str(TOM),
    "first_name": "Tom",
    "last_name": "Dubois",
    "birth_date": "2021-05-02",
}
BABY = {"kind": "new_child", "first_name": "Zoé", "last_name": "Moreau"}
QUOTIENT = {"kind": "quotient", "value": 512, "source": "caf"}
SCHOOL = {
    "kind": "school",
    "child_id": str(TOM),
    "school_year": THIS_YEAR,
    "school_id": str(named_id("site", "marie-curie")),
    "level": "nursery",
}
ACCEPTED = {"decision": "accepted", "reason": "Justificatif lu"}
REFUSED = {"decision": "refused", "reason": "Le justificatif est illisible"}


@pytest.fixture
async def schools(database: Database) -> None:
    async with database.sessions.begin() as session:
        for code, kind in (("marie-curie", "school"), ("la-bievre", "centre")):
            await session.execute(
                text("INSERT INTO sites VALUES (:id, 1, :code, :kind, :code)"),
                {"id": named_id("site", code), "code": code, "kind": kind},
            )


@pytest.fixture
def asked(send: Send) -> Callable[..., Any]:
    async def ask(change: dict[str, Any], **more: Any) -> Any:
        status, request, _ = await send("POST", ASK, {"change": change, **more})
        assert status == 201, request
        return request

    return ask


@pytest.fixture
def decide(send: Send) -> Callable[..., Any]:
    async def decided(request: Any, decision: dict[str, Any] = ACCEPTED) -> tuple[int, Any]:
        status, answer, _ = await send("POST", f"/change-requests/{request['id']}/decision", decision, "agent")
        return status, answer

    return decided


async def told(database: Database, kind: type[Any]) -> list[Any]:
    return [event for event in await published(database) if isinstance(event, kind)]


async def test_an_address_is_shown_old_beside_new_and_moves_with_the_decision(
    asked: Any, decide: Any, ask: Ask, database: Database
) -> None:
    request = await asked(ADDRESS, comment="Nous déménageons")
    old = {"street": "27 rue du Lavoir", "postcode": "94990", "city": "Villeneuve-sur-Bièvre"}
    assert (request["old"], request["new"]) == (old, {name: ADDRESS[name] for name in old})
    assert (request["status"], request["family"], request["dossier_number"]) == ("waiting", "Moreau", "100042")
    assert (await ask("/dossiers/mine"))[1]["address"] == old
    assert len(await told(database, NoticeWritten)) == 0
    status, decided = await decide(request)
    assert (status, decided["status"], decided["reason"]) == (200, "accepted", "Justificatif lu")
    assert (await ask("/dossiers/mine"))[1]["address"] == request["new"]
    # Outside the town: the prices of its children follow.
    assert (await told(database, DossierChanged))[-1].address.postcode == "75011"
    children = (await told(database, ChildChanged))[-2:]
    assert {(child.child_id, child.resident, child.version) for child in children} == {
        (INES, False, 2),
        (TOM, False, 2),
    }
    [notice] = await told(database, NoticeWritten)
    assert (notice.dossier_id, notice.title) == (MOREAU, "Votre demande de modification est acceptée")
    assert "75011" not in notice.model_dump_json()


async def test_who_lives_at_the_edge_is_a_resident_as_the_desk_says(
    asked: Any, decide: Any, database: Database
) -> None:
    await decide(await asked(ADDRESS), ACCEPTED | {"resident": True})
    assert (await told(database, DossierChanged))[-1].address.postcode == "75011"
    assert [child.version for child in await told(database, ChildChanged) if child.child_id == TOM] == [1]


async def test_a_child_lives_in_the_town_where_one_of_its_families_does(
    asked: Any, decide: Any, database: Database
) -> None:
    async with database.sessions.begin() as session:
        await session.execute(text(f"INSERT INTO dossier_children VALUES ('{MARTIN}', '{TOM}')"))
    await decide(await asked(ADDRESS))
    residents = {child.child_id: child.resident for child in await told(database, ChildChanged)}
    assert (residents[INES], residents[TOM]) == (False, True)


@pytest.mark.usefixtures("schools")
@pytest.mark.parametrize(
    ("change", "kind"),
    [(NAMES, DossierChanged), (IDENTITY, ChildChanged), (SCHOOL, ChildChanged), (QUOTIENT, QuotientChanged)],
)
async def test_what_is_accepted_is_told_in_the_same_transaction(
    asked: Any, decide: Any, send: Send, database: Database, change: dict[str, Any], kind: type[Any]
) -> None:
    request = await asked(change)
    before = await told(database, kind)
    assert (await decide(request))[0] == 200
    [event] = (await told(database, kind))[len(before) :]
    said = event.model_dump_json()
    assert all(f'"{value}"' in said or f":{value}" in said for name, value in request["new"].items() if value), said
    # The same answer, however often; and no other any more.
    assert (await decide(request))[0] == 200
    assert (await decide(request, REFUSED))[1]["type"] == "urn:problem:dossier:change-decided"
    status, problem, _ = await send("DELETE", f"/change-requests/{request['id']}")
    assert (status, problem["type"]) == (409, "urn:problem:dossier:change-decided")
    assert len(await told(database, kind)) == len(before) + 1
    assert len(await told(database, NoticeWritten)) == 1


async def test_a_quotient_counts_from_the_next_month_or_from_when_the_desk_says(
    asked: Any, decide: Any, ask: Ask, database: Database
) -> None:
    today = day_in_paris(clock.now())
    request = await asked(QUOTIENT)
    assert request["old"] == {"value": 980, "source": "caf"}
    first_day = counts_from(today)
    assert (await decide(request))[1]["counts_from"] == str(first_day)
    [first, second] = (await told(database, QuotientChanged))[-1].quotients
    assert (first.value, first.valid_to) == (980, first_day - timedelta(days=1))
    assert (second.value, second.valid_from, second.valid_to) == (512, first_day, default_end(first_day))
    slip = await asked(QUOTIENT | {"value": 400})
    status, problem = await decide(slip, ACCEPTED | {"counts_from": "9999-12-31"})
    assert (status, [one["pointer"] for one in problem["errors"]]) == (422, ["/counts_from"])
    assert (await decide(slip, ACCEPTED | {"counts_from": str(today)}))[0] == 200
    # Backdated, and from a day that had one already.
    for value, day in ((300, today), (200, first_day)):
        await decide(await asked(QUOTIENT | {"value": value}), ACCEPTED | {"counts_from": str(day)})
    told_last = (await told(database, QuotientChanged))[-1].quotients
    assert [(one.value, one.valid_from) for one in told_last[-2:]] == [(300, today), (200, first_day)]
    assert (await ask("/dossiers/mine"))[1]["quotient"]["value"] == 300
    history = (await ask(f"/dossiers/{MOREAU}/quotients"))[1]["items"]
    assert [one["reason"] for one in history[:2]] == [ACCEPTED["reason"]] * 2


async def test_twins_are_born_each_once(asked: Any, decide: Any, ask: Ask, send: Send, database: Database) -> None:
    born = str(day_in_paris(clock.now()) - timedelta(days=3))
    zoe, leo = (BABY | {"first_name": name, "birth_date": born} for name in ("Zoé", "Léo"))
    first, again, second = await asked(zoe), await asked(zoe), await asked(leo)
    assert (first["id"], first["old"], first["subject"]) == (again["id"], None, "Zoé Moreau")
    for request in (first, second):
        assert (await decide(request))[0] == 200
    names = [child["first_name"] for child in (await ask("/dossiers/mine"))[1]["children"]]
    assert sorted(names) == ["Inès", "Léo", "Tom", "Zoé"]
    baby = (await told(database, ChildChanged))[-2]
    assert (baby.first_name, baby.dossier_ids, baby.resident, str(baby.birth_date)) == ("Zoé", (MOREAU,), True, born)
    status, problem, _ = await send("POST", ASK, {"change": zoe})
    assert (status, problem["type"]) == (409, "urn:problem:dossier:child-known")


async def test_ten_agents_decide_at_the_same_moment_once(asked: Any, decide: Any, database: Database) -> None:
    request = await asked(NAMES)
    answers = await asyncio.gather(*(decide(request, one) for one in (ACCEPTED, REFUSED) * 5))
    assert sorted(status for status, _ in answers) == [200] * 5 + [409] * 5
    assert len(await told(database, NoticeWritten)) == 1


async def test_a_request_that_time_has_overtaken_is_not_applied(asked: Any, decide: Any, ask: Ask, send: Send) -> None:
    first = await asked(ADDRESS)
    assert (await decide(first, REFUSED))[0] == 200
    late = await asked(ADDRESS | {"street": "5 rue Neuve"})
    by_desk = {"change": ADDRESS | {"street": "7 rue Neuve"}}
    # Waiting, it is in the way of any other; withdrawn, of none.
    status, problem, _ = await send("POST", ASK, by_desk, "agent")
    assert (status, problem["type"]) == (409, "urn:problem:dossier:change-asked")
    assert (await send("DELETE", f"/change-requests/{late['id']}"))[1]["status"] == "withdrawn"
    assert (await send("DELETE", f"/change-requests/{late['id']}"))[1]["status"] == "withdrawn"
    assert (await decide(late))[1]["type"] == "urn:problem:dossier:change-decided"
    assert (await send("POST", ASK, by_desk, "agent"))[0] == 201


async def test_what_is_no_longer_as_it_was_is_outdated(asked: Any, decide: Any, ask: Ask, database: Database) -> None:
    request = await asked(NAMES)
    async with database.sessions.begin() as session:
        await session.execute(text(f"UPDATE adults SET last_name = 'Leroy' WHERE id = '{CLAIRE}'"))
    status, problem = await decide(request)
    assert (status, problem["type"]) == (409, "urn:problem:dossier:change-outdated")
    assert (await decide(request, REFUSED))[0] == 200
    [notice] = await told(database, NoticeWritten)
    assert REFUSED["reason"] in " ".join(notice.paragraphs)
    assert (await ask("/dossiers/mine"))[1]["adults"][0]["last_name"] == "Leroy"


async def test_both_families_of_a_child_are_told_and_neither_sees_the_others_requests(
    asked: Any, decide: Any, send: Send, database: Database
) -> None:
    async with database.sessions.begin() as session:
        await session.execute(text(f"INSERT INTO dossier_children VALUES ('{MARTIN}', '{TOM}')"))
    request = await asked(IDENTITY)
    assert (await send("GET", "/change-requests", dossier_id=MARTIN))[1]["items"] == []
    await decide(request)
    assert {one.dossier_id for one in await told(database, NoticeWritten)} == {MOREAU, MARTIN}


async def test_a_custody_is_asked_by_one_family_and_counts_for_both(
    asked: Any, decide: Any, database: Database
) -> None:
    first, later = date(2027, 1, 4), date(2027, 3, 1)
    week, other = ["own"] * 7, ["other"] * 7
    wish = {"kind": "custody", "child_id": str(TOM), "valid_from": str(first), "days": week + other}
    request = await asked(wish)
    assert (request["old"], request["new"]["days"], request["subject"]) == (None, week + other, "Tom Moreau")
    # Of one family alone there is nothing to share: the desk says who the other one is first.
    assert (await decide(request))[1]["type"] == "urn:problem:dossier:not-shared"
    async with database.sessions.begin() as session:
        await session.execute(text(f"INSERT INTO dossier_children VALUES ('{MARTIN}', '{TOM}')"))
    assert (await decide(request))[0] == 200
    custody = (await told(database, ChildChanged))[-1].custody
    assert [(one.valid_from, one.days) for one in custody.patterns] == [(first, (MOREAU,) * 7 + (MARTIN,) * 7)]
    request = await asked(wish | {"valid_from": str(later), "days": other})
    assert request["old"] == {"valid_from": str(first), "days": week + other}
    assert (await decide(request))[0] == 200
    custody = (await told(database, ChildChanged))[-1].custody
    assert [(one.valid_from, len(one.days)) for one in custody.patterns] == [(first, 14), (later, 7)]
    notices = [one.dossier_id for one in await told(database, NoticeWritten)]
    assert (notices.count(MOREAU), notices.count(MARTIN)) == (4, 2)


async def test_the_desk_has_a_queue_and_a_family_its_own(asked: Any, decide: Any, send: Send) -> None:
    requests = [await asked(change) for change in (ADDRESS, NAMES, QUOTIENT)]
    await decide(requests[0], REFUSED)
    _, queue, _ = await send("GET", "/change-requests?status=waiting&limit=1", role="agent")
    assert [one["id"] for one in queue["items"]] == [requests[1]["id"]]
    _, rest, _ = await send("GET", f"/change-requests?status=waiting&cursor={queue['next_cursor']}", role="agent")
    assert ([one["id"] for one in rest["items"]], rest["next_cursor"]) == ([requests[2]["id"]], None)
    _, theirs, _ = await send("GET", f"/change-requests?dossier_id={MARTIN}", role="agent")
    assert theirs["items"] == []
    _, mine, _ = await send("GET", "/change-requests?limit=2")
    assert [one["id"] for one in mine["items"]] == [requests[2]["id"], requests[1]["id"]]
    _, rest, _ = await send("GET", f"/change-requests?limit=2&cursor={mine['next_cursor']}")
    assert [one["status"] for one in rest["items"]] == ["refused"]
    assert (await send("GET", f"/change-requests?dossier_id={MARTIN}"))[0] == 404
    assert (await send("GET", f"/change-requests/{requests[0]['id']}"))[1] == rest["items"][0]


@pytest.mark.usefixtures("schools")
@pytest.mark.parametrize(
    ("change", "pointer"),
    [
        (ADDRESS | {"postcode": "7501"}, "/change/postcode"),
        (ADDRESS | {"resident": True}, "/change/resident"),
        (NAMES | {"last_name": "\n"}, "/change/last_name"),
        (QUOTIENT | {"value": -1}, "/change/value"),
        (
            {"kind": "custody", "child_id": str(TOM), "valid_from": "2027-01-04", "days": ["own"]},
            "/change/days",
        ),
        (BABY | {"birth_date": str(date.today() + timedelta(days=30))}, "/change/birth_date"),  # noqa: DTZ011 -- far off
        (BABY | {"birth_date": "1990-01-01"}, "/change/birth_date"),
        (SCHOOL | {"school_id": str(named_id("site", "la-bievre"))}, "/change/school_id"),
        (SCHOOL | {"school_year": "2026-2028"}, "/change/school_year"),
        ({"kind": "roles"}, "/change"),
        (
            {"kind": "address", "street": "27 rue du Lavoir", "postcode": "94990", "city": "Villeneuve-sur-Bièvre"},
            "/change",
        ),
    ],
)
async def test_what_cannot_be_asked_is_said_by_field(send: Send, change: dict[str, Any], pointer: str) -> None:
    status, problem, _ = await send("POST", ASK, {"change": change})
    assert (status, pointer in [one["pointer"] for one in problem["errors"]]) == (422, True), problem


async def test_a_proof_is_a_document_of_the_family(asked: Any, send: Send, database: Database) -> None:
    theirs, others = new_id(), new_id()
    async with database.sessions.begin() as session:
        kind = await session.scalar(text("SELECT code FROM document_kinds WHERE about = 'dossier' LIMIT 1"))
        for document_id, dossier_id in ((theirs, MOREAU), (others, MARTIN)):
            await session.execute(
                text(
                    "INSERT INTO documents (id, version, status, dossier_id, kind, media_type, size, uploaded_at,"
                    " uploaded_by, at_desk) VALUES"
                    " (:id, 1, 'waiting', :dossier, :kind, 'image/png', 1, now(), :id, false)"
                ),
                {"id": document_id, "dossier": dossier_id, "kind": kind},
            )
    for document_id in (others, new_id()):
        body = {"change": NAMES, "document_ids": [str(theirs), str(document_id)]}
        status, problem, _ = await send("POST", ASK, body)
        assert (status, problem["errors"][0]["pointer"]) == (422, "/document_ids/1")
    assert (await asked(NAMES, document_ids=[str(theirs)]))["document_ids"] == [str(theirs)]


async def test_what_belongs_to_another_kind_of_decision_is_refused(asked: Any, decide: Any) -> None:
    request = await asked(NAMES)
    for field, value in (("counts_from", "2026-01-01"), ("resident", True)):
        status, problem = await decide(request, ACCEPTED | {field: value})
        assert (status, problem["errors"][0]["pointer"]) == (422, f"/{field}")
    assert (await decide(request, {"decision": "accepted", "reason": " "}))[0] == 422


async def test_another_familys_requests_are_not_found(asked: Any, send: Send, decide: Any, ask: Ask) -> None:
    request = await asked(NAMES)
    for method, path in (
        ("GET", f"/change-requests/{request['id']}"),
        ("DELETE", f"/change-requests/{request['id']}"),
        ("POST", ASK),
    ):
        body = {"change": ADDRESS} if method == "POST" else None
        assert (await send(method, path, body, dossier_id=MARTIN))[0] == 404
    theirs = NAMES | {"adult_id": str(named_id("adult", "100001", "1"))}
    assert (await send("POST", ASK, {"change": theirs}))[0] == 404
    assert (await send("POST", ASK, {"change": IDENTITY | {"child_id": str(new_id())}}))[0] == 404
    path = f"/change-requests/{request['id']}/decision"
    assert (await send("POST", path, ACCEPTED))[0] == 403
    assert (await send("POST", path.replace(request["id"], str(new_id())), ACCEPTED, "agent"))[0] == 404
    assert (await ask("/dossiers/mine"))[1]["adults"][0]["last_name"] == "Moreau"


def test_a_quotient_counts_from_the_month_after() -> None:
    assert counts_from(date(2026, 12, 31)) == date(2027, 1, 1)
    assert counts_from(date(2026, 11, 1)) == date(2026, 12, 1)
