"""What the service is made of."""

from chassis.service import Service
from contracts.billing import NoticeWritten

from billing.api import router
from billing.consumers import HANDLERS
from billing.models import Base
from billing.settings import Settings
from billing.town import load
from billing.worker import JOBS

SERVICE = Service(
    name="billing",
    settings=Settings,
    metadata=Base.metadata,
    routers=(router,),
    handlers=HANDLERS,
    jobs=JOBS,
    load=load,
    notice=NoticeWritten,
)
