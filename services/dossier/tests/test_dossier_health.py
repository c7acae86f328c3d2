"""Health records: sealed, read by whom it concerns, each read kept; briefs; keys that take each other's place."""

import asyncio
import json
import os
import sys
from collections.abc import Awaitable, Callable
from datetime import date, timedelta
from typing import Any
from urllib.parse import quote
from uuid import UUID, uuid4

import aiohttp
import pytest
from chassis import clock
from chassis.database import Database
from chassis.identifiers import named_id
from chassis.testing import Signer
from contracts.enrolment import BookingConfirmed, BookingLine, EnrolmentChanged
from cryptography.exceptions import InvalidTag
from dossier.health import records
from dossier.health.models import HealthRecord
from dossier.health.rules import Stay, faults, looked_after_at, school_stay
from dossier.keys import Ring, new_key
from dossier.settings import Settings
from french.paris import day_in_paris
from sqlalchemy import select, text

from services.dossier.tests.villeneuve import MARTIN, MOREAU, hear
from tests.builders import sample

TODAY = date(2026, 11, 25)
INES, TOM = named_id("child", "100042", "Inès"), named_id("child", "100042", "Tom")
HUGO = named_id("child", "100001", "Hugo")
SCHOOL, OTHER_SCHOOL = named_id("site", "jean-jaures"), named_id("site", "les-tilleuls")
CENTRE = named_id("site", "la-bievre")
RECORD = {
    "allergies": "Arachide : trousse d'urgence au bureau.",
    "treatments": None,
    "pai": {"valid_from": "2026-09-01", "valid_to": "2098-07-05", "instructions": "Adrénaline, puis le 15."},
    "doctor": {"name": "Dr Petit", "phone": "0612345678"},
    "vaccines": [{"name": "DTP", "date": "2024-03-02"}],
    "remarks": "Porte des lunettes.",
}

Call = Callable[..., Awaitable[tuple[int, Any, str | None]]]


@pytest.fixture
def call(client: aiohttp.ClientSession, signer: Signer, loaded: object) -> Call:
    async def called(
        method: str, path: str, body: Any = None, *, token: str = "", seen: str | None = None
    ) -> tuple[int, Any, str | None]:
        bearer = token or signer.token("guardian", dossier_id=MOREAU, sub=str(MOREAU))
        headers = {"Authorization": f"Bearer {bearer}"} | ({"If-Match": seen} if seen else {})
        async with client.request(method, f"/v1{path}", json=body, headers=headers) as answer:
            return answer.status, await answer.json(), answer.headers.get("ETag")

    return called


# ---------------------------------------------------------------------- rules and keys


@pytest.mark.parametrize(
    ("first", "last", "is_theirs"),
    [(-10, 0, True), (0, 30, True), (7, 12, True), (8, 12, False), (-10, -1, False)],
)
def test_a_child_is_theirs_who_look_after_it_from_a_week_before_to_its_last_day(
    first: int, last: int, is_theirs: bool
) -> None:
    stay = Stay(CENTRE, TODAY + timedelta(days=first), TODAY + timedelta(days=last))
    assert looked_after_at([stay], [SCHOOL, CENTRE], TODAY) == (CENTRE if is_theirs else None)
    assert looked_after_at([stay], [SCHOOL], TODAY) is None


def test_a_school_year_runs_from_september_to_august() -> None:
    assert school_stay(SCHOOL, "2026-2027") == Stay(SCHOOL, date(2026, 9, 1), date(2027, 8, 31))


def test_days_that_cannot_be_are_named() -> None:
    tomorrow = TODAY + timedelta(days=1)
    assert faults((TODAY, TODAY), [TODAY], TODAY) == []
    assert [pointer for pointer, _ in faults((tomorrow, TODAY), [TODAY, tomorrow], TODAY)] == [
        "/pai/valid_to",
        "/vaccines/1/date",
    ]


def test_a_newer_key_seals_and_an_older_one_still_opens() -> None:
    old, new = new_key(), new_key()
    before, both, after = (Ring(json.dumps(keys)) for keys in ([old], [new, old], [new]))
    sealed = before.seal("a child", b"arachide")
    assert b"arachide" not in sealed
    assert sealed != before.seal("a child", b"arachide")
    assert both.open(before.newest, "a child", sealed) == b"arachide"
    assert both.newest == after.newest == new["id"]
    with pytest.raises(KeyError):
        after.open(before.newest, "a child", sealed)
    with pytest.raises(InvalidTag):
        both.open(before.newest, "another child", sealed)


