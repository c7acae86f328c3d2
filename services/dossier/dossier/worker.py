"""What dossier does by itself, again and again, and what it is told to do."""

import asyncio
import json
from collections.abc import Set
from uuid import UUID

from chassis import clock
from chassis.database import Database
from chassis.service import Command
from chassis.worker import Job, forgetting
from french.paris import day_in_paris

from dossier import dossiers
from dossier.documents import documents
from dossier.documents.storage import Folder
from dossier.erasures.erasing import ERASURE
from dossier.health import records
from dossier.households import payers, planned
from dossier.households.merging import MERGING
from dossier.imports.command import IMPORT
from dossier.imports.importing import import_families
from dossier.keys import new_key
from dossier.models import Base
from dossier.quotients import asking
from dossier.republishing import REPUBLISH
from dossier.settings import Settings


async def remind_of_expiry(database: Database, settings: object) -> None:
    """Of documents, a transaction a batch."""
    more = True
    while more:
        async with database.sessions.begin() as session:
            more = await documents.remind(session, clock.now())


async def judge_dossiers(database: Database, settings: object) -> None:
    """What is missing, once a day, a transaction a batch."""
    more = True
    while more:
        async with database.sessions.begin() as session:
            more = await dossiers.judge_all(session, clock.now())


async def sweep_documents(database: Database, settings: Settings) -> None:
    """Files that belong to no document, since somebody died before it was stored."""

    async def known(ids: Set[UUID]) -> Set[UUID]:
        async with database.sessions.begin() as session:
            return await documents.known(session, ids)

    await Folder(settings.documents, settings.ring).sweep(known)


async def delete_left_files(database: Database, settings: Settings) -> None:
    """Files of documents that were deleted, a transaction a batch, and what nobody will finish receiving."""
    folder, more = Folder(settings.documents, settings.ring), True
    while more:
        async with database.sessions.begin() as session:
            more = await documents.delete_left_files(session, folder)
    await asyncio.to_thread(folder.clear)


async def hand_over_payers(database: Database, settings: object) -> None:
    """On the day, a transaction a batch."""
    more = True
    while more:
        async with database.sessions.begin() as session:
            more = await payers.take_over(session, day_in_paris(clock.now()))


async def make_planned_changes(database: Database, settings: object) -> None:
    """On their day, each in a transaction of its own."""
    async with database.sessions.begin() as session:
        due = await planned.due(session, day_in_paris(clock.now()))
    for one in due:
        async with database.sessions.begin() as session:
            await planned.do(session, one)


async def ask_for_quotients(database: Database, settings: Settings) -> None:
    """Of every family, where somebody has asked for that."""
    await asking.ask_for_everybody(database, settings.particulier)


JOBS = (
    Job(hand_over_payers, every_s=300),
    Job(make_planned_changes, every_s=60),
    Job(forgetting(Base.metadata), every_s=600),
    Job(ERASURE.sweep, every_s=600),
    Job(MERGING.sweep, every_s=600),
    Job(remind_of_expiry, every_s=60),
    Job(judge_dossiers, every_s=60),
    Job(import_families, every_s=2),
    Job(ask_for_quotients, every_s=5),
    Job(delete_left_files, every_s=2),
    Job(sweep_documents, every_s=6 * 3600),
)


async def rotate_health_keys(database: Database, settings: Settings) -> str:
    sealed = await records.rotate(database, settings.ring)
    files = await documents.seal_anew(database, Folder(settings.documents, settings.ring))
    return (
        f"Sealed anew by the key {settings.ring.newest}: {sealed} health records, {files} documents."
        " The other keys are needed no more."
    )


async def make_health_key(database: Database, settings: Settings) -> str:
    return json.dumps(new_key())


COMMANDS = (
    IMPORT,
    REPUBLISH,
    Command("new-health-key", "make a key, to be put first in the list of the health keys", make_health_key),
    Command(
        "rotate-health-keys",
        "seal health records and documents by the first of the health keys",
        rotate_health_keys,
    ),
)
