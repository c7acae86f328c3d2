"""What billing does in time."""

from chassis.worker import Job, forgetting

from billing.bookings.lapses import lapse_unpaid
from billing.erasing import ERASURE
from billing.merging import MERGING
from billing.models import Base
from billing.payments.opening import give_up_openings
from billing.payments.watching import ask_payfip

JOBS: tuple[Job, ...] = (
    Job(ask_payfip, every_s=0.5),
    Job(lapse_unpaid, every_s=1),
    Job(give_up_openings, every_s=10),
    Job(forgetting(Base.metadata), every_s=600),
    Job(ERASURE.sweep, every_s=600),
    Job(MERGING.sweep, every_s=600),
)