@pytest.mark.parametrize("said", ["", "{}", "[]", '[{"id": "a"}]', '[{"id": "a", "key": "c2hvcnQ="}]'])
def test_keys_that_are_none_are_refused(settings: Settings, said: str) -> None:
    with pytest.raises(ValueError, match="a list of keys of 256 bits"):
        Settings(**settings.model_dump() | {"health_keys": said})


# ---------------------------------------------------------------------- read and written


async def test_a_family_writes_what_it_alone_and_the_desk_read_and_each_read_is_shown(
    call: Call, database: Database, signer: Signer
) -> None:
    path = f"/children/{INES}/health"
    status, nothing, etag = await call("GET", path)
    assert (status, nothing["version"], nothing["allergies"], nothing["vaccines"], etag) == (200, 0, None, [], '"0"')
    assert (await call("PUT", path, RECORD))[0] == 428
    status, written, etag = await call("PUT", path, RECORD, seen='"0"')
    assert (status, etag) == (200, '"1"')
    assert {name: written[name] for name in RECORD} == RECORD
    assert (await call("GET", path))[1] == written
    assert (await call("PUT", path, {"remarks": "Rien."}, seen='"0"'))[0] == 412
    assert (await call("PUT", path, RECORD | {"treatments": "Ventoline."}, seen=etag))[1]["version"] == 2

    agent = signer.token("agent", name="Luc Petit")
    acting = f"{path}?dossier_id={MOREAU}"
    status, problem, _ = await call("GET", acting, token=agent)
    assert (status, [error["pointer"] for error in problem["errors"]]) == (422, ["/query/reason"])
    reason = f"PAI à vérifier\n{'A' * 480}"
    status, read, _ = await call("GET", f"{acting}&reason={quote(reason)}", token=agent)
    assert (status, read["treatments"]) == (200, "Ventoline.")
    for by, where in ((MARTIN, path), (MOREAU, f"/children/{HUGO}/health"), (MOREAU, f"/children/{uuid4()}/health")):
        stranger = signer.token("guardian", dossier_id=by)
        assert (await call("GET", where, token=stranger))[0] == 404
        assert (await call("PUT", where, RECORD, token=stranger, seen='"2"'))[0] == 404
        assert (await call("GET", where.replace("health", "accesses"), token=stranger))[0] == 404

    _, seen, _ = await call("GET", f"/children/{INES}/accesses")
    assert [(one["role"], one["mine"], one["reason"]) for one in seen["items"]] == [
        ("agent", False, reason),
        ("guardian", True, None),
        ("guardian", True, None),
    ]
    assert "Luc Petit" not in json.dumps(seen)
    async with database.sessions() as session:
        (row,) = await session.execute(text("SELECT * FROM health_records"))
        assert b"rachide" not in row.sealed
        assert "rachide" not in str(row)


async def test_a_familys_copy_of_its_data_has_its_health_records_opened(call: Call, signer: Signer) -> None:
    assert (await call("PUT", f"/children/{INES}/health", RECORD, seen='"0"'))[0] == 200

    async def copied(token: str = "") -> list[Any]:
        status, said, _ = await call("GET", "/me/export", token=token)
        assert status == 200
        return [row for one in said["held"] if one["table"] == "health_records" for row in one["rows"]]

    (row,) = await copied()
    assert row == {"child_id": str(INES)} | RECORD
    assert await copied(signer.token("guardian", dossier_id=MARTIN)) == await copied(signer.token("agent")) == []
    _, seen, _ = await call("GET", f"/children/{INES}/accesses")
    assert [one["reason"] for one in seen["items"]] == ["Copie de ses données"]


async def test_two_who_write_at_the_same_moment_do_not_overwrite_each_other(call: Call) -> None:
    path = f"/children/{TOM}/health"
    twins = await asyncio.gather(*(call("PUT", path, {"remarks": str(n)}, seen='"0"') for n in range(4)))
    assert sorted(status for status, _, _ in twins) == [200, 412, 412, 412]
    (kept,) = (answer for status, answer, _ in twins if status == 200)
    assert (await call("GET", path))[1] == kept


@pytest.mark.parametrize(
    ("change", "pointer"),
    [
        ({"allergies": "x" * 2001}, "/allergies"),
        ({"remarks": "a\0"}, "/remarks"),
        ({"pai": {"valid_from": "2026-09-01", "valid_to": "2026-08-01", "instructions": "Rien."}}, "/pai/valid_to"),
        ({"pai": {"valid_from": "2026-09-01", "valid_to": "2027-08-01"}}, "/pai/instructions"),
        ({"vaccines": [{"name": "DTP", "date": "2098-01-01"}]}, "/vaccines/0/date"),
        ({"doctor": {"name": "Dr Petit", "phone": "12"}}, "/doctor/phone"),
        ({"dossier_id": str(MOREAU)}, "/dossier_id"),
        ({"blood": "O"}, "/blood"),
    ],
)
async def test_what_cannot_be_written_is_pointed_at(call: Call, change: dict[str, Any], pointer: str) -> None:
    status, problem, _ = await call("PUT", f"/children/{INES}/health", change, seen='"0"')
    assert (status, [error["pointer"] for error in problem["errors"]]) == (422, [pointer])


