"""The periodic work: delivering notices, and forgetting what is over."""

from chassis import clock
from chassis.database import Database
from chassis.worker import Job

from identity.notices.delivery import deliver
from identity.registrations import claims, credentials
from identity.sessions import lines
from identity.throttling import known_addresses, lanes, tries


async def forget_what_is_over(database: Database, settings: object) -> None:
    """Registrations whose links are over, expired claims and sessions, counts of tries, addresses of long ago."""
    now = clock.now()
    async with database.sessions.begin() as session:
        await credentials.purge(session, now)
        await claims.forget_expired(session, now)
        await lines.forget_expired(session, now)
        await tries.forget_ended(session, now)
        await lanes.forget_ended(session, now)
        await known_addresses.forget_old(session, now)


JOBS = (Job(deliver, every_s=0.5), Job(forget_what_is_over, every_s=5))
