"""Quotients asked of API Particulier, by who agreed to it: one family, or all of them."""

import asyncio
from collections.abc import AsyncIterator, Callable
from dataclasses import replace
from datetime import timedelta
from pathlib import Path
from typing import Any
from uuid import UUID

import aiohttp
import pytest
from aiohttp import web
from chassis import clock
from chassis.database import Database
from chassis.identifiers import new_id
from chassis.testing import Signer
from contracts.dossier import QuotientChanged
from dossier.quotients import asking
from dossier.quotients.particulier import (
    Access,
    CivilStatus,
    NotConnected,
    ParticulierDown,
    TokenRefused,
    Unknown,
    connected,
)
from dossier.settings import Settings
from sqlalchemy import text

from deploy.sandbox.particulier import PATH, TOKEN, Particulier
from services.dossier.tests.test_dossier_dossiers import move_clock
from services.dossier.tests.villeneuve import CLAIRE, MARTIN, MOREAU, published

Call = Callable[..., Any]
CLAIRES = {
    "birth_name": "Moreau",
    "first_names": ["Claire"],
    "sex": "F",
    "birth_date": "1988-04-12",
    "birthplace": "94076",
}
CONSENT = f"/dossiers/{MOREAU}/adults/{CLAIRE}/quotient-consent"
LOOKUP = f"/dossiers/{MOREAU}/quotient-lookups"


@pytest.fixture
def outside() -> Particulier:
    """API Particulier as it publishes its examples."""
    return Particulier()


@pytest.fixture
async def settings(settings: Settings, outside: Particulier) -> AsyncIterator[Settings]:
    application = web.Application()
    application.add_routes(outside.routes())
    runner = web.AppRunner(application)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", 0).start()
    url = f"http://127.0.0.1:{runner.addresses[0][1]}"
    asked = {"particulier_url": url, "particulier_token": TOKEN, "particulier_recipient": "21940076200018"}
    yield settings.model_copy(update=asked)
    await runner.cleanup()


@pytest.fixture
def access(settings: Settings) -> Access:
    return settings.particulier


@pytest.fixture
def call(client: aiohttp.ClientSession, signer: Signer) -> Call:
    async def calling(
        method: str, path: str, body: Any = None, role: str = "agent", guardian_id: UUID = CLAIRE, **more: Any
    ) -> tuple[int, Any]:
        claims = {"dossier_id": MOREAU, "guardian_id": guardian_id} | more if role == "guardian" else {}
        headers = {"Authorization": f"Bearer {signer.token(role, **claims)}"}
        async with client.request(method, f"/v1{path}", json=body, headers=headers) as answer:
            return answer.status, await answer.json() if answer.content_length else None

    return calling


async def _quotients(database: Database) -> list[QuotientChanged]:
    return [event for event in await published(database) if isinstance(event, QuotientChanged)]


@pytest.mark.usefixtures("loaded")
async def test_who_agrees_is_asked_for_and_who_agrees_no_more_leaves_nothing(
    call: Call, database: Database, outside: Particulier
) -> None:
    assert (await call("POST", LOOKUP))[1]["outcome"] == "no_consent"
    assert outside.calls == 0
    assert await call("GET", CONSENT, role="guardian") == (
        200,
        {"agreed": False, "agreed_at": None, "possible": True},
    )
    assert (await call("PUT", CONSENT, CLAIRES, "guardian"))[0] == 200
    assert (await call("GET", CONSENT))[1]["agreed"]
    status, answer = await call("POST", LOOKUP)
    assert (status, answer) == (200, {"outcome": "changed", "detail": "Quotient de 864 €, connu en 11/2026."})
    told = (await _quotients(database))[-1]
    assert [(one.value, one.source) for one in told.quotients] == [(980, "caf"), (864, "caf")]
    assert (await call("POST", LOOKUP))[1]["outcome"] == "unchanged"
    assert (await call("DELETE", CONSENT, role="guardian"))[0] == 204
    assert (await call("DELETE", CONSENT))[0] == 204
    async with database.sessions.begin() as session:
        assert await session.scalar(text("SELECT count(*) FROM quotient_consents")) == 0
    assert (await call("POST", LOOKUP))[1]["outcome"] == "no_consent"


