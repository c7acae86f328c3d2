"""What the service is made of."""

from chassis.service import Service
from contracts.billing import NoticeWritten

from billing.consumers import HANDLERS
from billing.invoices.api import router as invoices
from billing.models import Base
from billing.payments.api import router as payments
from billing.quotes.api import router as quotes
from billing.republishing import REPUBLISH
from billing.settings import Settings
from billing.tariffs.api import router as tariffs
from billing.town import load
from billing.worker import JOBS

SERVICE = Service(
    name="billing",
    settings=Settings,
    metadata=Base.metadata,
    routers=(tariffs, quotes, invoices, payments),
    handlers=HANDLERS,
    jobs=JOBS,
    load=load,
    notice=NoticeWritten,
    commands=(REPUBLISH,),
)
