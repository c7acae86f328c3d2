"""The town's programs."""

from uuid import UUID

from sqlalchemy import Index
from sqlalchemy.orm import Mapped, mapped_column

from identity.models import Base


class Client(Base):
    """A program of the town."""

    __tablename__ = "clients"
    __table_args__ = (Index("uq_clients_name", "name", unique=True),)

    id: Mapped[UUID] = mapped_column(primary_key=True)
    name: Mapped[str]
    secret_hash: Mapped[str]
    scope: Mapped[str]
