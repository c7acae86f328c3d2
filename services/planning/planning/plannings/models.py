"""Tables: validations that were refused."""

from datetime import date, datetime, timedelta
from typing import Any
from uuid import UUID

from chassis.law import personal
from chassis.schema import may
from sqlalchemy.dialects.postgresql import JSONB
from sqlalchemy.orm import Mapped, mapped_column

from planning.models import Base

#: How long the moment of an attempt counts.
LASTS = timedelta(minutes=10)


class Attempt(Base):
    """A refused validation of a dossier's month (its first day) by an account.

    `cells` are `[child, activity, date, reserve, moment]`: while it lasts, the moment by which that cell is judged when
    it is asked for again.
    """

    __tablename__ = "attempts"
    __table_args__ = may(
        "UPDATE",
        "DELETE",
        law=personal("Validations refusées", account="account_id", dossier="dossier_id", kept=("at", LASTS)),
    )

    id: Mapped[UUID] = mapped_column(primary_key=True)
    account_id: Mapped[UUID] = mapped_column(index=True)
    dossier_id: Mapped[UUID]
    month: Mapped[date]
    at: Mapped[datetime]
    cells: Mapped[list[list[Any]]] = mapped_column(JSONB)
