"""What planning does by itself, again and again."""

from chassis import clock
from chassis.database import Database
from chassis.worker import Job, forgetting

from planning.digests.digests import send
from planning.drafts.reminders import remind
from planning.erasing import ERASURE
from planning.merging import MERGING
from planning.models import Base
from planning.retention import forget_former


async def remind_of_drafts(database: Database, settings: object) -> None:
    """Of the deadlines that drafts would miss, a transaction a batch."""
    more = True
    while more:
        async with database.sessions.begin() as session:
            more = await remind(session, clock.now())


async def tell_the_week(database: Database, settings: object) -> None:
    """The coming one, to those who want it."""
    more = True
    while more:
        async with database.sessions.begin() as session:
            more = await send(session, clock.now())


forget_what_is_over = forgetting(Base.metadata, forget_former)

JOBS = (
    Job(remind_of_drafts, every_s=5),
    Job(tell_the_week, every_s=5),
    Job(forget_what_is_over, every_s=60),
    Job(ERASURE.sweep, every_s=600),
    Job(MERGING.sweep, every_s=600),
)
