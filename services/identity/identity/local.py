"""Identity's own settings in a local stack: a signing key of its own, mail to the stand-in."""

import json
import secrets

from chassis.local import Addresses
from joserfc.jwk import ECKey


def new_signing_key() -> str:
    """A private key as the setting takes it."""
    key = ECKey.generate_key("P-256", {"kid": secrets.token_hex(8), "use": "sig", "alg": "ES256"})
    return json.dumps(key.as_dict(private=True))


def settings(stack: Addresses) -> dict[str, str]:
    return {
        "SIGNING_KEY": new_signing_key(),
        "SMTP_URL": stack.smtp,
        "WEB_URL": stack.web,
        "MAIL_FROM": "espace-familles@example.org",
        "DESK_EMAIL": "guichet@example.org",
    }
