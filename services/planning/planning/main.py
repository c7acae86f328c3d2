"""The planning service, wired."""

from chassis.service import Service
from contracts.planning import NoticeWritten

from planning.consumers import HANDLERS
from planning.deadlines.api import router as deadlines
from planning.digests.api import router as digests
from planning.feeds.api import router as feeds
from planning.models import Base
from planning.plannings.api import router as plannings
from planning.republishing import REPUBLISH
from planning.settings import Settings
from planning.town import load
from planning.worker import JOBS

SERVICE = Service(
    "planning",
    Settings,
    Base.metadata,
    routers=(plannings, deadlines, feeds, digests),
    handlers=HANDLERS,
    jobs=JOBS,
    load=load,
    notice=NoticeWritten,
    commands=(REPUBLISH,),
)
