"""Whether a dossier is complete, by the town's description: judged when something changes, and each day; then told."""

from datetime import date, datetime, timedelta
from typing import Any

import pytest
from chassis import clock
from chassis.command import load
from chassis.database import Database
from chassis.identifiers import named_id, new_id
from chassis.reach import Reach
from chassis.service import Service
from chassis.testing import Databases
from contracts.dossier import DossierChanged
from dossier import dossiers
from dossier.documents import documents
from dossier.documents.models import DocumentStatus
from french.paris import day_in_paris
from sqlalchemy import text

from services.dossier.tests.villeneuve import MOREAU, WRITTEN, Ask, Send, published

TOM = named_id("child", "100042", "Tom")
INSURED = {"documents": ["assurance"]}


async def asking(service: Service, databases: Databases, completeness: dict[str, Any]) -> None:
    await load(service, databases.owner_url, WRITTEN | {"completeness": completeness})


async def handed_in(database: Database, kind: str, child: str | None, expires_on: date | None = None) -> Any:
    """A document that waits for the desk."""
    document_id = new_id()
    async with database.sessions.begin() as session:
        await session.execute(
            text(
                "INSERT INTO documents (id, version, status, dossier_id, child_id, kind, media_type, size, expires_on,"
                " uploaded_at, uploaded_by, at_desk) VALUES"
                " (:id, 1, 'waiting', :dossier, :child, :kind, 'image/png', 1, :expires, now(), :id, false)"
            ),
            {
                "id": document_id,
                "dossier": MOREAU,
                "child": child and named_id("child", "100042", child),
                "kind": kind,
                "expires": expires_on,
            },
        )
    return document_id


async def accept(database: Database, document_id: Any) -> None:
    reach = Reach(sub=new_id(), role="agent")
    async with database.sessions.begin() as session:
        await documents.decide(session, reach, document_id, DocumentStatus.ACCEPTED, None, None, clock.now())


async def judged(database: Database, now: datetime) -> None:
    more = True
    while more:
        async with database.sessions.begin() as session:
            more = await dossiers.judge_all(session, now)


async def told(database: Database) -> list[tuple[str, ...]]:
    """What the family's events say is missing, one after the other."""
    return [
        event.missing
        for event in await published(database)
        if isinstance(event, DossierChanged) and event.dossier_id == MOREAU
    ]


async def test_documents_complete_a_dossier_until_they_expire(
    service: Service, databases: Databases, database: Database, ask: Ask
) -> None:
    await asking(service, databases, INSURED)
    lacks = [f"attestation d'assurance scolaire pour {name}" for name in ("Inès", "Tom")]
    assert (await ask("/dossiers/mine"))[1]["missing"] == lacks
    last_day = day_in_paris(clock.now()) + timedelta(days=3)
    for name in ("Inès", "Tom"):
        await accept(database, await handed_in(database, "assurance", name, last_day))
    assert (await ask("/dossiers/mine"))[1]["missing"] == []
    assert await told(database) == [tuple(lacks), tuple(lacks[1:]), ()]
    await judged(database, clock.now())
    assert len(await told(database)) == 3


async def test_each_day_is_judged_once_and_tells_what_it_brings_about(
    service: Service, databases: Databases, database: Database, clock_file: Any
) -> None:
    await asking(service, databases, INSURED)
    for name in ("Inès", "Tom"):
        last_day = day_in_paris(clock.now()) + timedelta(days=3)
        await accept(database, await handed_in(database, "assurance", name, last_day))
    clock_file.write_text(str(timedelta(days=5).total_seconds()))
    for _ in range(2):
        await judged(database, clock.now())
    assert [len(lacks) for lacks in await told(database)] == [2, 1, 0, 2]


async def test_what_the_town_asks_for_anew_is_missing_in_dossiers_that_were_complete(
    service: Service, databases: Databases, database: Database, send: Send, ask: Ask
) -> None:
    await asking(service, databases, {})
    await judged(database, clock.now())
    assert await told(database) == [()]
    await asking(service, databases, {"fields": ["consents"], "certification": True})
    await judged(database, clock.now())
    assert len((await told(database))[-1]) == 3
    for name, version in (("Inès", 1), ("Tom", 1)):
        path, answers = f"/children/{named_id('child', '100042', name)}", ("photo", "outings", "leaves_alone")
        await send("PATCH", path, {"consents": dict.fromkeys(answers, False)}, seen=f'"{version}"')
    assert [lack.split()[0] for lack in (await told(database))[-1]] == ["certification"]
    await send("POST", f"/dossiers/{MOREAU}/certification")
    assert ((await told(database))[-1], (await ask("/dossiers/mine"))[1]["missing"]) == ((), [])


@pytest.mark.usefixtures("loaded")
async def test_a_lost_telephone_is_missing_at_once(send: Send, database: Database) -> None:
    claire = str(named_id("adult", "100042", "1"))
    change = {"adults": [{"id": claire, "phone": None}]}
    _, mine, _ = await send("PATCH", f"/dossiers/{MOREAU}/contacts", change, seen='"2"')
    assert mine["missing"] == ["téléphone d'un responsable légal"]
    assert (await told(database))[-1] == ("téléphone d'un responsable légal",)
