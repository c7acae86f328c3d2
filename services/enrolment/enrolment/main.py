"""What the service is made of."""

from chassis.service import Service
from contracts.enrolment import NoticeWritten

from enrolment import api, town
from enrolment.consumers import HANDLERS
from enrolment.models import Base
from enrolment.settings import Settings
from enrolment.worker import JOBS

SERVICE = Service(
    "enrolment",
    Settings,
    Base.metadata,
    routers=(api.router,),
    handlers=HANDLERS,
    jobs=JOBS,
    load=town.load,
    notice=NoticeWritten,
)
