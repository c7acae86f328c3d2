"""The periodic work: delivering notices, and forgetting what is over."""

from chassis.worker import Job, forgetting

from identity.erasing import ERASURE
from identity.models import Base
from identity.notices.delivery import deliver
from identity.registrations import credentials

forget_what_is_over = forgetting(Base.metadata, credentials.purge)

JOBS = (
    Job(deliver, every_s=0.5),
    Job(forget_what_is_over, every_s=5),
    Job(ERASURE.sweep, every_s=600),
)
