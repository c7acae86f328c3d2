"""Tables of dossiers, their adults, children and quotients, and the one row of what the town chose."""

from datetime import date, datetime
from enum import StrEnum
from typing import TYPE_CHECKING, Any, Literal
from uuid import UUID

from chassis.database import TYPES
from chassis.law import impersonal, personal
from chassis.schema import may, service_metadata
from chassis.states import state
from contracts import dossier as contract
from contracts.dossier import Level, Menu, PostalAddress, Role
from sqlalchemy import ARRAY, CheckConstraint, Column, ForeignKey, Index, Table, Text, UniqueConstraint, text
from sqlalchemy.dialects.postgresql import JSONB
from sqlalchemy.orm import DeclarativeBase, Mapped, mapped_column, relationship

from dossier.quotient import periods
from dossier.search_texts import UPKEEP

if TYPE_CHECKING:
    from dossier.copies import Account


_FILES = (
    """CREATE FUNCTION leave_file() RETURNS trigger LANGUAGE plpgsql AS $$
    BEGIN
        INSERT INTO left_files (document_id) SELECT id FROM gone ON CONFLICT DO NOTHING;
        RETURN NULL;
    END $$""",
    """CREATE TRIGGER file_is_left AFTER DELETE ON documents
    REFERENCING OLD TABLE AS gone FOR EACH STATEMENT EXECUTE FUNCTION leave_file()""",
)


class Base(DeclarativeBase):
    metadata = service_metadata("dossier", extensions=["fuzzystrmatch", "unaccent"], triggers=(*UPKEEP, *_FILES))
    type_annotation_map = TYPES


dossier_children = Table(
    "dossier_children",
    Base.metadata,
    Column("dossier_id", ForeignKey("dossiers.id"), primary_key=True),
    Column("child_id", ForeignKey("children.id"), primary_key=True, index=True),
    **may(law=personal("Enfants du dossier", dossier="dossier_id", child="child_id")),
)


class Adult(Base):
    """`recorded_email` is the town's own note of it, often old or missing."""

    __tablename__ = "adults"
    __table_args__ = (
        Index("ix_adults_email", text("lower(recorded_email)")),
        may("UPDATE", "DELETE", law=personal("Adultes", guardian="id", dossier="dossier_id")),
    )

    id: Mapped[UUID] = mapped_column(primary_key=True)
    dossier_id: Mapped[UUID] = mapped_column(ForeignKey("dossiers.id"), index=True)
    first_name: Mapped[str]
    last_name: Mapped[str]
    recorded_email: Mapped[str | None]
    phone: Mapped[str | None]
    roles: Mapped[list[Role]] = mapped_column(ARRAY(Text()))

    account: Mapped["Account | None"] = relationship(
        primaryjoin="Adult.id == foreign(Account.guardian_id)", viewonly=True, lazy="raise"
    )

    @property
    def email(self) -> str | None:
        """The account's address where there is an account that is not closed, else the recorded one."""
        return (self.account and self.account.email) or self.recorded_email

    @property
    def has_account(self) -> bool:
        """Whether they sign in by an account of their own, that is not closed."""
        return self.account is not None and self.account.email is not None


class Child(Base):
    """`custody` is contracts.dossier.Custody; none: its days are nobody's in particular."""

    __tablename__ = "children"
    __table_args__ = (
        CheckConstraint("menu IN ('standard', 'no_pork', 'vegetarian', 'own_meal')", name="menu_known"),
        may("UPDATE", law=personal("Enfants", child="id")),
    )

    id: Mapped[UUID] = mapped_column(primary_key=True)
    first_name: Mapped[str]
    last_name: Mapped[str]
    birth_date: Mapped[date]
    menu: Mapped[Menu] = mapped_column(Text())
    resident: Mapped[bool]
    custody: Mapped[dict[str, Any] | None] = mapped_column(JSONB(none_as_null=True))
    version: Mapped[int]

    schooling: Mapped[list["Schooling"]] = relationship(order_by="Schooling.school_year", cascade="all, delete-orphan")
    consents: Mapped[list["Consent"]] = relationship(order_by="Consent.kind", lazy="raise")
    persons: Mapped[list["Person"]] = relationship(
        order_by="(Person.last_name, Person.first_name, Person.id)", cascade="all, delete-orphan", lazy="raise"
    )


