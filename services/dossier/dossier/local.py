"""Dossier's own settings in a local stack: a folder for documents, a key that seals them and health records."""

import json

from chassis.local import Addresses

from dossier.keys import new_key


def new_health_keys() -> str:
    """One new key, as the setting takes it."""
    return json.dumps([new_key()])


def settings(stack: Addresses) -> dict[str, str]:
    return {
        "DOCUMENTS": str(stack.files / "documents"),
        "HEALTH_KEYS": new_health_keys(),
        # The stand-in, which listens where that of PayFiP does.
        "PARTICULIER_URL": stack.payfip,
        "PARTICULIER_TOKEN": "sandbox",
        "PARTICULIER_RECIPIENT": "21940076200018",
    }
