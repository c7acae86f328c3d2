"""What enrolment does by itself, again and again."""

from chassis import clock
from chassis.database import Database
from chassis.worker import Job, forgetting

from enrolment.bookings import bookings
from enrolment.erasing import ERASURE
from enrolment.merging import MERGING
from enrolment.models import Base
from enrolment.waiting_list import offers


async def expire_holds(database: Database, settings: object) -> None:
    """Give back the places of the holds that are over."""
    async with database.sessions.begin() as session:
        await bookings.expire_holds(session, clock.now())


async def pass_on_offers(database: Database, settings: object) -> None:
    """End the offers that are over and offer what is free; two workers meet at the weeks' locks."""
    async with database.sessions.begin() as session:
        await offers.pass_on_due(session, clock.now())


JOBS = (
    Job(expire_holds, every_s=1),
    Job(pass_on_offers, every_s=1),
    Job(forgetting(Base.metadata), every_s=600),
    Job(ERASURE.sweep, every_s=600),
    Job(MERGING.sweep, every_s=600),
)
