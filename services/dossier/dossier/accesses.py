"""Who has read what is known of a child's health: kept with each read, shown to its guardians."""

from collections.abc import Sequence
from datetime import datetime, timedelta
from uuid import UUID

from chassis.bodies import Paging
from chassis.identifiers import new_id
from chassis.law import personal
from chassis.reach import Reach
from chassis.schema import may
from contracts.caller import CallerRole
from sqlalchemy import ForeignKey, Index, Text, select
from sqlalchemy.ext.asyncio import AsyncSession
from sqlalchemy.orm import Mapped, joinedload, mapped_column, relationship

from dossier.copies import Site
from dossier.models import Base

KEPT = timedelta(days=3 * 365)


class Access(Base):
    """One read. The family sees the role and the site, the town also which account and name."""

    __tablename__ = "accesses"
    __table_args__ = (
        Index("ix_accesses_child_id_id", "child_id", "id"),
        Index("ix_accesses_at", "at"),
        may(
            law=personal(
                "Lectures des informations de santé", child="child_id", hidden=("account_id", "name"), kept=("at", KEPT)
            )
        ),
    )

    id: Mapped[UUID] = mapped_column(primary_key=True)
    child_id: Mapped[UUID] = mapped_column(ForeignKey("children.id"))
    at: Mapped[datetime]
    account_id: Mapped[UUID]
    role: Mapped[CallerRole] = mapped_column(Text())
    name: Mapped[str | None]
    site_id: Mapped[UUID | None]
    reason: Mapped[str | None]

    site: Mapped[Site | None] = relationship(
        primaryjoin="foreign(Access.site_id) == Site.id", viewonly=True, lazy="raise"
    )

    @property
    def site_name(self) -> str | None:
        return self.site.name if self.site else None


def log(
    session: AsyncSession,
    reach: Reach,
    child_id: UUID,
    now: datetime,
    *,
    reason: str | None,
    site_id: UUID | None = None,
) -> None:
    """Keep that they read it, in the transaction in which they do."""
    session.add(
        Access(
            id=new_id(),
            child_id=child_id,
            at=now,
            account_id=reach.sub,
            role=reach.role,
            name=reach.name,
            site_id=site_id,
            reason=reason,
        )
    )


async def of_child(session: AsyncSession, child_id: UUID, paging: Paging) -> Sequence[Access]:
    """The newest first."""
    query = select(Access).where(Access.child_id == child_id).options(joinedload(Access.site))
    if paging.cursor is not None:
        query = query.where(Access.id < paging.cursor)
    return (await session.scalars(query.order_by(Access.id.desc()).limit(paging.limit + 1))).all()
