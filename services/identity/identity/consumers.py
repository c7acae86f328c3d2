"""What identity does with the events it hears."""

from chassis.copies import keep
from chassis.inbox import Handlers
from contracts import billing, dossier, enrolment, identity, planning

from identity.copies import Regie, Site, keep_dossier
from identity.notices.writing import keep_notice

HANDLERS: Handlers = {
    dossier.DossierChanged: keep_dossier,
    enrolment.SiteChanged: keep(Site),
    billing.RegieChanged: keep(Regie),
    identity.NoticeWritten: keep_notice,
    dossier.NoticeWritten: keep_notice,
    enrolment.NoticeWritten: keep_notice,
    planning.NoticeWritten: keep_notice,
    billing.NoticeWritten: keep_notice,
}