@pytest.mark.usefixtures("loaded")
async def test_a_guardian_speaks_for_themselves_alone(call: Call) -> None:
    assert (await call("PUT", CONSENT, CLAIRES, "guardian", guardian_id=new_id()))[0] == 404
    assert (await call("PUT", CONSENT, CLAIRES, "guardian", dossier_id=MARTIN))[0] == 404
    assert (await call("PUT", CONSENT.replace(str(MOREAU), str(MARTIN)), CLAIRES))[0] == 404
    assert (await call("POST", LOOKUP, role="guardian"))[0] == 403
    assert (await call("POST", LOOKUP.replace(str(MOREAU), str(new_id()))))[0] == 404
    for field, wrong in (
        ("birthplace", {"birthplace": None}),
        ("birthplace", {"birth_country": "99404"}),
        ("sex", {"sex": "X"}),
        ("birth_date", {"birth_date": "2999-01-01"}),
    ):
        status, problem = await call("PUT", CONSENT, CLAIRES | wrong)
        assert (status, [one["pointer"] for one in problem["errors"]]) == (422, [f"/{field}"])
    assert (await call("PUT", CONSENT, CLAIRES))[0] == 200


@pytest.mark.usefixtures("loaded")
async def test_an_agent_is_told_in_french_why_nothing_was_found(call: Call, outside: Particulier) -> None:
    await call("PUT", CONSENT, CLAIRES | {"birth_name": "Inconnue"})
    assert await call("POST", LOOKUP) == (
        200,
        {"outcome": "unknown", "detail": "Dossier allocataire inexistant. Le document ne peut être édité."},
    )
    outside.down = 1
    status, problem = await call("POST", LOOKUP)
    assert (status, problem["type"]) == (503, "urn:problem:dossier:particulier-unavailable")


@pytest.mark.usefixtures("loaded")
async def test_who_withdraws_while_the_question_is_out_is_not_recorded(
    database: Database, call: Call, access: Access
) -> None:
    await call("PUT", CONSENT, CLAIRES)
    before = len(await published(database))
    async with connected(access) as particulier:
        found = await asking.ask(particulier, [_status()])
    await call("PUT", CONSENT, CLAIRES | {"birth_name": "Inconnue"})
    async with database.sessions.begin() as session:
        assert (await asking.keep(session, MOREAU, found)).outcome == "no_consent"
    assert len(await published(database)) == before


def _status(**other: Any) -> CivilStatus:
    facts: dict[str, Any] = (
        CLAIRES | {"birth_country": "99100", "birth_date": clock.now().date().replace(1988, 4, 12)} | other
    )
    return CivilStatus(**facts)


async def _everybody(database: Database) -> None:
    """Every family of the demo town has an adult who agrees; of one of them nobody is known."""
    async with database.sessions.begin() as session:
        await session.execute(
            text(
                "INSERT INTO quotient_consents SELECT DISTINCT ON (dossier_id) id, dossier_id,"
                " CASE WHEN last_name = 'Moreau' THEN 'Moreau' WHEN last_name = 'Martin' THEN 'Dupont' ELSE 'X' END,"
                " CASE WHEN last_name = 'Martin' THEN ARRAY['Sophie'] ELSE ARRAY['Claire'] END, 'F',"
                " CASE WHEN last_name = 'Martin' THEN date '1982-09-03' ELSE date '1988-04-12' END, '99100',"
                " CASE WHEN last_name = 'Martin' THEN '13001' ELSE '94076' END, now(), id FROM adults"
                " ORDER BY dossier_id, last_name"
            )
        )


