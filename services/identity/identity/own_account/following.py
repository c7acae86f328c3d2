"""Accounts follow their guardian: into another dossier, and out of one that no longer has them.

A move may be heard of in two halves and in any order. So an account is suspended, not erased: nobody signs in with it,
and it is as it was once a dossier has that guardian again.
"""

from collections.abc import Sequence
from datetime import datetime
from uuid import UUID

from chassis import clock
from chassis.identifiers import new_id
from chassis.outbox import publish
from contracts.dossier import DossierChanged
from sqlalchemy import delete, or_, select
from sqlalchemy.ext.asyncio import AsyncSession

from identity import accounts
from identity.copies import Dossier
from identity.models import Account, AccountStatus
from identity.notices.models import Notice
from identity.notices.writing import write
from identity.own_account.models import EmailChange, ResetLink
from identity.registrations.credentials import SUSPENDED_KEPT
from identity.sessions import lines


async def follow(session: AsyncSession, events: Sequence[DossierChanged]) -> None:
    """The accounts of these dossiers, whose copies are locked, and of their guardians, are where they are guardians."""
    dossiers = (
        await session.scalars(select(Dossier).where(Dossier.dossier_id.in_({one.dossier_id for one in events})))
    ).all()
    homes = {UUID(one["guardian_id"]): dossier.dossier_id for dossier in dossiers for one in dossier.guardians}
    concerned = or_(Account.dossier_id.in_([one.dossier_id for one in dossiers]), Account.guardian_id.in_(homes))
    for account in (
        await session.scalars(
            select(Account).where(concerned, Account.role == "guardian").order_by(Account.id).with_for_update()
        )
    ).all():
        assert account.guardian_id  # noqa: S101 -- a guardian's
        home = homes.get(account.guardian_id) or await _home(session, account.guardian_id)
        if home is None:
            await _leave(session, account, clock.now())
        else:
            await _settle(session, account, home)


async def _home(session: AsyncSession, guardian_id: UUID) -> UUID | None:
    """The dossier that is known to have this guardian."""
    having = Dossier.guardians.contains([{"guardian_id": str(guardian_id)}])
    return await session.scalar(select(Dossier.dossier_id).where(having).limit(1))


async def _settle(session: AsyncSession, account: Account, home: UUID) -> None:
    moved, account.dossier_id = account.dossier_id != home, home
    match account.status:
        case AccountStatus.ACTIVE if moved:
            account.version += 1
            await lines.end_all(session, account.id)  # whose tokens speak for the other dossier
        case AccountStatus.SUSPENDED:
            if await accounts.having_account(session, [account.guardian_id] if account.guardian_id else []):
                return  # they have made another one meanwhile
            account.suspended_at = None
            account.move(AccountStatus.ACTIVE)
        case _:
            return
    await publish(session, accounts.activated(account))


async def _leave(session: AsyncSession, account: Account, now: datetime) -> None:
    """A registration is erased; an account loses its sessions and what it has elsewhere."""
    match account.status:
        case AccountStatus.PENDING:
            await session.execute(delete(Notice).where(Notice.account_id == account.id))
            await session.delete(account)
        case AccountStatus.ACTIVE:
            await publish(session, accounts.closed(account))
            account.suspended_at = now
            account.move(AccountStatus.SUSPENDED)
            await lines.end_all(session, account.id)
            await session.execute(delete(ResetLink).where(ResetLink.account_id == account.id))
            await session.execute(delete(EmailChange).where(EmailChange.account_id == account.id))
            await _tell(session, account, now)


async def _tell(session: AsyncSession, account: Account, now: datetime) -> None:
    await write(
        session,
        notice_id=new_id(),
        account_id=account.id,
        email=account.email,
        title="Votre compte ne donne plus accès au dossier",
        paragraphs=[
            f"Bonjour {account.first_name} {account.last_name},",
            "La mairie a enregistré que vous n'êtes plus responsable légal dans ce dossier : votre compte Espace"
            " Familles n'y donne plus accès, et vos appareils sont déconnectés.",
            "Si c'est une erreur, adressez-vous au guichet : votre compte sera rétabli tel qu'il était. Sinon, il sera"
            f" effacé dans {SUSPENDED_KEPT.days} jours.",
        ],
        link=None,
        now=now,
    )
