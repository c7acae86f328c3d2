"""What identity does with the events it hears."""

from chassis.copies import keep
from chassis.inbox import Handlers
from contracts import billing, enrolment
from contracts.dossier import DossierChanged

from identity.claims import keep_dossier
from identity.copies import Regie, Site
from identity.notices import keep_notice

HANDLERS: Handlers = {
    DossierChanged: keep_dossier,
    enrolment.SiteChanged: keep(Site),
    billing.RegieChanged: keep(Regie),
    billing.NoticeWritten: keep_notice,
    enrolment.NoticeWritten: keep_notice,
}
