"""What dossier does with what it hears."""

from chassis.inbox import Handlers
from contracts.identity import AccountActivated

from dossier.dossiers import link_account

HANDLERS: Handlers = {AccountActivated: link_account}