class Schooling(Base):
    """Where a child goes to school in one school year (« 2026-2027 »): a site of the catalogue."""

    __tablename__ = "schooling"
    __table_args__ = (
        CheckConstraint("level IN ('nursery', 'elementary')", name="level_known"),
        may("UPDATE", "DELETE", law=personal("Scolarité", child="child_id")),
    )

    child_id: Mapped[UUID] = mapped_column(ForeignKey("children.id"), primary_key=True)
    school_year: Mapped[str] = mapped_column(primary_key=True)
    school_id: Mapped[UUID]
    level: Mapped[Level] = mapped_column(Text())
    class_name: Mapped[str | None]


#: May be photographed; goes on outings; goes home alone.
ConsentKind = Literal["photo", "outings", "leaves_alone"]


class Consent(Base):
    """What a guardian has last answered to a question about a child, and which account it was."""

    __tablename__ = "consents"
    __table_args__ = (
        CheckConstraint("kind IN ('photo', 'outings', 'leaves_alone')", name="kind_known"),
        may("UPDATE", law=personal("Autorisations", child="child_id")),
    )

    child_id: Mapped[UUID] = mapped_column(ForeignKey("children.id"), primary_key=True)
    kind: Mapped[ConsentKind] = mapped_column(Text(), primary_key=True)
    given: Mapped[bool]
    given_at: Mapped[datetime]
    given_by: Mapped[UUID]


class Person(Base):
    """Who may pick a child up, as one of its dossiers says; or who may not, by the decision of a court."""

    __tablename__ = "persons"
    __table_args__ = (
        CheckConstraint("(decision IS NULL) = (phone IS NOT NULL)", name="authorised_or_forbidden"),
        may(
            "UPDATE",
            "DELETE",
            law=personal("Personnes autorisées ou interdites", dossier="dossier_id", child="child_id"),
        ),
    )

    id: Mapped[UUID] = mapped_column(primary_key=True)
    child_id: Mapped[UUID] = mapped_column(ForeignKey("children.id"), index=True)
    dossier_id: Mapped[UUID] = mapped_column(ForeignKey("dossiers.id"))
    first_name: Mapped[str]
    last_name: Mapped[str]
    relation: Mapped[str | None]
    phone: Mapped[str | None]
    decision: Mapped[str | None]
    recorded_at: Mapped[datetime]
    recorded_by: Mapped[UUID]


class Quotient(Base):
    """One entry of a dossier's history as it was recorded: what counts on a day is for quotient.py to say.

    `reason` is why it counts from before the month after it was recorded.
    """

    __tablename__ = "quotients"
    __table_args__ = (
        UniqueConstraint("dossier_id", "valid_from"),
        CheckConstraint("value >= 0", name="value_not_negative"),
        CheckConstraint("source IN ('caf', 'msa', 'municipal')", name="source_known"),
        CheckConstraint("valid_to >= valid_from", name="valid_in_order"),
        may("UPDATE", law=personal("Quotients familiaux", dossier="dossier_id")),
    )

    id: Mapped[UUID] = mapped_column(primary_key=True)
    dossier_id: Mapped[UUID] = mapped_column(ForeignKey("dossiers.id"))
    value: Mapped[int]
    source: Mapped[Literal["caf", "msa", "municipal"]] = mapped_column(Text())
    valid_from: Mapped[date]
    valid_to: Mapped[date]
    reason: Mapped[str | None]


class Certification(Base):
    """That a family has said, of a school year, that all of its dossier is right."""

    __tablename__ = "certifications"
    __table_args__ = may(law=personal("Certifications", dossier="dossier_id"))

    dossier_id: Mapped[UUID] = mapped_column(ForeignKey("dossiers.id"), primary_key=True)
    school_year: Mapped[str] = mapped_column(primary_key=True)
    certified_at: Mapped[datetime]
    certified_by: Mapped[UUID]


#: Numbers that are a number, and are counted on.
COUNTED = "number ~ '^[0-9]{1,15}$'"


