"""What a service's own `local.py` is told, to say what its settings are in a stack on one machine."""

from dataclasses import dataclass
from pathlib import Path


@dataclass(kw_only=True)
class Addresses:
    """Where the parts of a local stack are reached: URLs without a slash at the end; `services` directly.

    `files` is a folder for what services keep in files, of this stack alone.
    `pages_call_from` is an address of this machine from which the pages alone call the gateway, which believes them.
    """

    gateway: str
    web: str
    mail: str
    payfip: str
    smtp: str
    services: dict[str, str]
    files: Path
    pages_call_from: str = "127.0.0.2"
