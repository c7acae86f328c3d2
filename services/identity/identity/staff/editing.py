"""The administrator opens, changes and closes the staff's accounts; what an account may do ends with its sessions."""

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any, NamedTuple
from uuid import UUID

from chassis.editing import Seen
from chassis.identifiers import new_id
from chassis.problems import Malformed, NotFound, Problem
from sqlalchemy import delete, func, select
from sqlalchemy.ext.asyncio import AsyncSession

from identity import second_factor
from identity.copies import Regie, Site
from identity.models import Account, AccountStatus, TotpEnrolment
from identity.names import email_key
from identity.notices.writing import write
from identity.own_account.models import EmailChange, ResetLink
from identity.passkeys import keeping
from identity.registrations import credentials
from identity.registrations.models import ActivationLink
from identity.sessions import lines
from identity.staff import invitations, rules
from identity.throttling import known_addresses


class LastAdministrator(Problem):
    type = "urn:problem:identity:last-administrator"
    status = 409
    title = "Dernier administrateur"
    detail = "La commune n'aurait plus d'administrateur : ouvrez d'abord un autre compte d'administrateur."


class AccountClosed(Problem):
    type = "urn:problem:identity:account-closed"
    status = 409
    title = "Compte fermé"
    detail = "Ce compte est fermé et ne se modifie plus : ouvrez-en un autre."


class Change(NamedTuple):
    """The columns that change; `pin_hash` where a new PIN is given."""

    columns: Mapping[str, Any]
    pin_hash: str | None
    close: bool


async def page(
    session: AsyncSession, status: AccountStatus | None, role: str | None, most: int, after: UUID | None
) -> Sequence[Account]:
    """So many of the staff's accounts, of that status and role where one is said, after the one that is `after`."""
    query = select(Account).where(Account.role != "guardian").order_by(Account.id).limit(most)
    if status:
        query = query.where(Account.status == status)
    if role:
        query = query.where(Account.role == role)
    if after:
        query = query.where(Account.id > after)
    return (await session.scalars(query)).all()


async def read(session: AsyncSession, account_id: UUID, *, locked: bool = False) -> Account:
    """An account of the staff. Raises NotFound."""
    account = await session.get(Account, account_id, with_for_update=locked)
    if account is None or account.role == "guardian":
        raise NotFound
    return account


async def open_account(
    session: AsyncSession, username: str, columns: Mapping[str, Any], pin_hash: str | None, now: datetime
) -> Account:
    """Site staff may sign in at once; the others are mailed a link. Raises Malformed."""
    await credentials.check(session, username, None, now)
    at_once = columns["role"] == "site_staff"
    account = Account(
        id=new_id(),
        version=1,
        status=AccountStatus.ACTIVE if at_once else AccountStatus.PENDING,
        email_key=email_key(columns["email"]),
        pin_hash=pin_hash,
        activation_expires_at=None if at_once else now + invitations.LINK_VALID,
        created_at=now,
        **columns,
    )
    await _judge(session, account)
    await credentials.take_username(session, account, username, now)
    if not at_once:
        await invitations.invite(session, account, now)
    return account


async def change(session: AsyncSession, seen: Seen, account_id: UUID, asked: Change, now: datetime) -> Account:
    """The changed account; what it may do counts from now on, since its sessions end.

    Raises NotFound, Stale, AccountClosed, Malformed, LastAdministrator.
    """
    account = await read(session, account_id, locked=True)
    seen.refuse_if_older(account.version)
    if account.status == AccountStatus.CLOSED:
        raise AccountClosed
    administers = account.role == "administrator" and account.status == AccountStatus.ACTIVE
    former_email = account.email
    for name, value in asked.columns.items():
        setattr(account, name, value)
    account.email_key = email_key(account.email)
    account.pin_hash = asked.pin_hash or account.pin_hash
    await _judge(session, account)
    if administers and (asked.close or account.role != "administrator"):
        await _leave_an_administrator(session, account)
    if account.email_key != email_key(former_email):
        await _tell(session, account, former_email, now)
    if asked.close:
        await _close(session, account)
    else:
        account.version += 1
    await _end(session, account)
    return account


async def _judge(session: AsyncSession, account: Account) -> None:
    """Raises Malformed where something does not go with the role, or is not there."""
    errors = rules.faults(account.role, len(account.site_ids), account.regies, has_pin=account.pin_hash is not None)
    with session.no_autoflush:
        sites = await session.scalars(select(Site.id).where(Site.id.in_(account.site_ids)))
        regies = await session.scalars(select(Regie.code).where(Regie.code.in_(account.regies)))
    if set(account.site_ids) - set(sites):
        errors.append({"pointer": "/site_ids", "detail": "Un de ces sites n'existe pas."})
    if set(account.regies) - set(regies):
        errors.append({"pointer": "/regies", "detail": "Une de ces régies n'existe pas."})
    if errors:
        raise Malformed(errors=errors)


async def _leave_an_administrator(session: AsyncSession, account: Account) -> None:
    """Raises LastAdministrator."""
    # One at a time, or each of two would leave the other, who leaves too.
    await session.execute(select(func.pg_advisory_xact_lock(func.hashtextextended("administrators", 0))))
    others = select(func.count()).where(
        Account.role == "administrator", Account.status == AccountStatus.ACTIVE, Account.id != account.id
    )
    if not await session.scalar(others):
        raise LastAdministrator


async def _close(session: AsyncSession, account: Account) -> None:
    """Whose it was stays, for what was decided under that name; nothing that opens it does."""
    account.move(AccountStatus.CLOSED)
    account.password_hash = account.pin_hash = account.activation_expires_at = None
    await second_factor.drop(session, account)
    await session.execute(delete(TotpEnrolment).where(TotpEnrolment.account_id == account.id))
    await session.execute(delete(ActivationLink).where(ActivationLink.account_id == account.id))
    await keeping.drop(session, account.id)
    await known_addresses.forget(session, account.id)


async def _end(session: AsyncSession, account: Account) -> None:
    """Its sessions, and the links mailed to what may no longer be its address."""
    await lines.end_all(session, account.id)
    await session.execute(delete(ResetLink).where(ResetLink.account_id == account.id))
    await session.execute(delete(EmailChange).where(EmailChange.account_id == account.id))


async def _tell(session: AsyncSession, account: Account, former: str, now: datetime) -> None:
    await write(
        session,
        notice_id=new_id(),
        email=former,
        title="L'adresse de votre compte a changé",
        paragraphs=[
            f"Bonjour {account.first_name} {account.last_name},",
            f"Un administrateur a changé l'adresse de courriel de votre compte Espace Familles : c'est désormais"
            f" {account.email}.",
            "Si vous n'en saviez rien, prévenez aussitôt l'administrateur.",
        ],
        link=None,
        now=now,
    )
