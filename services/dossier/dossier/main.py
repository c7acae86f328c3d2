"""The dossier service, wired."""

from chassis.service import Service
from contracts.dossier import NoticeWritten

from dossier.api import router as dossiers
from dossier.changes.api import router as changes
from dossier.consumers import HANDLERS
from dossier.documents.api import router as documents
from dossier.erasures.api import router as erasures
from dossier.health.api import router as health
from dossier.health.exporting import also_held
from dossier.households.api import router as households
from dossier.imports.api import router as imports
from dossier.models import Base
from dossier.quotients.api import router as quotients
from dossier.searching.api import router as searching
from dossier.settings import Settings
from dossier.town import load
from dossier.worker import COMMANDS, JOBS

SERVICE = Service(
    "dossier",
    Settings,
    Base.metadata,
    routers=(dossiers, searching, changes, documents, erasures, health, households, quotients, imports),
    handlers=HANDLERS,
    jobs=JOBS,
    commands=COMMANDS,
    load=load,
    notice=NoticeWritten,
    also_held=also_held,
)
