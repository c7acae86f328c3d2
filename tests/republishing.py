"""What a service tells again, beside what it told when it was new."""

from uuid import UUID

from chassis.database import Database
from chassis.service import Service
from contracts import EVENTS, Envelope, Event
from sqlalchemy import text

from tests.builders import changed

Told = dict[tuple[str, UUID], Event]


async def told(database: Database, *, again: bool) -> Told:
    """The newest in the outbox of each kind and subject, of those that are told again or of the others."""
    async with database.sessions() as session:
        bodies = await session.scalars(text("SELECT body FROM outbox ORDER BY id"))
        wrapped = [Envelope.model_validate_json(body) for body in bodies]
    return {
        (one.type, one.subject): EVENTS[one.type].model_validate(one.data)
        for one in wrapped
        if one.republished == again and not one.type.endswith("notice_written")
    }


async def republish(service: Service, database: Database) -> tuple[Told, Told]:
    """What it had told of each, and what it tells of it now.

    A version may be later: kinds of events share their subject's.
    """
    before = await told(database, again=False)
    [command] = [one for one in service.commands if one.name == "republish"]
    await command.run(database, None)
    after = await told(database, again=True)
    for key, event in after.items():
        if key in before and event.version > before[key].version:
            after[key] = changed(event, version=before[key].version)
    return before, after
