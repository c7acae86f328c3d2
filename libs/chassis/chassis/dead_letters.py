"""Dead letters: what we or the broker set aside. They are counted, told to the desk, and replayed by one command."""

from datetime import datetime, timedelta

from aio_pika import Message
from aio_pika.abc import DeliveryMode
from contracts.notices import NoticeWritten
from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncSession

from chassis import broker, clock
from chassis.database import Database
from chassis.identifiers import new_id
from chassis.outbox import PUBLISH_TIMEOUT_S, publish
from chassis.settings import ServiceSettings
from chassis.worker import Job

LOOK_EVERY_S = 10.0
#: The desk knows of some: that there are more is not told at once again.
TELL_AGAIN_AFTER = timedelta(hours=1)


async def count(amqp_url: str, service: str) -> int:
    """How many messages are set aside."""
    async with await broker.connect(amqp_url) as connection:
        channel = await connection.channel()
        queue = await channel.declare_queue(broker.dead_queue(service), passive=True)
        return queue.declaration_result.message_count or 0


def watching(service: str, notice: type[NoticeWritten]) -> Job:
    """The job that tells the desk."""

    async def watch_dead_letters(database: Database, settings: ServiceSettings) -> None:
        waiting = await count(settings.amqp_url, service)
        async with database.sessions.begin() as session:
            await tell(session, service, notice, waiting, clock.now())

    return Job(watch_dead_letters, LOOK_EVERY_S)


async def tell(session: AsyncSession, service: str, notice: type[NoticeWritten], waiting: int, now: datetime) -> None:
    """Write to the desk when there are more than it was told of: once, whoever looks and how often."""
    await session.execute(text("UPDATE dead_letters SET told = :waiting WHERE told > :waiting"), {"waiting": waiting})
    more = await session.execute(
        text(
            "UPDATE dead_letters SET told = :waiting, told_at = :now"
            " WHERE told < :waiting AND (told = 0 OR told_at <= :before) RETURNING told"
        ),
        {"waiting": waiting, "now": now, "before": now - TELL_AGAIN_AFTER},
    )
    if more.first() is None:
        return
    many = f"{waiting} messages mis" if waiting > 1 else "1 message mis"
    await publish(
        session,
        notice(
            notice_id=new_id(),
            desk=True,
            title=f"Service « {service} » : {many} de côté",
            paragraphs=(
                f"Le service « {service} » n'a pas pu traiter certaines informations reçues des autres services. Rien "
                "n'est perdu : elles sont mises de côté, mais ce qu'elles annoncent n'a pas encore eu d'effet.",
                "Prévenez la personne qui exploite l'Espace Familles. Une fois la cause corrigée, elle peut les faire "
                f"traiter de nouveau par la commande « python -m {service} replay ».",
            ),
        ),
    )


async def replay(service: str, settings: ServiceSettings) -> int:
    """Give back to the queue what is set aside now; how many messages.

    Each leaves only once the queue has confirmed it: killed in between, it is in both, and the inbox knows it. What
    fails again is set aside again, and told again.
    """
    moved = 0
    async with await broker.connect(settings.amqp_url) as connection:
        channel = await connection.channel(publisher_confirms=True, on_return_raises=True)
        dead = await channel.declare_queue(broker.dead_queue(service), passive=True)
        for _ in range(dead.declaration_result.message_count or 0):
            message = await dead.get(fail=False)
            if message is None:
                break  # somebody else replays too
            again = Message(
                message.body,
                content_type=message.content_type,
                delivery_mode=DeliveryMode.PERSISTENT,
                message_id=str(new_id()),
                type=message.type,
            )
            queue = broker.events_queue(service)
            await channel.default_exchange.publish(again, queue, mandatory=True, timeout=PUBLISH_TIMEOUT_S)
            await message.ack()
            moved += 1
    database = Database(settings.database_url)
    try:
        async with database.sessions.begin() as session:
            await session.execute(text("UPDATE dead_letters SET told = 0"))
    finally:
        await database.close()
    return moved
