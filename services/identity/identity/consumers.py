"""What identity does with the events it hears."""

from chassis.copies import keep
from chassis.inbox import Handlers
from chassis.revoked import keep_revoked
from contracts import billing, dossier, enrolment, identity, planning

from identity.copies import Dossier, Regie, Site, guardians
from identity.erasing import ERASURE
from identity.merging import MERGING
from identity.notices.writing import keep_notice
from identity.own_account.following import follow

HANDLERS: Handlers = {
    **ERASURE.handlers("dossier"),
    dossier.DossierChanged: keep(Dossier, guardians=guardians).then(follow).then(MERGING.hear),
    enrolment.SiteChanged: keep(Site),
    billing.RegieChanged: keep(Regie),
    identity.AccessRevoked: keep_revoked,
    identity.NoticeWritten: keep_notice,
    dossier.NoticeWritten: keep_notice,
    enrolment.NoticeWritten: keep_notice,
    planning.NoticeWritten: keep_notice,
    billing.NoticeWritten: keep_notice,
}
