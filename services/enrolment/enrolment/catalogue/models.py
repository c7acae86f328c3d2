"""Tables of the catalogue: sites, activities, school years with their règlement, holiday weeks with their places."""

from datetime import date, datetime
from uuid import UUID

from chassis.law import impersonal, personal
from chassis.schema import may
from sqlalchemy import CheckConstraint, ForeignKey, Index, select, text
from sqlalchemy.dialects.postgresql import Range
from sqlalchemy.orm import Mapped, column_property, mapped_column, relationship

from enrolment.models import Base


class Site(Base):
    """A school or a leisure centre."""

    __tablename__ = "sites"

    id: Mapped[UUID] = mapped_column(primary_key=True)
    code: Mapped[str] = mapped_column(unique=True)
    kind: Mapped[str]
    name: Mapped[str]
    version: Mapped[int]

    __table_args__ = (
        CheckConstraint("kind IN ('school', 'centre')", "kind"),
        may("UPDATE", law=impersonal("as long as the site")),
    )


class SchoolYear(Base):
    """« 2026-2027 », from its first to its last day of school, both included."""

    __tablename__ = "school_years"

    name: Mapped[str] = mapped_column(primary_key=True)
    first_day: Mapped[date]
    last_day: Mapped[date]

    __table_args__ = (
        CheckConstraint("first_day < last_day", "days"),
        may(law=impersonal("for ever: a year of the town")),
    )


class EnrolmentWindow(Base):
    """From when (none: always) until when (none: always) families enrol in an activity for that school year."""

    __tablename__ = "enrolment_windows"

    activity_id: Mapped[UUID] = mapped_column(ForeignKey("activities.id"), primary_key=True)
    school_year: Mapped[str] = mapped_column(ForeignKey("school_years.name"), primary_key=True)
    opens_at: Mapped[datetime | None]
    closes_at: Mapped[datetime | None]

    __table_args__ = (
        CheckConstraint("opens_at < closes_at", "order"),
        may("UPDATE", "DELETE", law=impersonal("as long as the activity")),
    )


class Activity(Base):
    """A catalogue entry; `regie` is the code of the régie that collects for it.

    Open to the children of these ages, both included (none: any), of these levels and of these schools (empty: all).
    """

    __tablename__ = "activities"

    id: Mapped[UUID] = mapped_column(primary_key=True)
    code: Mapped[str] = mapped_column(unique=True)
    name: Mapped[str]
    kind: Mapped[str]
    site_id: Mapped[UUID | None]
    payment: Mapped[str]
    charging: Mapped[str]
    regie: Mapped[str]
    status: Mapped[str] = mapped_column(server_default="open")
    min_age: Mapped[int | None]
    max_age: Mapped[int | None]
    levels: Mapped[list[str]] = mapped_column(server_default="{}")
    sector: Mapped[list[UUID]] = mapped_column(server_default="{}")
    version: Mapped[int]

    enrolment_windows: Mapped[list[EnrolmentWindow]] = relationship(
        lazy="selectin", order_by=EnrolmentWindow.school_year, cascade="all, delete-orphan"
    )

    __table_args__ = (
        CheckConstraint("status IN ('open', 'closed')", "status"),
        CheckConstraint("(min_age IS NULL) = (max_age IS NULL) AND min_age <= max_age", "ages"),
        may("UPDATE", law=impersonal("as long as the activity")),
    )

    @property
    def ages(self) -> tuple[int, int] | None:
        """The youngest and the oldest."""
        return None if self.min_age is None or self.max_age is None else (self.min_age, self.max_age)

    def window(self, school_year: str) -> EnrolmentWindow | None:
        return next((one for one in self.enrolment_windows if one.school_year == school_year), None)


class HouseRules(Base):
    """The town's règlement as it is for one school year: it never changes, so that what was accepted stays known."""

    __tablename__ = "house_rules"
    __table_args__ = may(law=impersonal("for ever: what was accepted stays known"))

    school_year: Mapped[str] = mapped_column(ForeignKey("school_years.name"), primary_key=True)
    version: Mapped[str]
    title: Mapped[str]
    text: Mapped[str]


class HouseRulesAcceptance(Base):
    """That a family has accepted a school year's règlement, once: who did, and when.

    `account_id` is none where the town's description says that its families have.
    """

    __tablename__ = "house_rules_acceptances"
    __table_args__ = may(law=personal("Règlements acceptés", dossier="dossier_id"))

    dossier_id: Mapped[UUID] = mapped_column(primary_key=True)
    school_year: Mapped[str] = mapped_column(ForeignKey("house_rules.school_year"), primary_key=True)
    version: Mapped[str]
    accepted_at: Mapped[datetime]
    account_id: Mapped[UUID | None]
    role: Mapped[str | None]
    name: Mapped[str | None]


class HolidayWeek(Base):
    """A centre's places for one week and age group. `taken`: held, confirmed, paid and offered together.

    Booking opens at `booking_opens_at` (none: always), for residents at `residents_open_at` where that is earlier.
    """

    __tablename__ = "holiday_weeks"

    id: Mapped[UUID] = mapped_column(primary_key=True)
    activity_id: Mapped[UUID] = mapped_column()
    site_id: Mapped[UUID]
    centre: Mapped[str]
    name: Mapped[str]
    group_name: Mapped[str]
    min_age: Mapped[int]
    max_age: Mapped[int]
    dates: Mapped[list[date]]
    period: Mapped[Range[date]]
    places: Mapped[int]
    taken: Mapped[int]
    booking_opens_at: Mapped[datetime | None]
    residents_open_at: Mapped[datetime | None]
    booking_closes_at: Mapped[datetime]
    cancellation_closes_at: Mapped[datetime]
    hold_minutes: Mapped[int]
    version: Mapped[int]

    activity_status: Mapped[str] = column_property(
        select(Activity.status).where(Activity.id == activity_id).correlate_except(Activity).scalar_subquery()
    )

    __table_args__ = (
        CheckConstraint("0 <= taken AND taken <= places", "places"),
        CheckConstraint("booking_opens_at < booking_closes_at", "booking"),
        CheckConstraint(
            "residents_open_at IS NULL OR coalesce(residents_open_at < booking_opens_at, false)", "residents"
        ),
        Index("ix_holiday_weeks_first_day", text("lower(period)"), "centre", "id"),
        may("UPDATE", law=impersonal("as long as the week")),
    )

    @property
    def places_left(self) -> int:
        return self.places - self.taken

    @property
    def ages(self) -> tuple[int, int]:
        """The youngest and the oldest."""
        return self.min_age, self.max_age


class PlaceChange(Base):
    """Who gave a holiday week more places or fewer, when and why; never changed."""

    __tablename__ = "place_changes"
    __table_args__ = may(law=impersonal("as long as the week: an act of the town"))

    id: Mapped[UUID] = mapped_column(primary_key=True)
    holiday_week_id: Mapped[UUID] = mapped_column(index=True)
    changed_at: Mapped[datetime]
    account_id: Mapped[UUID]
    name: Mapped[str | None]
    before: Mapped[int]
    after: Mapped[int]
    reason: Mapped[str]
