"""Tables of what others own: the sites and régies that staff are given."""

from uuid import UUID

from chassis.schema import may
from sqlalchemy.orm import Mapped, mapped_column

from identity.models import Base


class Site(Base):
    __tablename__ = "sites"
    __table_args__ = may("UPDATE")

    id: Mapped[UUID] = mapped_column(primary_key=True)
    version: Mapped[int]
    code: Mapped[str]
    kind: Mapped[str]
    name: Mapped[str]


class Regie(Base):
    __tablename__ = "regies"
    __table_args__ = may("UPDATE")

    id: Mapped[UUID] = mapped_column(primary_key=True)
    version: Mapped[int]
    code: Mapped[str]
    name: Mapped[str]
