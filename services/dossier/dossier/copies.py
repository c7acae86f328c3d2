"""Tables of what others own: the sites, of which schools are some."""

from uuid import UUID

from chassis.schema import may
from sqlalchemy.orm import Mapped, mapped_column

from dossier.models import Base


class Site(Base):
    __tablename__ = "sites"
    __table_args__ = may("UPDATE")

    id: Mapped[UUID] = mapped_column(primary_key=True)
    version: Mapped[int]
    code: Mapped[str]
    kind: Mapped[str]
    name: Mapped[str]
