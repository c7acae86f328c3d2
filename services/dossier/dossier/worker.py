"""What dossier does in time."""

from chassis.worker import Job, forgetting

from dossier.models import Base

JOBS = (Job(forgetting(Base.metadata), every_s=600),)