class Payer(Base):
    """Who pays from that day on, until the next; while a dossier has none, the adult who has that role."""

    __tablename__ = "payers"
    __table_args__ = may("UPDATE", "DELETE", law=personal("Payeurs", guardian="adult_id", dossier="dossier_id"))

    dossier_id: Mapped[UUID] = mapped_column(ForeignKey("dossiers.id"), primary_key=True)
    valid_from: Mapped[date] = mapped_column(primary_key=True)
    adult_id: Mapped[UUID]


class DossierStatus(StrEnum):
    ACTIVE = "active"
    ARCHIVED = "archived"


class Dossier(Base):
    """A family. `version` grows with each event about it, whether of the dossier itself or of its quotients.

    `priorities` are codes of criteria of the town's waiting list that an agent has certified; `missing` is what keeps
    it incomplete, in French, as it was last told; `merged_into` the one that an archived one is part of.
    """

    __tablename__ = "dossiers"
    __table_args__ = (
        UniqueConstraint("number"),
        CheckConstraint("num_nonnulls(street, postcode, city) IN (0, 3)", name="address_whole"),
        Index("ix_dossiers_address", "postcode", text("lower(street)")),
        # The highest number is found at once.
        Index("ix_dossiers_counted", text("(number::bigint)"), postgresql_where=text(COUNTED)),
        may("UPDATE", law=personal("Dossier", dossier="id")),
    )

    id: Mapped[UUID] = mapped_column(primary_key=True)
    number: Mapped[str]
    status: Mapped[DossierStatus] = state(DossierStatus)
    street: Mapped[str | None]
    postcode: Mapped[str | None]
    city: Mapped[str | None]
    priorities: Mapped[list[str]] = mapped_column(ARRAY(Text()))
    missing: Mapped[list[str]] = mapped_column(ARRAY(Text()), insert_default=list)
    merged_into: Mapped[UUID | None] = mapped_column(ForeignKey("dossiers.id"), index=True)
    version: Mapped[int]

    adults: Mapped[list[Adult]] = relationship(
        order_by=(Adult.first_name, Adult.id), cascade="all, delete-orphan", lazy="raise"
    )
    children: Mapped[list[Child]] = relationship(
        secondary=dossier_children, order_by=(Child.birth_date, Child.first_name), lazy="raise"
    )
    payers: Mapped[list[Payer]] = relationship(order_by=Payer.valid_from, cascade="all, delete-orphan", lazy="raise")
    quotients: Mapped[list[Quotient]] = relationship(order_by=Quotient.valid_from, lazy="raise")
    certifications: Mapped[list[Certification]] = relationship(order_by=Certification.school_year, lazy="raise")

    @property
    def address(self) -> PostalAddress | None:
        if self.street is None or self.postcode is None or self.city is None:
            return None
        return PostalAddress(street=self.street, postcode=self.postcode, city=self.city)

    @property
    def quotient_periods(self) -> tuple[contract.Quotient, ...]:
        """What others are told of its quotients, and it shows itself."""
        return periods(
            contract.Quotient(value=one.value, source=one.source, valid_from=one.valid_from, valid_to=one.valid_to)
            for one in self.quotients
        )


class Town(Base):
    """The one row of what the town chose: who lives there, the codes of what an agent may certify in a dossier, and
    what a dossier needs to be complete.

    Every dossier has been judged on the day `judged_on`; until then, those up to `judged_to`.
    """

    __tablename__ = "town"
    __table_args__ = (
        CheckConstraint("only_row", name="only_row"),
        may("UPDATE", law=impersonal("what the town chose, as long as it does")),
    )

    only_row: Mapped[bool] = mapped_column(primary_key=True)
    postcode: Mapped[str]
    priorities: Mapped[list[str]] = mapped_column(ARRAY(Text()))
    needed_fields: Mapped[list[str]] = mapped_column(ARRAY(Text()))
    needed_documents: Mapped[list[str]] = mapped_column(ARRAY(Text()))
    certified_yearly: Mapped[bool]
    judged_on: Mapped[date | None]
    judged_to: Mapped[UUID | None]
