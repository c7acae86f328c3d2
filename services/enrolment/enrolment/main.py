"""What the service is made of."""

from chassis.service import Service
from contracts.enrolment import NoticeWritten

from enrolment import town
from enrolment.bookings.api import router as bookings
from enrolment.catalogue.api import router as catalogue
from enrolment.consumers import HANDLERS
from enrolment.enrolments.api import router as enrolments
from enrolment.holiday_weeks.api import router as holiday_weeks
from enrolment.models import Base
from enrolment.republishing import REPUBLISH
from enrolment.settings import Settings
from enrolment.waiting_list.api import router as waiting_list
from enrolment.worker import JOBS

SERVICE = Service(
    "enrolment",
    Settings,
    Base.metadata,
    routers=(catalogue, holiday_weeks, bookings, waiting_list, enrolments),
    handlers=HANDLERS,
    jobs=JOBS,
    load=town.load,
    notice=NoticeWritten,
    commands=(REPUBLISH,),
)
