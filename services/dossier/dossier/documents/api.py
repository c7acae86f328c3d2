"""HTTP: documents handed in as they are (the body is the file), listed, read and decided."""

import asyncio
from datetime import date
from operator import attrgetter
from typing import Annotated
from uuid import UUID

from chassis import clock
from chassis.bodies import Page, Paged, takes
from chassis.database import Session
from chassis.idempotency import OnceStreamed
from chassis.policies import Policy
from chassis.problems import NotFound, problems
from chassis.reach import Reach
from fastapi import APIRouter, Depends, Query, Request, Response
from fastapi.responses import StreamingResponse
from french.paris import day_in_paris

from dossier.documents import documents, rules
from dossier.documents.documents import AlreadyDecided, FileGone, FileRefused, TooManyDocuments, Wanted
from dossier.documents.inspection import INSPECTORS, RefusedFile, inspect_apart
from dossier.documents.models import Document, DocumentStatus
from dossier.documents.schemas import Decision, DocumentAnswer, KindAnswer, Kinds
from dossier.documents.storage import FileLost, Folder

router = APIRouter(tags=["documents"])

Agent = Annotated[Reach, Depends(Policy("agent", reach="town"))]
GuardianOrAgent = Annotated[Reach, Depends(Policy("guardian", "agent", reach="dossier"))]
Anyone = Annotated[Reach, Depends(Policy("guardian", "agent", "administrator", reach="town"))]


async def _storage(request: Request) -> Folder:
    settings = request.app.state.settings
    return Folder(settings.documents, settings.ring)


Storage = Annotated[Folder, Depends(_storage)]
Kind = Annotated[str, Query(pattern="^[a-z0-9-]{1,50}$")]

_BINARY = {"schema": {"type": "string", "format": "binary"}}
_FILE = {"requestBody": {"required": True, "content": dict.fromkeys(rules.EXTENSIONS, _BINARY)}}


def _shown(document: Document) -> DocumentAnswer:
    return DocumentAnswer.of(document, day_in_paris(clock.now()))


@router.get("/document-kinds")
async def list_kinds(_: Anyone, session: Session) -> Kinds:
    """What the town may ask for."""
    return Kinds(items=[KindAnswer.model_validate(kind) for kind in await documents.kinds(session)])


@router.post("/dossiers/{dossier_id}/documents", status_code=201, response_model=DocumentAnswer, openapi_extra=_FILE)
@problems(FileRefused, TooManyDocuments)
@takes(rules.LARGEST)
async def add_document(
    dossier_id: UUID,
    request: Request,
    reach: GuardianOrAgent,
    session: Session,
    once_of: OnceStreamed,
    storage: Storage,
    kind: Kind,
    child_id: UUID | None = None,
    expires_on: date | None = None,
) -> Response:
    """The body is the file itself, of 10 MB at most; what it is, is found from its content, whatever is said of it."""
    wanted = Wanted(kind, child_id, expires_on)
    if not reach.covers(dossier_id):
        raise NotFound
    async with storage.receive(request.stream()) as incoming:
        try:
            media_type = await asyncio.get_running_loop().run_in_executor(
                INSPECTORS, inspect_apart, incoming.path, incoming.checked
            )
        except RefusedFile as refused:
            raise FileRefused(refused.fault) from None

        async def added() -> DocumentAnswer:
            size, now = incoming.checked.stat().st_size, clock.now()
            new = await documents.add(session, reach, dossier_id, wanted, now, media_type=media_type, size=size)
            await storage.keep(incoming, new.id)
            return _shown(new)

        return await once_of(incoming.digest).answer(session, 201, added)


@router.get("/dossiers/{dossier_id}/documents")
async def list_documents(
    dossier_id: UUID, reach: GuardianOrAgent, session: Session, paging: Paged
) -> Page[DocumentAnswer]:
    """The newest first."""
    found = await documents.of_dossier(session, reach, dossier_id, paging)
    return paging.page(found, _shown, attrgetter("id"))


@router.get("/documents")
async def list_documents_for_the_desk(
    _: Agent, session: Session, paging: Paged, expiring: bool = False, kind: Kind | None = None
) -> Page[DocumentAnswer]:
    """Of all families: those that wait to be decided, or (`expiring`) that expire within a month; the oldest first."""
    found = await documents.for_the_desk(session, paging, clock.now(), expiring=expiring, kind=kind)
    return paging.page(found, _shown, attrgetter("id"))


@router.get(
    "/documents/{document_id}",
    response_class=StreamingResponse,
    responses={200: {"content": dict.fromkeys(rules.EXTENSIONS, _BINARY)}},
)
@problems(FileGone)
async def read_document(
    document_id: UUID, reach: GuardianOrAgent, session: Session, storage: Storage
) -> StreamingResponse:
    """The file, to be saved: no browser shows it within the portal."""
    document = await documents.read(session, reach, document_id, clock.now())
    try:
        content = await asyncio.to_thread(storage.opened, document.id)
    except FileLost:
        raise FileGone from None
    name = rules.file_name(document.kind, day_in_paris(document.uploaded_at), document.media_type)
    headers = {
        "Content-Disposition": f'attachment; filename="{name}"',
        "Content-Length": str(document.size),
        "Content-Security-Policy": "default-src 'none'; sandbox",
    }
    return StreamingResponse(content, media_type=document.media_type, headers=headers)


@router.post("/documents/{document_id}/decision")
@problems(AlreadyDecided)
async def decide_document(document_id: UUID, body: Decision, reach: Agent, session: Session) -> DocumentAnswer:
    """The family is told."""
    status = DocumentStatus(body.decision)
    return _shown(
        await documents.decide(session, reach, document_id, status, body.reason, body.expires_on, clock.now())
    )