# ---------------------------------------------------------------------- briefs


async def test_who_looks_after_a_child_is_briefed_and_nobody_else(
    call: Call, database: Database, signer: Signer
) -> None:
    today = day_in_paris(clock.now())
    assert (await call("PUT", f"/children/{INES}/health", RECORD, seen='"0"'))[0] == 200

    async def brief(site: UUID, *children: UUID) -> tuple[int, Any]:
        staff = signer.token("site_staff", site_ids=[str(site)])
        body = {"child_ids": [str(child) for child in children]}
        return (await call("POST", "/children/health-briefs", body, token=staff))[:2]

    status, told = await brief(SCHOOL, INES)
    (ines,) = told["items"]
    assert (status, ines["first_name"], ines["menu"]) == (200, "Inès", "standard")
    assert (ines["allergies"], ines["pai"]["instructions"]) == (RECORD["allergies"], "Adrénaline, puis le 15.")
    assert "vaccines" not in ines
    for site, children in ((SCHOOL, (TOM,)), (SCHOOL, (INES, TOM)), (CENTRE, (INES,)), (SCHOOL, (INES, uuid4()))):
        assert (await brief(site, *children))[0] == 404

    enrolled = sample(
        EnrolmentChanged, child_id=TOM, site_id=CENTRE, valid_from=today, valid_to=today + timedelta(days=30)
    )
    line = (
        sample(BookingConfirmed)
        .lines[0]
        .model_copy(
            update={"child_id": INES, "site_id": CENTRE, "dates": (today + timedelta(days=6),), "status": "active"}
        )
    )
    assert isinstance(line, BookingLine)
    await hear(database, enrolled)
    await hear(database, sample(BookingConfirmed, lines=(line,)))
    status, told = await brief(CENTRE, TOM, INES)
    assert (status, [one["first_name"] for one in told["items"]]) == (200, ["Tom", "Inès"])
    await hear(database, enrolled.model_copy(update={"valid_to": today - timedelta(days=1), "version": 99}))
    assert (await brief(CENTRE, TOM))[0] == 404
    assert (await brief(OTHER_SCHOOL, TOM))[0] == 200

    _, seen, _ = await call("GET", f"/children/{INES}/accesses")
    assert [(one["role"], one["site_name"], one["reason"]) for one in seen["items"]] == [
        ("site_staff", None, "Accueil du jour")
    ] * 2
    assert (await call("POST", "/children/health-briefs", {"child_ids": [str(INES)]}))[0] == 403


# ---------------------------------------------------------------------- another key


async def test_records_are_sealed_anew_by_a_newer_key_also_by_who_died_in_between(
    call: Call, database: Database, settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    for child in (INES, TOM):
        assert (await call("PUT", f"/children/{child}/health", RECORD, seen='"0"'))[0] == 200
    old = json.loads(settings.health_keys)
    ring, after = Ring(json.dumps([fresh := new_key(), *old])), Ring(json.dumps([fresh]))
    monkeypatch.setattr(records, "BATCH", 1)
    opened, opens = ring.open, iter([False, True])

    def dies(*sealed: Any) -> bytes:
        if next(opens):
            raise ConnectionError
        return opened(*sealed)

    with monkeypatch.context() as patched:
        patched.setattr(ring, "open", dies)
        with pytest.raises(ConnectionError):
            await records.rotate(database, ring)
    environment = os.environ | {
        f"DOSSIER_{name.upper()}": str(value) for name, value in settings.model_dump(exclude={"health_keys"}).items()
    }
    environment["DOSSIER_HEALTH_KEYS"] = json.dumps([fresh, *old])
    ran = await asyncio.create_subprocess_exec(
        sys.executable, "-m", "dossier", "rotate-health-keys", env=environment, stdout=asyncio.subprocess.PIPE
    )
    said, _ = await ran.communicate()
    assert said.decode() == (
        f"Sealed anew by the key {fresh['id']}: 1 health records, 0 documents. The other keys are needed no more.\n"
    )
    assert await records.rotate(database, after) == 0
    async with database.sessions() as session:
        rows = (await session.scalars(select(HealthRecord))).all()
        assert [records.opened(after, row).allergies for row in rows] == [RECORD["allergies"]] * 2
        assert {row.version for row in rows} == {1}
