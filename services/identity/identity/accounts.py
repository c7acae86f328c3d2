"""Accounts: whom a login means, and which guardians have one."""

from collections.abc import Collection
from uuid import UUID

from chassis.problems import Problem
from contracts.caller import Caller
from contracts.identity import AccountActivated, AccountClosed
from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncSession

from identity.models import Account, AccountStatus
from identity.names import email_key, username_key


class AlreadyRegistered(Problem):
    type = "urn:problem:identity:already-registered"
    status = 409
    title = "Compte déjà créé"
    detail = "Un compte existe déjà pour ce responsable : connectez-vous avec le nom d'utilisateur ou le courriel."


async def having_account(session: AsyncSession, guardian_ids: Collection[UUID]) -> set[UUID]:
    """Those of the guardians who have an active account."""
    found = select(Account.guardian_id).where(
        Account.guardian_id.in_(guardian_ids), Account.status == AccountStatus.ACTIVE
    )
    return {guardian_id for guardian_id in await session.scalars(found) if guardian_id}


def login_key(login: str) -> str:
    """What the login means, however it is spelt: an email has an @, a username none."""
    return email_key(login) if "@" in login else username_key(login)


async def by_login(session: AsyncSession, login: str) -> Account | None:
    """The account, active or pending, that the login means.

    A username has no @: an email means the one active account that has it, or else the one pending; never one of two.
    """
    by = (Account.email_key if "@" in login else Account.username_key) == login_key(login)
    found = (await session.scalars(select(Account).where(by, Account.status != AccountStatus.CLOSED))).all()
    active = [account for account in found if account.status == AccountStatus.ACTIVE]
    candidates = active or found
    return candidates[0] if len(candidates) == 1 else None


def caller(account: Account, session_id: UUID) -> Caller:
    """Who calls by that session of theirs."""
    return Caller(
        sub=account.id,
        role=account.role,
        dossier_id=account.dossier_id,
        guardian_id=account.guardian_id,
        site_ids=tuple(account.site_ids),
        regies=tuple(account.regies),
        name=None if account.role == "guardian" else f"{account.first_name} {account.last_name}",
        sid=session_id,
    )


def activated(account: Account) -> AccountActivated:
    """The event, of a guardian's account."""
    if account.dossier_id is None or account.guardian_id is None:
        raise ValueError("only a guardian's account is told")
    return AccountActivated(
        account_id=account.id,
        version=account.version,
        dossier_id=account.dossier_id,
        guardian_id=account.guardian_id,
        email=account.email,
    )


def closed(account: Account) -> AccountClosed:
    """The event, of a guardian's account."""
    told = activated(account)
    return AccountClosed(
        account_id=told.account_id,
        version=told.version + 1,
        dossier_id=told.dossier_id,
        guardian_id=told.guardian_id,
    )
