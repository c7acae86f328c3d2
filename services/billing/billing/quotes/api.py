"""Quotes over HTTP."""

from chassis import clock
from chassis.database import Session
from chassis.problems import NotFound, problems
from fastapi import APIRouter

from billing.edge import FamilyOrAgent
from billing.quotes import pricing, promises
from billing.quotes.schemas import QuoteAnswer, WantedQuote

router = APIRouter()


@router.post("/quotes", status_code=201)
@problems(NotFound, pricing.NoTariff, pricing.NoRegie, pricing.SeveralRegies)
async def make_quote(body: WantedQuote, caller: FamilyOrAgent, session: Session) -> QuoteAnswer:
    wanted = [(line.child_id, line.holiday_week_id) for line in body.lines]
    made = await promises.quote(session, caller.acting(body.dossier_id), wanted, clock.now())
    return QuoteAnswer.model_validate(made)
