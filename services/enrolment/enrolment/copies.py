"""Tables of what others own, each with the version of the event it came from."""

from datetime import date
from uuid import UUID

from chassis.schema import may
from sqlalchemy.orm import Mapped, mapped_column

from enrolment.models import Base


class Dossier(Base):
    """A family's dossier; `missing` names what keeps it incomplete."""

    __tablename__ = "dossiers"
    __table_args__ = may("UPDATE")

    id: Mapped[UUID] = mapped_column(primary_key=True)
    number: Mapped[str]
    status: Mapped[str]
    missing: Mapped[list[str]]
    version: Mapped[int]


class Child(Base):
    """A child, of one dossier or of two (split custody)."""

    __tablename__ = "children"
    __table_args__ = may("UPDATE")

    id: Mapped[UUID] = mapped_column(primary_key=True)
    dossier_ids: Mapped[list[UUID]]
    first_name: Mapped[str]
    birth_date: Mapped[date]
    version: Mapped[int]
