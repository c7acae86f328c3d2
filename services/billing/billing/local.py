"""Billing's own settings in a local stack: the stand-in for PayFiP."""

import json

from chassis.local import Addresses


def settings(stack: Addresses) -> dict[str, str]:
    return {
        "PAYFIP_WSDL_URL": f"{stack.payfip}/tpa/services/securite?wsdl",
        "PAYFIP_PAGE_URL": f"{stack.payfip}/tpa/paiementws.web",
        "NOTIFICATION_URL": f"{stack.gateway}/api/billing/v1/payfip/notifications",
        "RETURN_ORIGINS": json.dumps([stack.web]),
    }
