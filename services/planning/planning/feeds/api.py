"""HTTP: the calendar feed, made and taken back by its guardian, and read by whoever has its address."""

import asyncio
from typing import Annotated

from chassis import clock
from chassis.database import Session
from chassis.policies import PUBLIC, Policy
from chassis.problems import Forbidden, problems
from chassis.reach import Reach
from fastapi import APIRouter, Depends, Response

from planning.feeds import feeds, rules
from planning.feeds.schemas import FeedAnswer, NewFeed

router = APIRouter(tags=["feeds"])


class ICalendar(Response):
    media_type = "text/calendar"


Guardian = Annotated[Reach, Depends(Policy("guardian", reach="account"))]


@router.get("/calendar-feed")
async def read_feed(reach: Guardian, session: Session) -> FeedAnswer:
    return FeedAnswer(made_at=await feeds.made_at(session, reach))


@router.post("/calendar-feed", status_code=201)
@problems(Forbidden)
async def make_feed(reach: Guardian, session: Session) -> NewFeed:
    """A feed of the family's reserved days, with a new address; the one before is dead."""
    secret = await feeds.renew(session, reach, clock.now())
    return NewFeed(secret=secret, url=f"/api/planning/v1/calendars/{secret}.ics")


@router.delete("/calendar-feed", status_code=204)
async def revoke_feed(reach: Guardian, session: Session) -> Response:
    await feeds.revoke(session, reach)
    return Response(status_code=204)


@router.get("/calendars/{secret}.ics", dependencies=[PUBLIC], response_class=ICalendar)
async def read_calendar(secret: str, session: Session) -> ICalendar:
    """The family's reserved days from 30 days back on, as iCalendar; those given up in these 30 days are cancelled."""
    now = clock.now()
    found = await feeds.read(session, secret, now)
    # A family's year is a thousand events, and a tenth of a second: nobody else waits for it.
    written = await asyncio.to_thread(rules.written, found, now)
    return ICalendar(written)
