"""What dossier does with what it hears."""

from chassis.copies import keep
from chassis.inbox import Handlers
from contracts.enrolment import SiteChanged
from contracts.identity import AccountActivated, AccountClosed

from dossier.copies import Site
from dossier.dossiers import link_account

HANDLERS: Handlers = {AccountActivated: link_account, AccountClosed: link_account, SiteChanged: keep(Site)}