@pytest.mark.usefixtures("loaded")
async def test_all_families_are_asked_for_once_whoever_dies_or_is_down(
    database: Database,
    call: Call,
    access: Access,
    outside: Particulier,
    clock_file: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(asking, "PACE_S", 0)
    await _everybody(database)
    status, campaign = await call("POST", "/quotient-campaigns", role="administrator")
    assert (status, campaign["status"], campaign["total"], campaign["done"]) == (202, "running", 3, 0)
    assert (await call("POST", "/quotient-campaigns", role="administrator"))[1]["id"] == campaign["id"]
    path = f"/quotient-campaigns/{campaign['id']}"
    outside.down = 1
    await asking.ask_for_everybody(database, access)
    paused = (await call("GET", path, role="administrator"))[1]
    assert (paused["done"], "recommencez" in paused["trouble"]) == (0, True)
    calls = outside.calls
    await asking.ask_for_everybody(database, access)  # left alone for a while
    assert outside.calls == calls
    move_clock(clock_file, clock.now() + timedelta(seconds=61))

    async def dying(*_: Any) -> Any:
        raise ConnectionError

    with monkeypatch.context() as broken:
        broken.setattr(asking, "keep", dying)
        with pytest.raises(ConnectionError):
            await asking.ask_for_everybody(database, access)
    move_clock(clock_file, clock.now() + timedelta(seconds=61))
    await asyncio.gather(*(asking.ask_for_everybody(database, access) for _ in range(3)))
    report = (await call("GET", path, role="administrator"))[1]
    assert (report["status"], report["done"], report["changed"], report["unknown"]) == ("done", 3, 2, 1)
    assert (report["trouble"], report["next_number"]) == (None, None)
    assert [(one["number"], one["outcome"]) for one in report["items"]] == [("100002", "unknown")]
    assert {(event.dossier_id, event.quotients[-1].value) for event in (await _quotients(database))[-2:]} == {
        (MOREAU, 864),
        (MARTIN, 900),
    }
    again = (await call("POST", "/quotient-campaigns", role="administrator"))[1]
    assert again["id"] != campaign["id"]
    await asking.ask_for_everybody(database, access)
    listed = (await call("GET", "/quotient-campaigns", role="administrator"))[1]["items"]
    assert [(one["id"], one["changed"], one["unchanged"]) for one in listed] == [
        (again["id"], 0, 2),
        (campaign["id"], 2, 0),
    ]
    older = f"/quotient-campaigns?cursor={again['id']}&limit=1"
    assert [one["id"] for one in (await call("GET", older, role="administrator"))[1]["items"]] == [campaign["id"]]


@pytest.mark.usefixtures("loaded")
async def test_a_town_without_a_token_asks_nobody(database: Database, access: Access) -> None:
    with pytest.raises(NotConnected):
        async with connected(replace(access, token="")):
            pass


async def test_what_api_particulier_answers_is_understood(access: Access, outside: Particulier) -> None:
    async with connected(access) as particulier:
        abroad = {"birth_name": "Simpson", "first_names": ["Marge"], "birth_country": "99404", "birthplace": None}
        found = await particulier.quotient(_status(**abroad, birth_date=clock.now().date().replace(1980, 11, 15)))
        assert (found.provider, found.value, found.month, found.year) == ("CNAF", 300, 8, 2024)
        with pytest.raises(Unknown, match="inexistant"):
            await particulier.quotient(_status(birthplace="75056"))
        outside.down = 1
        with pytest.raises(ParticulierDown):
            await particulier.quotient(_status())
    async with connected(replace(access, token="old")) as particulier:
        with pytest.raises(TokenRefused):
            await particulier.quotient(_status())
    async with connected(replace(access, recipient="1")) as particulier:
        with pytest.raises(Unknown, match="SIRET"):
            await particulier.quotient(_status())
    async with connected(replace(access, url="http://127.0.0.1:9")) as particulier:
        with pytest.raises(ParticulierDown):
            await particulier.quotient(_status())


@pytest.mark.parametrize(
    ("status", "body", "expected"),
    [
        (200, '{"data": {"quotient_familial": {"valeur": "x"}}}', ParticulierDown),
        (200, "[]", ParticulierDown),
        (200, "<html>", ParticulierDown),
        (404, "{}", Unknown),
        (403, '{"errors": []}', TokenRefused),
        (429, '{"errors": [{"code": "00429"}]}', ParticulierDown),
        (500, "", ParticulierDown),
    ],
)
async def test_no_answer_breaks_the_client(access: Access, status: int, body: str, expected: type[Exception]) -> None:
    async def answered(_: web.Request) -> web.Response:
        return web.Response(status=status, text=body, headers={"Retry-After": "7"})

    application = web.Application()
    application.add_routes([web.get(PATH, answered)])
    runner = web.AppRunner(application)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", 0).start()
    url = f"http://127.0.0.1:{runner.addresses[0][1]}"
    try:
        async with connected(replace(access, url=url)) as particulier:
            with pytest.raises(expected) as raised:
                await particulier.quotient(_status())
        if status == 429:
            assert getattr(raised.value, "retry_after_s", None) == 7
    finally:
        await runner.cleanup()
