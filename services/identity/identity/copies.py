"""Tables of what others own: dossiers with their guardians, and the sites and régies that staff are given."""

from typing import TypedDict
from uuid import UUID

from chassis.law import COPY, impersonal, personal
from chassis.schema import may
from contracts.dossier import DossierChanged
from sqlalchemy import Index
from sqlalchemy.dialects.postgresql import JSONB
from sqlalchemy.orm import Mapped, mapped_column

from identity.models import Base


class Guardian(TypedDict):
    """A dossier's legal guardian, as JSON."""

    guardian_id: str
    first_name: str
    last_name: str
    email: str | None


class Address(TypedDict):
    """Where the post finds a family, as JSON."""

    street: str
    postcode: str
    city: str


class Dossier(Base):
    """Of a dossier, who may claim it (nobody while it is archived), and where the post finds them."""

    __tablename__ = "dossiers"
    __table_args__ = (
        Index("ix_dossiers_number", "number"),
        Index(
            "ix_dossiers_guardians", "guardians", postgresql_using="gin", postgresql_ops={"guardians": "jsonb_path_ops"}
        ),
        may("UPDATE", law=personal("Dossiers", dossier="dossier_id", unexported=COPY)),
    )

    dossier_id: Mapped[UUID] = mapped_column(primary_key=True)
    version: Mapped[int]
    number: Mapped[str]
    guardians: Mapped[list[Guardian]] = mapped_column(JSONB())
    address: Mapped[Address | None] = mapped_column(JSONB(none_as_null=True))


def guardians(event: DossierChanged) -> list[Guardian]:
    """Its legal guardians, without the other adults."""
    return [
        Guardian(
            guardian_id=str(adult.adult_id),
            first_name=adult.first_name,
            last_name=adult.last_name,
            email=adult.email,
        )
        for adult in event.adults
        if event.status == "active" and "legal_guardian" in adult.roles
    ]


class Site(Base):
    __tablename__ = "sites"
    __table_args__ = may("UPDATE", law=impersonal("as long as the site"))

    id: Mapped[UUID] = mapped_column(primary_key=True)
    version: Mapped[int]
    code: Mapped[str]
    kind: Mapped[str]
    name: Mapped[str]


class Regie(Base):
    __tablename__ = "regies"
    __table_args__ = may("UPDATE", law=impersonal("as long as the régie"))

    id: Mapped[UUID] = mapped_column(primary_key=True)
    version: Mapped[int]
    code: Mapped[str]
    name: Mapped[str]
