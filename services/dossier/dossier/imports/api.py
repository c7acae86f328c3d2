"""HTTP: families, or their quotients, from a CSV file; all families into one."""

import asyncio
import tempfile
from collections.abc import AsyncIterator
from typing import Annotated
from uuid import UUID

from chassis.bodies import Page, Paged, takes
from chassis.database import Database, Session
from chassis.policies import Policy
from chassis.problems import NotFound, problems
from chassis.reach import Reach
from fastapi import APIRouter, Depends, Query, Request
from fastapi.responses import StreamingResponse

from dossier.imports import exporting, importing
from dossier.imports.columns import Kind
from dossier.imports.files import LARGEST, FileUnreadable
from dossier.imports.importing import NothingToImport
from dossier.imports.models import Outcome
from dossier.imports.schemas import ImportAnswer, LineAnswer, ReportAnswer

router = APIRouter(tags=["imports"])

Administrator = Annotated[Reach, Depends(Policy("administrator", reach="town"))]
Staff = Annotated[Reach, Depends(Policy("agent", "administrator", reach="town"))]

_CSV = {"text/csv": {"schema": {"type": "string", "format": "binary"}}}


@router.post("/imports", status_code=202, openapi_extra={"requestBody": {"required": True, "content": _CSV}})
@problems(FileUnreadable, NothingToImport)
@takes(LARGEST)
async def import_families(
    reach: Administrator, session: Session, request: Request, kind: Kind = "families", dry_run: bool = False
) -> ImportAnswer:
    """The body is the CSV file itself, of 10 MB at most: a line a family, or a line a quotient of one. They are stored,
    or on a dry run only looked at, one after the other from now on.
    """
    with tempfile.TemporaryFile() as file:
        async for piece in request.stream():
            await asyncio.to_thread(file.write, piece)
        await asyncio.to_thread(file.seek, 0)
        return ImportAnswer.model_validate(await importing.receive(session, file, kind, dry_run, reach.sub))


@router.get("/imports")
async def list_imports(_: Administrator, session: Session, paging: Paged) -> Page[ImportAnswer]:
    """The newest first."""
    found = await importing.newest(session, paging.cursor, paging.limit + 1)
    return paging.page(found, ImportAnswer.model_validate, lambda one: one.id)


@router.get("/imports/{import_id}")
@problems(NotFound)
async def read_import(
    import_id: UUID,
    _: Administrator,
    session: Session,
    outcome: Outcome | None = None,
    after: Annotated[int, Query(ge=0, le=10**9)] = 0,
    limit: Annotated[int, Query(ge=1, le=200)] = 50,
) -> ReportAnswer:
    """How far it is, and what became of each line after that one."""
    one = await importing.one(session, import_id)
    lines = await importing.report(session, import_id, outcome, after, limit + 1)
    return ReportAnswer(
        **ImportAnswer.model_validate(one).model_dump(),
        items=[LineAnswer.model_validate(line) for line in lines[:limit]],
        next_line=lines[limit - 1].line if len(lines) > limit else None,
    )


@router.get("/dossiers.csv", response_class=StreamingResponse, responses={200: {"content": _CSV}})
async def export_families(_: Staff, request: Request) -> StreamingResponse:
    """Every dossier that is not archived, in the columns of an import."""
    database: Database = request.app.state.database

    async def pieces() -> AsyncIterator[bytes]:
        async for piece in exporting.pieces(database):
            yield piece

    headers = {"Content-Disposition": 'attachment; filename="familles.csv"'}
    return StreamingResponse(pieces(), media_type="text/csv; charset=utf-8", headers=headers)
