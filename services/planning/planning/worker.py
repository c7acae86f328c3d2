"""What planning does by itself, again and again."""

from chassis import clock
from chassis.database import Database
from chassis.worker import Job

from planning.retention import forget


async def forget_what_is_over(database: Database, settings: object) -> None:
    async with database.sessions.begin() as session:
        await forget(session, clock.now())


JOBS = (Job(forget_what_is_over, every_s=60),)
