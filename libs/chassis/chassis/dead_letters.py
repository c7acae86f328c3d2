"""Dead letters: what we or the broker set aside. They are counted, told to the desk, listed, and replayed."""

from dataclasses import dataclass
from datetime import datetime, timedelta
from uuid import UUID

from aio_pika import Message
from aio_pika.abc import AbstractIncomingMessage, DeliveryMode
from contracts.envelope import Envelope
from contracts.notices import NoticeWritten
from pydantic import ValidationError
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


@dataclass(frozen=True)
class DeadLetter:
    """What may be said of a message that was set aside; nothing but the reason where it is no event at all.

    `reason`: `rejected` by the service, `delivery_limit` where it killed the process, as the broker calls them.
    """

    reason: str | None
    event_id: UUID | None = None
    type: str | None = None
    subject: UUID | None = None
    time: datetime | None = None


async def count(amqp_url: str, service: str) -> int:
    """How many messages are set aside."""
    async with await broker.connect(amqp_url) as connection:
        channel = await connection.channel()
        queue = await channel.declare_queue(broker.dead_queue(service), passive=True)
        return queue.declaration_result.message_count or 0


def watching(service: str, notice: type[NoticeWritten]) -> Job:
    """The job that tells the desk."""

    async def watch_dead_letters(database: Database, settings: ServiceSettings) -> None:
        async with database.sessions.begin() as session:
            await _alone(session)
            waiting = await count(settings.amqp_url, service)
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


async def first(session: AsyncSession, amqp_url: str, service: str, limit: int) -> tuple[int, list[DeadLetter]]:
    """How many messages are set aside, and the first of them, which stay."""
    await _alone(session)
    found: list[AbstractIncomingMessage] = []
    async with await broker.connect(amqp_url) as connection:
        channel = await connection.channel()
        dead = await channel.declare_queue(broker.dead_queue(service), passive=True)
        waiting = dead.declaration_result.message_count or 0
        while len(found) < min(waiting, limit) and (message := await dead.get(fail=False)):
            found.append(message)
        if found:
            await found[-1].nack(multiple=True)
    return waiting, [_described(message) for message in found]


async def _alone(session: AsyncSession) -> None:
    """Nobody counts them for the desk while somebody looks at them: what is looked at is not counted."""
    await session.execute(text("SELECT FROM dead_letters FOR UPDATE"))


def _described(message: AbstractIncomingMessage) -> DeadLetter:
    reason = message.headers.get("x-first-death-reason")
    said = str(reason) if reason else None
    try:
        event = Envelope.model_validate_json(message.body)
    except ValidationError:
        return DeadLetter(said)
    return DeadLetter(said, event.id, event.type, event.subject, event.time)


async def replay(service: str, amqp_url: str, database: Database, most: int | None = None) -> tuple[int, int]:
    """Give back to the queue what is set aside now; how many messages (not more than `most`), and how many are left.

    Each leaves only once the queue has confirmed it: killed in between, it is in both, and the inbox knows it. What
    fails again is set aside again, and told again.
    """
    moved = 0
    async with await broker.connect(amqp_url) as connection:
        channel = await connection.channel(publisher_confirms=True, on_return_raises=True)
        dead = await channel.declare_queue(broker.dead_queue(service), passive=True)
        waiting = dead.declaration_result.message_count or 0
        for _ in range(waiting if most is None else min(waiting, most)):
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
    async with database.sessions.begin() as session:
        await session.execute(text("UPDATE dead_letters SET told = 0"))
    return moved, waiting - moved
