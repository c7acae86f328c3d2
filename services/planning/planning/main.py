"""The planning service, wired."""

from chassis.service import Service
from contracts.planning import NoticeWritten

from planning.api import router
from planning.consumers import HANDLERS
from planning.models import Base
from planning.settings import Settings

SERVICE = Service("planning", Settings, Base.metadata, routers=(router,), handlers=HANDLERS, notice=NoticeWritten)
