"""What the service is made of."""

from chassis.service import Service
from contracts.identity import NoticeWritten

from identity.api import router
from identity.consumers import HANDLERS
from identity.models import Base
from identity.settings import Settings
from identity.town import load
from identity.worker import JOBS

SERVICE = Service("identity", Settings, Base.metadata, (router,), HANDLERS, JOBS, load, notice=NoticeWritten)
