"""Documents: handed in, listed, read, decided by the desk, reminded of before they expire."""

import asyncio
from collections.abc import Collection, Sequence, Set
from dataclasses import dataclass
from datetime import date, datetime
from uuid import UUID

import structlog
from chassis.bodies import Paging
from chassis.database import Database
from chassis.desk import note
from chassis.identifiers import new_id
from chassis.outbox import publish
from chassis.problems import Malformed, NotFound, Problem
from chassis.reach import Reach
from contracts.dossier import NoticeWritten
from french import wording
from french.paris import day_in_paris
from sqlalchemy import ColumnElement, delete, exists, func, or_, select, true, update
from sqlalchemy.ext.asyncio import AsyncSession
from sqlalchemy.orm import aliased, contains_eager, joinedload

from dossier import accesses, dossiers
from dossier.documents.models import Document, DocumentKind, DocumentStatus, LeftFile
from dossier.documents.rules import AHEAD, MOST, SENTENCES, Fault, expiry_fault, remind_from
from dossier.documents.storage import FileLost, Folder
from dossier.models import Child, Dossier, dossier_children

log = structlog.get_logger()

BATCH = 50
#: Locked while their files are written: nobody waits for long.
FEW = 5
PAGE = "/dossier/documents"
#: What is said of a read of a document about health.
READING = "Lecture d'un document"


class FileRefused(Problem):
    type = "urn:problem:dossier:file-refused"
    status = 422
    title = "Fichier refusé"

    def __init__(self, fault: Fault) -> None:
        super().__init__(SENTENCES[fault], fault=fault.value)


class TooManyDocuments(Problem):
    type = "urn:problem:dossier:too-many-documents"
    title = "Trop de documents"
    detail = f"Ce dossier contient déjà {MOST} documents : adressez-vous au guichet."


class AlreadyDecided(Problem):
    type = "urn:problem:dossier:document-decided"
    title = "Document déjà traité"
    detail = "Ce document a déjà été accepté ou refusé : rechargez la page."


class FileGone(Problem):
    type = "urn:problem:dossier:file-gone"
    status = 410
    title = "Fichier introuvable"
    detail = "Le fichier de ce document n'est plus conservé : demandez à la famille de l'envoyer de nouveau."


@dataclass(frozen=True)
class Wanted:
    """What is handed in: of that kind, about a child or the whole dossier, good until a day."""

    kind: str
    child_id: UUID | None
    expires_on: date | None


def _wrong(name: str, detail: str) -> Malformed:
    return Malformed(errors=[{"pointer": f"/query/{name}", "detail": detail}])


async def kinds(session: AsyncSession) -> Sequence[DocumentKind]:
    """Those that the town asks for, in its order."""
    return (await session.scalars(select(DocumentKind).order_by(DocumentKind.rank, DocumentKind.code))).all()


async def _check(session: AsyncSession, reach: Reach, dossier_id: UUID, wanted: Wanted, now: datetime) -> None:
    # Locked: those that come at the same moment are counted too.
    if not reach.covers(dossier_id) or await session.get(Dossier, dossier_id, with_for_update=True) is None:
        raise NotFound
    kind = await session.get(DocumentKind, wanted.kind)
    if kind is None:
        raise _wrong("kind", "La ville ne demande pas de document de ce type.")
    if (kind.about == "child") is (wanted.child_id is None):
        needs = "Indiquez l'enfant que ce document concerne."
        raise _wrong("child_id", needs if kind.about == "child" else "Ce document concerne tout le dossier.")
    theirs = select(dossier_children).where(
        dossier_children.c.dossier_id == dossier_id, dossier_children.c.child_id == wanted.child_id
    )
    if wanted.child_id is not None and not await session.scalar(select(theirs.exists())):
        raise NotFound
    if fault := expiry_fault(wanted.expires_on, kind.expires, day_in_paris(now)):
        raise _wrong("expires_on", fault)
    count = select(func.count()).select_from(Document).where(Document.dossier_id == dossier_id)
    if (await session.scalar(count) or 0) >= MOST:
        raise TooManyDocuments


async def add(
    session: AsyncSession,
    reach: Reach,
    dossier_id: UUID,
    wanted: Wanted,
    now: datetime,
    *,
    media_type: str,
    size: int,
) -> Document:
    """A document that the desk has not seen yet; its file is kept before the commit.

    Raises NotFound, Malformed, TooManyDocuments.
    """
    await _check(session, reach, dossier_id, wanted, now)
    document = Document(
        id=new_id(),
        version=1,
        status=DocumentStatus.WAITING,
        dossier_id=dossier_id,
        child_id=wanted.child_id,
        kind=wanted.kind,
        media_type=media_type,
        size=size,
        expires_on=wanted.expires_on,
        remind_on=remind_from(wanted.expires_on, day_in_paris(now)),
        uploaded_at=now,
        uploaded_by=reach.sub,
        at_desk=reach.at_desk,
    )
    session.add(document)
    await session.flush()
    return await one(session, reach, document.id)


