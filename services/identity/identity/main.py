"""What the service is made of."""

from chassis.service import Command, Service
from contracts.identity import NoticeWritten

from identity import signing
from identity.clients.api import router as clients
from identity.consumers import HANDLERS
from identity.desk_notices.api import router as desk_notices
from identity.dossier_requests.api import router as dossier_requests
from identity.letters.api import router as letters
from identity.messages.api import router as messages
from identity.models import Base
from identity.own_account.api import router as own_account
from identity.passkeys.api import router as passkeys
from identity.registrations.api import router as registrations
from identity.republishing import REPUBLISH
from identity.sessions.api import router as sessions
from identity.settings import Settings
from identity.staff.api import router as staff
from identity.town import load
from identity.worker import JOBS

ROUTERS = (
    registrations,
    dossier_requests,
    sessions,
    own_account,
    passkeys,
    messages,
    letters,
    desk_notices,
    staff,
    clients,
)
ROTATE_KEYS = Command("rotate-keys", "let a new key sign access tokens, in ten minutes", signing.rotate)
SERVICE = Service(
    "identity",
    Settings,
    Base.metadata,
    ROUTERS,
    HANDLERS,
    JOBS,
    load,
    notice=NoticeWritten,
    commands=(ROTATE_KEYS, REPUBLISH),
)
