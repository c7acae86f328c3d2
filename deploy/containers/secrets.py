"""The secrets of one installation in containers: a file each, made once, outside of the repository's history."""

import hashlib
import json
import secrets
from base64 import b64encode
from pathlib import Path
from urllib.parse import urlsplit

from dossier.local import new_health_keys
from identity.local import new_secret
from web.sealing import new_keys

from deploy.local.stack import SERVICES

USER = "espace"


def write(folder: Path) -> list[str]:
    """Make those that are not in `folder` yet, and answer their names; what is there is kept.

    Only its owner enters the folder. The files can be read by all, since engines hand them over with the rights they
    have here to containers that run as other users.
    """
    folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    amqp_url = folder / "amqp_url"
    wanted = {
        "postgres_password": secrets.token_hex(24),
        amqp_url.name: f"amqp://{USER}:{secrets.token_hex(24)}@rabbitmq:5672/",
        "identity_secret": new_secret(),
        "identity_smtp_url": "smtp://sandbox:2525",
        "web_session_keys": new_keys(),
        "dossier_health_keys": new_health_keys(),
        # The town puts its token here: without one, API Particulier is not asked.
        "dossier_particulier_token": "",
    }
    for service in SERVICES:
        for secret, role in ((f"{service}_database_url", "app"), (f"{service}_owner_database_url", "owner")):
            wanted[secret] = f"postgresql://{service}_{role}:{secrets.token_hex(24)}@postgres:5432/{service}"
    made = [name for name, content in wanted.items() if _make(folder / name, content)]
    user = _broker_user(urlsplit(amqp_url.read_text()).password or "")
    return made + ([user_file.name] if _make(user_file := folder / "rabbitmq_user", json.dumps(user)) else [])


def _make(path: Path, content: str) -> bool:
    if path.exists():
        return False
    path.touch(mode=0o600)
    path.write_text(content)
    path.chmod(0o644)
    return True


def _broker_user(password: str) -> dict[str, object]:
    """RabbitMQ's definitions of the services' one user: with definitions to load, it makes none of its own."""
    salt = secrets.token_bytes(4)
    digest = b64encode(salt + hashlib.sha256(salt + password.encode()).digest()).decode()
    hashed = {"password_hash": digest, "hashing_algorithm": "rabbit_password_hashing_sha256"}
    return {
        "vhosts": [{"name": "/"}],
        "users": [{"name": USER, "tags": "administrator"} | hashed],
        "permissions": [{"user": USER, "vhost": "/", "configure": ".*", "write": ".*", "read": ".*"}],
    }