async def of_dossier(session: AsyncSession, reach: Reach, dossier_id: UUID, paging: Paging) -> Sequence[Document]:
    """Those of a dossier, the newest first; raises NotFound."""
    if not reach.covers(dossier_id) or await session.get(Dossier, dossier_id) is None:
        raise NotFound
    query = (
        select(Document).where(Document.dossier_id == dossier_id, _seen(reach)).options(joinedload(Document.kind_entry))
    )
    if paging.cursor is not None:
        query = query.where(Document.id < paging.cursor)
    return (await session.scalars(query.order_by(Document.id.desc()).limit(paging.limit + 1))).all()


def _seen(reach: Reach) -> ColumnElement[bool]:
    """A family sees what it has handed in of a child while that child is of its dossier; the desk sees all."""
    if reach.at_desk:
        return true()
    there = select(dossier_children).where(
        dossier_children.c.dossier_id == Document.dossier_id, dossier_children.c.child_id == Document.child_id
    )
    return or_(Document.child_id.is_(None), there.exists())


async def for_the_desk(
    session: AsyncSession, paging: Paging, now: datetime, *, expiring: bool, kind: str | None
) -> Sequence[Document]:
    """Those of all families that wait for the desk, or that are to be handed in anew; the oldest first."""
    query = select(Document).options(joinedload(Document.kind_entry))
    if expiring:
        soon = Document.expires_on <= day_in_paris(now) + AHEAD
        query = query.where(Document.status == DocumentStatus.ACCEPTED, soon, ~_replaced())
    else:
        query = query.where(Document.status == DocumentStatus.WAITING)
    if kind is not None:
        query = query.where(Document.kind == kind)
    if paging.cursor is not None:
        query = query.where(Document.id > paging.cursor)
    return (await session.scalars(query.order_by(Document.id).limit(paging.limit + 1))).all()


async def one(session: AsyncSession, reach: Reach, document_id: UUID, *, lock: bool = False) -> Document:
    """Raises NotFound."""
    query = select(Document).where(Document.id == document_id, _seen(reach)).options(joinedload(Document.kind_entry))
    if lock:
        query = query.with_for_update(of=Document).execution_options(populate_existing=True)
    document = await session.scalar(query)
    if document is None or not reach.covers(document.dossier_id):
        raise NotFound
    return document


async def read(session: AsyncSession, reach: Reach, document_id: UUID, now: datetime) -> Document:
    """The document, whose file is then read: kept, where it is about a child's health. Raises NotFound."""
    document = await one(session, reach, document_id)
    if document.kind_entry.health and document.child_id is not None:
        accesses.log(session, reach, document.child_id, now, reason=READING)
    return document


async def decide(
    session: AsyncSession,
    reach: Reach,
    document_id: UUID,
    status: DocumentStatus,
    reason: str | None,
    expires_on: date | None,
    now: datetime,
) -> Document:
    """What the desk says of it, once; the same again changes nothing. Raises NotFound, Malformed, AlreadyDecided."""
    for dossier_id in sorted(await _dossiers(session, await one(session, reach, document_id))):
        await session.get(Dossier, dossier_id, with_for_update=True)  # before the document, as a merge locks them
    document, today = await one(session, reach, document_id, lock=True), day_in_paris(now)
    note(session, dossier_id=document.dossier_id)
    if (document.status, document.reason) == (status, reason):
        return document
    if document.status != DocumentStatus.WAITING:
        raise AlreadyDecided
    if status == DocumentStatus.REFUSED and reason is None:
        raise Malformed(errors=[{"pointer": "/reason", "detail": "Indiquez pourquoi ce document est refusé."}])
    if expires_on is not None:
        if fault := expiry_fault(expires_on, document.kind_entry.expires, today):
            raise Malformed(errors=[{"pointer": "/expires_on", "detail": fault}])
        document.expires_on = expires_on
    document.move(status)
    document.decided_at, document.decided_by, document.reason = now, reach.name or "Le guichet", reason
    document.remind_on = remind_from(document.expires_on, today) if status == DocumentStatus.ACCEPTED else None
    await publish(session, _decision(document))
    if status == DocumentStatus.ACCEPTED:
        await session.flush()
        await dossiers.judged(session, await _dossiers(session, document))
    return document


async def _dossiers(session: AsyncSession, document: Document) -> set[UUID]:
    """Those in which it counts: a child's in each of its own."""
    theirs = select(dossier_children.c.dossier_id).where(dossier_children.c.child_id == document.child_id)
    return {document.dossier_id, *(await session.scalars(theirs) if document.child_id else ())}


