"""Identity's own settings in a local stack: a secret of its own, mail to the stand-in."""

import secrets

from chassis.local import Addresses


def new_secret() -> str:
    """A secret as the setting takes it."""
    return secrets.token_urlsafe(32)


def settings(stack: Addresses) -> dict[str, str]:
    return {
        "SECRET": new_secret(),
        "SMTP_URL": stack.smtp,
        "WEB_URL": stack.web,
        "MAIL_FROM": "espace-familles@example.org",
        "DESK_EMAIL": "guichet@example.org",
    }
