"""Prices over HTTP."""

from typing import Annotated
from uuid import UUID

from chassis.database import Session
from chassis.problems import NotFound, problems
from fastapi import APIRouter, Query
from french.calendar import first_day
from pydantic import AfterValidator

from billing.edge import FamilyOrAgent
from billing.tariffs import prices
from billing.tariffs.schemas import PriceAnswer, PricesAnswer

router = APIRouter()


def _month(text: str) -> str:
    first_day(text)
    return text


Month = Annotated[str, AfterValidator(_month), Query(description="YYYY-MM")]


@router.get("/prices")
@problems(NotFound)
async def read_prices(
    month: Month,
    caller: FamilyOrAgent,
    session: Session,
    child_id: UUID | None = None,
    dossier_id: UUID | None = None,
) -> PricesAnswer:
    """What each activity that is reserved by the day costs each child of the family, and why."""
    found = await prices.of_month(session, caller.acting(dossier_id), first_day(month), child_id)
    return PricesAnswer(month=month, items=[PriceAnswer.model_validate(one) for one in found])
