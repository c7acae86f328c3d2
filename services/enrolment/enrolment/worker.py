"""What enrolment does by itself, again and again."""

from chassis import clock
from chassis.database import Database
from chassis.worker import Job

from enrolment.bookings import bookings


async def expire_holds(database: Database, settings: object) -> None:
    """Give back the places of the holds that are over."""
    async with database.sessions.begin() as session:
        await bookings.expire_holds(session, clock.now())


JOBS = (Job(expire_holds, every_s=1),)
