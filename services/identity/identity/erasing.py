"""A family that is erased: its accounts are closed, and what strangers once asked in its name goes with it."""

from uuid import UUID

from chassis.erasure import Erasure
from chassis.outbox import publish
from sqlalchemy import delete, func, or_, select
from sqlalchemy.ext.asyncio import AsyncSession

from identity import accounts
from identity.copies import Dossier
from identity.dossier_requests.models import DossierRequest
from identity.models import Account, Base
from identity.registrations.models import LinkRequest
from identity.sessions import lines


async def _close_accounts(session: AsyncSession, dossier_id: UUID) -> None:
    theirs = select(Account).where(Account.dossier_id == dossier_id).order_by(Account.id).with_for_update()
    closed = [accounts.closed(account) for account in await session.scalars(theirs)]  # read before an erasure expires
    await publish(session, *closed)
    for one in closed:
        await lines.end_all(session, one.account_id)
        await ERASURE.erase(session, "account", one.account_id)
    dossier = await session.get(Dossier, dossier_id)
    if dossier is not None:
        emails = [one["email"].lower() for one in dossier.guardians if one["email"]]
        ids = [UUID(one["guardian_id"]) for one in dossier.guardians]
        await session.execute(
            delete(LinkRequest).where(
                or_(
                    LinkRequest.dossier_number == dossier.number,
                    LinkRequest.guardian_id.in_(ids),
                    func.lower(LinkRequest.email).in_(emails),
                )
            )
        )
        await session.execute(delete(DossierRequest).where(func.lower(DossierRequest.email).in_(emails)))


ERASURE = Erasure(Base.metadata, dossier=_close_accounts)
