"""Which mails there are, and which of them one may go without. Pure."""

from typing import Literal, get_args

#: Each is what one service writes; `account` is identity's own.
Category = Literal["account", "billing", "enrolment", "planning", "dossier"]
CATEGORIES: tuple[Category, ...] = get_args(Category)

NAMES: dict[Category, str] = {
    "account": "La sécurité de votre compte",
    "billing": "Vos factures et vos paiements",
    "enrolment": "Vos inscriptions, vos réservations de vacances et les places qui vous sont proposées",
    "planning": "Votre planning : les jours réservés, vos brouillons, les fermetures",
    "dossier": "Votre dossier : vos demandes et vos justificatifs",
}

#: Why these are always mailed.
ALWAYS: dict[Category, str] = {
    "account": "Ces courriels sont toujours envoyés : ils vous préviennent si une autre personne utilise votre compte.",
    "billing": "Ces courriels sont toujours envoyés : ils disent ce que vous devez, et jusqu'à quand le payer.",
}


def category(event_type: str) -> Category:
    """Of a notice, by the type of its event."""
    publisher = event_type.partition(".")[0]
    return next((one for one in CATEGORIES if one == publisher), "account")
