"""Tables of what others own: the adults' accounts, and the sites, of which schools are some."""

from uuid import UUID

from chassis.law import COPY, impersonal, part_of
from chassis.schema import may
from contracts.identity import AccountActivated, AccountClosed
from sqlalchemy import tuple_
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.ext.asyncio import AsyncSession
from sqlalchemy.orm import Mapped, mapped_column

from dossier.models import Base


class Account(Base):
    """The account of an adult, which may be heard of before the adult is loaded; without an email once it is closed."""

    __tablename__ = "accounts"
    __table_args__ = may("UPDATE", law=part_of("adults", "Comptes", by="guardian_id", unexported=COPY))

    guardian_id: Mapped[UUID] = mapped_column(primary_key=True)
    account_id: Mapped[UUID]
    email: Mapped[str | None]
    version: Mapped[int]


async def keep_account(session: AsyncSession, event: AccountActivated | AccountClosed) -> bool:
    """Of two accounts of one adult the one made last counts, their ids being in that order; whether it was stored."""
    account = insert(Account).values(
        guardian_id=event.guardian_id,
        account_id=event.account_id,
        email=event.email if isinstance(event, AccountActivated) else None,
        version=event.version,
    )
    given = account.excluded
    newer = account.on_conflict_do_update(
        index_elements=[Account.guardian_id],
        set_={"account_id": given.account_id, "email": given.email, "version": given.version},
        where=tuple_(Account.account_id, Account.version) < tuple_(given.account_id, given.version),
    )
    return await session.scalar(newer.returning(Account.guardian_id)) is not None


class Site(Base):
    __tablename__ = "sites"
    __table_args__ = may("UPDATE", law=impersonal("as long as the site"))

    id: Mapped[UUID] = mapped_column(primary_key=True)
    version: Mapped[int]
    code: Mapped[str]
    kind: Mapped[str]
    name: Mapped[str]
