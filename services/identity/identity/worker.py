"""The periodic work: delivering notices, and forgetting what is over."""

from chassis import clock
from chassis.database import Database
from chassis.worker import Job

from identity.notices.delivery import deliver
from identity.registrations import credentials
from identity.retention import forget


async def forget_what_is_over(database: Database, settings: object) -> None:
    """Registrations whose links are over, and what retention says."""
    now = clock.now()
    async with database.sessions.begin() as session:
        await credentials.purge(session, now)
        await forget(session, now)


JOBS = (Job(deliver, every_s=0.5), Job(forget_what_is_over, every_s=5))