def _decision(document: Document) -> NoticeWritten:
    accepted = document.status == DocumentStatus.ACCEPTED
    paragraphs = [f"{_named(document)} a été {'accepté' if accepted else 'refusé'}."]
    # What is said of a document about health might be about health too: only the page shows it.
    if document.reason and not document.kind_entry.health:
        paragraphs.append(f"Motif : {document.reason}")
    elif document.reason:
        paragraphs.append("Le motif est indiqué dans votre dossier, à la page de vos documents.")
    if not accepted:
        paragraphs.append("Vous pouvez envoyer un nouveau document depuis votre dossier, ou l'apporter au guichet.")
    return _notice(document, f"Document {'accepté' if accepted else 'refusé'}", paragraphs)


def _named(document: Document) -> str:
    """What a message may say of it: nothing that tells of somebody's health."""
    kind = "" if document.kind_entry.health else f" « {document.kind_entry.name} »"
    return f"Votre document{kind} envoyé le {wording.day(document.uploaded_at)}"


def _notice(document: Document, title: str, paragraphs: Sequence[str]) -> NoticeWritten:
    return NoticeWritten(
        notice_id=new_id(), dossier_id=document.dossier_id, title=title, paragraphs=tuple(paragraphs), link=PAGE
    )


def _replaced() -> ColumnElement[bool]:
    """Whether a later document says what this one did."""
    newer = aliased(Document)
    return exists().where(
        newer.dossier_id == Document.dossier_id,
        newer.kind == Document.kind,
        newer.child_id.is_not_distinct_from(Document.child_id),
        newer.status != DocumentStatus.REFUSED,
        newer.id > Document.id,
    )


async def remind(session: AsyncSession, now: datetime) -> bool:
    """Tell the families of a batch of documents which expire soon or have expired, but for those in use.

    Nothing is told of what a later document has replaced. Whether there may be more.
    """
    today = day_in_paris(now)
    query = (
        select(Document, _replaced(), Child.first_name)
        .join(Document.kind_entry)
        .outerjoin(Document.child)
        .options(contains_eager(Document.kind_entry))
        .where(Document.remind_on <= today)
        .order_by(Document.remind_on)
        .limit(BATCH)
        .with_for_update(of=Document, skip_locked=True)
    )
    found = (await session.execute(query)).all()
    for document, is_replaced, first_name in found:
        document.remind_on = None if is_replaced else remind_from(document.expires_on, today)
        if not is_replaced and document.expires_on is not None:
            await publish(session, _reminder(document, document.expires_on, first_name, today))
    return len(found) == BATCH


def _reminder(document: Document, expires_on: date, first_name: str | None, today: date) -> NoticeWritten:
    whose = f" ({first_name})" if first_name else ""
    which = f"Le document « {document.kind_entry.name} »{whose}"
    if document.kind_entry.health:
        which = "Un document de votre dossier"
    when = wording.day(expires_on)
    said = f"n'est plus valable depuis le {when}" if expires_on < today else f"est valable jusqu'au {when}"
    title = "Un document de votre dossier n'est plus valable" if expires_on < today else "Un document va expirer"
    return _notice(document, title, [f"{which} {said}.", "Envoyez le nouveau document dès que vous l'avez."])


async def delete_left_files(session: AsyncSession, folder: Folder) -> bool:
    """Of a batch of documents whose rows were deleted; whether there may be more. Again is nothing more."""
    left = (await session.scalars(select(LeftFile.document_id).limit(BATCH))).all()
    for document_id in left:
        await asyncio.to_thread(folder.delete, document_id)
    await session.execute(delete(LeftFile).where(LeftFile.document_id.in_(left)))
    return len(left) == BATCH


async def seal_anew(database: Database, folder: Folder) -> int:
    """Every file by the newest key, but for what is lost already; how many. What ends in the middle is begun again."""
    sealed, after = 0, UUID(int=0)
    while True:
        async with database.sessions.begin() as session:
            # Locked, so that no file is written again which is to be deleted.
            some = select(Document.id).where(Document.id > after).order_by(Document.id).limit(FEW).with_for_update()
            ids = (await session.scalars(some)).all()
            for document_id in ids:
                try:
                    sealed += await asyncio.to_thread(folder.seal_anew, document_id)
                except FileLost:
                    log.error("document_lost", document_id=str(document_id))
        if not ids:
            return sealed
        after = ids[-1]


async def go_along(session: AsyncSession, child_ids: Collection[UUID], left_id: UUID, dossier_id: UUID) -> None:
    """Children leave a dossier for another, with what was handed in about them there."""
    theirs = update(Document).where(Document.child_id.in_(child_ids), Document.dossier_id == left_id)
    await session.execute(theirs.values(dossier_id=dossier_id))


async def known(session: AsyncSession, ids: Set[UUID]) -> set[UUID]:
    """Which of these documents there are."""
    return set(await session.scalars(select(Document.id).where(Document.id.in_(ids))))
