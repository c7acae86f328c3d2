"""What dossier does by itself, again and again."""

from collections.abc import Set
from uuid import UUID

from chassis import clock
from chassis.database import Database
from chassis.worker import Job, forgetting

from dossier.documents import documents
from dossier.documents.storage import Folder
from dossier.models import Base
from dossier.settings import Settings


async def remind_of_expiry(database: Database, settings: object) -> None:
    """Of documents, a transaction a batch."""
    more = True
    while more:
        async with database.sessions.begin() as session:
            more = await documents.remind(session, clock.now())


async def sweep_documents(database: Database, settings: Settings) -> None:
    """Files that belong to no document, since somebody died, or the document was deleted."""

    async def known(ids: Set[UUID]) -> Set[UUID]:
        async with database.sessions.begin() as session:
            return await documents.known(session, ids)

    await Folder(settings.documents).sweep(known)


JOBS = (
    Job(forgetting(Base.metadata), every_s=600),
    Job(remind_of_expiry, every_s=60),
    Job(sweep_documents, every_s=6 * 3600),
)
