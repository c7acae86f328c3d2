"""The waiting list over HTTP."""

from typing import Annotated
from uuid import UUID

from chassis import clock
from chassis.bodies import Page, Paged
from chassis.database import Session
from chassis.idempotency import OnceOnly
from chassis.policies import Policy
from chassis.problems import NotFound, problems
from chassis.reach import Reach
from fastapi import APIRouter, Body, Depends, Response
from pydantic import BaseModel

from enrolment.bookings.schemas import BookingAnswer
from enrolment.waiting_list import entries
from enrolment.waiting_list.schemas import Acceptance, WaitingAnswer, WaitingRequest

router = APIRouter(tags=["waiting list"])

NOTHING = Acceptance()
FamilyOrDesk = Annotated[Reach, Depends(Policy("guardian", "agent", reach="dossier"))]


@router.post("/waiting-list", status_code=201, response_model=WaitingAnswer)
@problems(NotFound, entries.CannotWait, entries.AlreadyWaiting, entries.PlacesLeft)
async def join(body: WaitingRequest, reach: FamilyOrDesk, session: Session, once: OnceOnly) -> Response:
    """Wait for a place in a week that is full; with `together` for several, offered all or none."""
    acting = reach.acting(body.dossier_id)

    async def joined() -> BaseModel:
        return WaitingAnswer.model_validate(await entries.join(session, acting, body.wishes(), clock.now()))

    return await once.answer(session, 201, joined)


@router.get("/waiting-list")
async def list_waiting(
    reach: FamilyOrDesk, session: Session, paging: Paged, dossier_id: UUID | None = None
) -> Page[WaitingAnswer]:
    """Where a family waits or has waited, the newest first."""
    found = await entries.of_dossier(session, reach.acting(dossier_id), paging.cursor, paging.limit + 1)
    return paging.page(found, WaitingAnswer.model_validate, lambda shown: shown.entry.id)


@router.post("/waiting-list/{entry_id}/accept", status_code=201, response_model=BookingAnswer)
@problems(NotFound, entries.NoOffer, entries.OfferOver, entries.OfferTaken, entries.CannotAccept)
async def accept(
    entry_id: UUID, reach: FamilyOrDesk, session: Session, once: OnceOnly, body: Annotated[Acceptance, Body()] = NOTHING
) -> Response:
    """Take what is offered, for all who waited together: a held booking, to be confirmed in time."""

    async def accepted() -> BaseModel:
        now = clock.now()
        return BookingAnswer.of(await entries.accept(session, reach, entry_id, now, body.pay_by), now)

    return await once.answer(session, 201, accepted)


@router.delete("/waiting-list/{entry_id}")
@problems(NotFound, entries.OfferTaken)
async def leave(entry_id: UUID, reach: FamilyOrDesk, session: Session) -> WaitingAnswer:
    """Wait no longer, or refuse what is offered: the next family has it."""
    return WaitingAnswer.model_validate(await entries.leave(session, reach, entry_id, clock.now()))
