"""Tables of what others own, each with the version of the event it came from."""

from datetime import date
from typing import Any
from uuid import UUID

from chassis.law import COPY, impersonal, personal
from chassis.schema import may
from contracts.dossier import DossierChanged, Schooling
from sqlalchemy import Index
from sqlalchemy.orm import Mapped, mapped_column

from enrolment.models import Base


class Dossier(Base):
    """A family's dossier; `missing` names what keeps it incomplete, `priorities` what an agent has certified.

    `reachable`: a guardian has an email; where none has, the desk calls.
    """

    __tablename__ = "dossiers"
    __table_args__ = may("UPDATE", law=personal("Dossiers", dossier="id", unexported=COPY))

    id: Mapped[UUID] = mapped_column(primary_key=True)
    number: Mapped[str]
    status: Mapped[str]
    missing: Mapped[list[str]]
    priorities: Mapped[list[str]]
    reachable: Mapped[bool]
    version: Mapped[int]


def reachable(event: DossierChanged) -> bool:
    return any(adult.email for adult in event.adults if "legal_guardian" in adult.roles)


class Child(Base):
    """A child, of one dossier or of two (split custody); `schooling` are contracts.dossier.Schooling."""

    __tablename__ = "children"
    __table_args__ = (
        Index(None, "dossier_ids", postgresql_using="gin"),
        may("UPDATE", law=personal("Enfants", child="id", dossier="dossier_ids", unexported=COPY)),
    )

    id: Mapped[UUID] = mapped_column(primary_key=True)
    dossier_ids: Mapped[list[UUID]]
    first_name: Mapped[str]
    birth_date: Mapped[date]
    schooling: Mapped[list[dict[str, Any]]]
    resident: Mapped[bool]
    version: Mapped[int]

    def schooled(self, school_year: str) -> Schooling | None:
        """Where it goes to school in that year, where that is known."""
        found = (one for one in self.schooling if one["school_year"] == school_year)
        return next((Schooling.model_validate(one) for one in found), None)


class Regie(Base):
    """Who collects: an activity is of one of these."""

    __tablename__ = "regies"
    __table_args__ = may("UPDATE", law=impersonal("as long as the régie"))

    id: Mapped[UUID] = mapped_column(primary_key=True)
    code: Mapped[str]
    version: Mapped[int]
