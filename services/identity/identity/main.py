"""What the service is made of."""

from chassis.service import Service
from contracts.identity import NoticeWritten

from identity.clients.api import router as clients
from identity.consumers import HANDLERS
from identity.desk_notices.api import router as desk_notices
from identity.dossier_requests.api import router as dossier_requests
from identity.letters.api import router as letters
from identity.messages.api import router as messages
from identity.models import Base
from identity.own_account.api import router as own_account
from identity.registrations.api import router as registrations
from identity.sessions.api import router as sessions
from identity.settings import Settings
from identity.staff.api import router as staff
from identity.town import load
from identity.worker import JOBS

ROUTERS = (registrations, dossier_requests, sessions, own_account, messages, letters, desk_notices, staff, clients)
SERVICE = Service("identity", Settings, Base.metadata, ROUTERS, HANDLERS, JOBS, load, notice=NoticeWritten)
