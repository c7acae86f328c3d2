"""What identity does with the events it hears."""

from chassis.inbox import Handlers
from contracts import billing, enrolment
from contracts.dossier import DossierChanged

from identity.claims import keep_dossier
from identity.notices import keep_notice

HANDLERS: Handlers = {
    DossierChanged: keep_dossier,
    billing.NoticeWritten: keep_notice,
    enrolment.NoticeWritten: keep_notice,
}
