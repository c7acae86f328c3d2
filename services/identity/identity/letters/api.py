"""The print queue, over HTTP: what waits, the PDF of it, and that this PDF was printed."""

import asyncio
from uuid import UUID

from chassis import clock
from chassis.bodies import Page, Paged
from chassis.database import Session
from chassis.problems import NotFound, problems
from fastapi import APIRouter, Response

from identity.edge import Configured, OwnTransactions
from identity.letters import printing, queue, schemas
from identity.sessions.policies import Agent

router = APIRouter()


class Pdf(Response):
    media_type = "application/pdf"


@router.get("/letters", response_class=Pdf, responses={204: {"description": "Nothing is to be printed."}})
@problems(NotFound)
async def letters(
    agent: Agent, database: OwnTransactions, settings: Configured, run_id: UUID | None = None
) -> Response:
    """What is to be printed, as one PDF, whose run its `ETag` names; or that run once more, for 30 days."""
    async with database.sessions.begin() as session:
        town = await queue.town_of(session)
        if run_id is None:
            if (made := await queue.run(session, agent, clock.now())) is None:
                return Response(status_code=204)
            run_id, found = made
        else:
            found = await queue.again(session, run_id)
    # Nobody else waits for it, and no transaction is open.
    content = await asyncio.to_thread(printing.pdf, found, town, settings.web_url)
    return Pdf(content, headers={"ETag": f'"{run_id}"', "Content-Disposition": 'inline; filename="lettres.pdf"'})


@router.get("/letters/waiting")
async def letters_waiting(_agent: Agent, paging: Paged, session: Session) -> Page[schemas.LetterWaiting]:
    found = await queue.waiting(session, paging.limit + 1, paging.cursor)
    return paging.page(found, schemas.LetterWaiting.model_validate, lambda letter: letter.id)


@router.post("/letters/printed")
@problems(NotFound)
async def letters_printed(_agent: Agent, body: schemas.Printed, session: Session) -> schemas.PrintedLetters:
    """Those of that PDF, and no others; said twice it changes nothing."""
    return schemas.PrintedLetters(letters=await queue.printed(session, body.run_id, clock.now()))
