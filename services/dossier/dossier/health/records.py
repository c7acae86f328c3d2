"""Health records: read, written over, and sealed anew by the newest key. Nothing of them leaves this service."""

from datetime import datetime
from uuid import UUID

from chassis.database import Database
from chassis.editing import Seen
from chassis.problems import Malformed
from chassis.reach import Acting
from french.paris import day_in_paris
from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncSession

from dossier import accesses, children
from dossier.health.models import HealthRecord
from dossier.health.rules import faults
from dossier.health.schemas import HealthAnswer, HealthContent
from dossier.keys import Ring
from dossier.models import Child

BATCH = 200


def _about(child_id: UUID) -> str:
    return f"health {child_id}"


def opened(ring: Ring, record: HealthRecord) -> HealthContent:
    return HealthContent.model_validate_json(ring.open(record.key_id, _about(record.child_id), record.sealed))


def _answer(child_id: UUID, record: HealthRecord | None, content: HealthContent) -> HealthAnswer:
    return HealthAnswer(
        child_id=child_id,
        version=record.version if record else 0,
        changed_at=record.changed_at if record else None,
        **content.model_dump(),
    )


async def read(
    session: AsyncSession, ring: Ring, acting: Acting, child_id: UUID, reason: str | None, now: datetime
) -> HealthAnswer:
    """The record of a child of the dossier, and that it was read. The desk says why. Raises NotFound, Malformed."""
    if acting.at_desk and reason is None:
        said = "Indiquez pourquoi vous consultez cette fiche : la famille le verra."
        raise Malformed(errors=[{"pointer": "/query/reason", "detail": said}])
    await children.find(session, acting, child_id)
    accesses.log(session, acting.by, child_id, now, reason=reason)
    record = await session.get(HealthRecord, child_id)
    return _answer(child_id, record, opened(ring, record) if record else HealthContent())


async def write(
    session: AsyncSession,
    ring: Ring,
    acting: Acting,
    child_id: UUID,
    seen: Seen,
    content: HealthContent,
    now: datetime,
) -> HealthAnswer:
    """The whole record is now so. Raises NotFound, Stale, Malformed."""
    await children.find(session, acting, child_id)
    await session.get_one(Child, child_id, with_for_update=True)  # also where there is no record yet to be locked
    record = await session.get(HealthRecord, child_id, with_for_update=True)
    seen.refuse_if_older(record.version if record else 0)
    pai = (content.pai.valid_from, content.pai.valid_to) if content.pai else None
    wrong = faults(pai, [vaccine.date for vaccine in content.vaccines], day_in_paris(now))
    if wrong:
        raise Malformed(errors=[{"pointer": pointer, "detail": detail} for pointer, detail in wrong])
    if record is None:
        record = HealthRecord(child_id=child_id, version=0)
        session.add(record)
    record.version += 1
    record.changed_at, record.changed_by = now, acting.by.sub
    _seal(ring, record, content.model_dump_json().encode())
    return _answer(child_id, record, content)


def _seal(ring: Ring, record: HealthRecord, content: bytes) -> None:
    record.key_id, record.sealed = ring.newest, ring.seal(_about(record.child_id), content)


async def rotate(database: Database, ring: Ring) -> int:
    """Seal by the newest key what another has sealed, a transaction a batch; how many. What ends in the middle is
    begun again where it was.
    """
    sealed = 0
    while True:
        async with database.sessions.begin() as session:
            older = select(HealthRecord).where(HealthRecord.key_id != ring.newest).order_by(HealthRecord.child_id)
            found = (await session.scalars(older.limit(BATCH).with_for_update())).all()
            for record in found:
                _seal(ring, record, ring.open(record.key_id, _about(record.child_id), record.sealed))
        if not found:
            return sealed
        sealed += len(found)
