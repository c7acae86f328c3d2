"""Quotients recorded by the desk, one by one and by file."""

from collections.abc import Callable
from datetime import date, timedelta
from typing import Any
from uuid import UUID

import aiohttp
import pytest
from chassis import clock
from chassis.database import Database
from chassis.testing import Signer
from contracts.dossier import QuotientChanged
from dossier.imports.importing import go_on
from dossier.quotients.recording import Found, fault
from dossier.quotients.rules import counts_from, needs_reason
from french.paris import day_in_paris

from services.dossier.tests.villeneuve import CLAIRE, MARTIN, MOREAU, Ask, Send, published

Put = Callable[..., Any]
TODAY = date(2026, 11, 25)


@pytest.fixture
def put(client: aiohttp.ClientSession, signer: Signer, ask: Ask) -> Put:
    """A quotient as an agent records it, who has just read the dossier: status, and what is answered."""

    async def putting(body: Any, etag: str | None = None, dossier_id: UUID = MOREAU) -> tuple[int, Any]:
        seen = etag or (await ask(f"/dossiers/{dossier_id}", "agent"))[2]
        headers = {"Authorization": f"Bearer {signer.token('agent')}", "If-Match": str(seen)}
        async with client.put(f"/v1/dossiers/{dossier_id}/quotient", json=body, headers=headers) as answer:
            return answer.status, await answer.json()

    return putting


async def _told(database: Database) -> list[QuotientChanged]:
    return [event for event in await published(database) if isinstance(event, QuotientChanged)]


@pytest.mark.usefixtures("loaded")
async def test_a_quotient_counts_from_the_next_month_and_is_told(put: Put, database: Database, ask: Ask) -> None:
    first_day = counts_from(day_in_paris(clock.now()))
    status, answer = await put({"value": 640, "source": "msa"})
    assert (status, len(answer["items"])) == (200, 2)
    assert answer["items"][0] == {
        "value": 640,
        "source": "msa",
        "valid_from": str(first_day),
        "valid_to": f"{first_day.year + 1}-12-31",
        "reason": None,
    }
    told = (await _told(database))[-1]
    assert (told.dossier_id, [one.value for one in told.quotients]) == (MOREAU, [980, 640])
    assert told.quotients[0].valid_to == first_day - timedelta(days=1)
    events = len(await published(database))
    assert (await put({"value": 640, "source": "msa"}))[0] == 200
    assert len(await published(database)) == events
    assert (await ask(f"/dossiers/{MOREAU}/quotients"))[1] == answer
    assert (await ask(f"/dossiers/{MOREAU}/quotients", dossier_id=MARTIN))[0] == 404


@pytest.mark.usefixtures("loaded")
async def test_what_counts_from_before_needs_a_reason_which_is_kept(put: Put, ask: Ask) -> None:
    first_day = str(day_in_paris(clock.now()).replace(day=1))
    status, problem = await put({"value": 640, "source": "caf", "counts_from": first_day})
    assert (status, problem["errors"][0]["pointer"]) == (422, "/reason")
    reason = {"reason": "Attestation de la CAF remise en retard"}
    status, answer = await put({"value": 640, "source": "caf", "counts_from": first_day} | reason)
    assert (status, answer["items"][0]["reason"]) == (200, reason["reason"])
    assert (await ask(f"/dossiers/{MOREAU}", "agent"))[1]["quotient"]["value"] == 640


@pytest.mark.usefixtures("loaded")
async def test_the_second_of_two_agents_and_what_cannot_be_are_refused(put: Put, ask: Ask) -> None:
    seen = (await ask(f"/dossiers/{MOREAU}", "agent"))[2]
    assert (await put({"value": 1, "source": "caf"}, seen))[0] == 200
    assert (await put({"value": 2, "source": "caf"}, seen))[0] == 412
    for body in ({"value": -1, "source": "caf"}, {"value": 1, "source": "x"}, {"source": "caf"}, {"value": "1.5"}):
        assert (await put(body))[0] == 422
    for field, day in (("valid_to", "2020-01-01"), ("counts_from", "9999-12-31"), ("counts_from", "0202-01-01")):
        status, problem = await put({"value": 1, "source": "caf", "reason": "Erreur de saisie", field: day})
        assert (status, problem["errors"][0]["pointer"]) == (422, f"/{field}")


@pytest.mark.usefixtures("loaded")
async def test_quotients_come_by_file_line_by_line(
    client: aiohttp.ClientSession, signer: Signer, database: Database
) -> None:
    headers = {"Authorization": f"Bearer {signer.token('administrator')}"}
    today = day_in_paris(clock.now())
    file = (
        "Numéro;Quotient;quotient_source;quotient_debut;motif\n"
        "100042;640;msa;;\n"
        f"100001;655;;{today.replace(day=1):%d/%m/%Y};Campagne de rentrée\n"
        f"100001;655;;{today.replace(day=1):%d/%m/%Y};\n"
        "100002;cher;poche;;\n"
        "999999;640;;;\n"
    ).encode()

    async def sent(dry_run: bool) -> Any:
        path = f"/v1/imports?kind=quotients&dry_run={str(dry_run).lower()}"
        async with client.post(path, data=file, headers=headers) as answer:
            import_id = (await answer.json())["id"]
        while await go_on(database):
            pass
        async with client.get(f"/v1/imports/{import_id}", headers=headers) as answer:
            return await answer.json()

    before = len(await published(database))
    dry = await sent(dry_run=True)
    assert len(await published(database)) == before
    report = await sent(dry_run=False)
    for one in (dry, report):
        assert (one["kind"], one["created"], one["refused"]) == ("quotients", 2, 3)
        assert {line["line"]: {fault["column"] for fault in line["faults"]} for line in one["items"]} == {
            2: set(),
            3: set(),
            4: {"motif"},
            5: {"quotient_source"},
            6: {"numero"},
        }
    assert {(event.dossier_id, event.quotients[-1].value) for event in (await _told(database))[-2:]} == {
        (MOREAU, 640),
        (MARTIN, 655),
    }
    assert (await sent(dry_run=False))["known"] == 2
    async with client.post("/v1/imports?kind=quotients", data=b"numero;rue\n", headers=headers) as answer:
        problem = await answer.json()
        assert [one["pointer"] for one in problem["errors"]] == ["/quotient", "/rue"]


def test_a_month_that_has_begun_does_not_cost_otherwise_without_a_reason() -> None:
    assert counts_from(date(2026, 12, 31)) == date(2027, 1, 1)
    assert not needs_reason(date(2026, 12, 1), TODAY)
    assert needs_reason(date(2026, 11, 30), TODAY)
    assert fault(Found(640, "caf", date(2026, 11, 1)), TODAY) is not None
    assert fault(Found(640, "caf", date(2026, 11, 1), reason="Erreur de saisie"), TODAY) is None
    assert fault(Found(640, "caf"), TODAY) is None


@pytest.mark.usefixtures("loaded")
async def test_a_town_that_cannot_ask_keeps_nobodys_consent(send: Send) -> None:
    path = f"/dossiers/{MOREAU}/adults/{CLAIRE}/quotient-consent"
    person = {"birth_name": "Moreau", "first_names": ["Claire"], "sex": "F", "birth_date": "1988-04-12"}
    status, problem, _ = await send("PUT", path, person | {"birthplace": "94076"}, "agent")
    assert (status, problem["type"]) == (409, "urn:problem:dossier:particulier-not-connected")
    assert (await send("GET", path, role="agent"))[1] == {"agreed": False, "agreed_at": None, "possible": False}
