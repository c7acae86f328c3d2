"""When a row that nobody asks for any more is deleted, table by table."""

from datetime import datetime, timedelta

from sqlalchemy import ColumnElement, and_, delete, inspect, select, tuple_
from sqlalchemy.ext.asyncio import AsyncSession

from identity.clients.models import ClientSecret
from identity.models import Base, TotpEnrolment
from identity.notices.models import Message
from identity.own_account.models import EmailChange, ResetLink
from identity.registrations.models import ActivationLink, Claim, LinkRequest
from identity.sessions.models import SignedIn
from identity.throttling.known_addresses import KEPT
from identity.throttling.lanes import GONE
from identity.throttling.models import KnownAddress, Lane, Ticket, Tries

#: Who decided a link request, and why, can be asked for so long.
DECIDED_KEPT = timedelta(days=365)
#: A message can be read again in the school year after its own.
MESSAGES_KEPT = timedelta(days=730)


def _over(now: datetime) -> dict[type[Base], ColumnElement[bool]]:
    return {
        Claim: Claim.expires_at <= now,
        ActivationLink: ActivationLink.expires_at <= now,
        TotpEnrolment: TotpEnrolment.expires_at <= now,
        ClientSecret: ClientSecret.expires_at <= now,
        EmailChange: EmailChange.expires_at <= now,
        LinkRequest: LinkRequest.decided_at <= now - DECIDED_KEPT,
        Message: Message.created_at <= now - MESSAGES_KEPT,
        ResetLink: ResetLink.expires_at <= now,
        SignedIn: SignedIn.expires_at <= now,
        Tries: Tries.ends_at <= now,
        Lane: and_(Lane.ends_at <= now, Lane.busy_until <= now),
        Ticket: Ticket.seen_at <= now - GONE,
        KnownAddress: KnownAddress.seen_at < now - KEPT,
    }


async def forget(session: AsyncSession, now: datetime) -> None:
    """Delete what is over, but for the rows in use."""
    for table, over in _over(now).items():
        key = tuple_(*inspect(table).primary_key)
        unused = select(*inspect(table).primary_key).where(over).with_for_update(skip_locked=True)
        await session.execute(delete(table).where(key.in_(unused)))
