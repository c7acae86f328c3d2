"""What was last heard of each booking."""

from uuid import UUID

from chassis.law import impersonal
from chassis.schema import may
from sqlalchemy.orm import Mapped, mapped_column

from billing.models import Base


class BilledBooking(Base):
    """The newest event seen of a booking: an older one arriving late is void."""

    __tablename__ = "billed_bookings"
    __table_args__ = may("UPDATE", law=impersonal("for ever: the version of a booking, of nobody once that is erased"))

    booking_id: Mapped[UUID] = mapped_column(primary_key=True)
    version: Mapped[int]
    status: Mapped[str]
