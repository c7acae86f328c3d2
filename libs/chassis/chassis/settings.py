"""Settings: from the environment, prefixed with the service's name; secrets also from files named like variables."""

from pathlib import Path
from typing import TypeVar

from pydantic import ValidationError
from pydantic_settings import BaseSettings

S = TypeVar("S", bound=BaseSettings)

#: Where an engine of containers puts secrets: a file each, the variable's name in lower case.
SECRETS = Path("/run/secrets")


class ServiceSettings(BaseSettings):
    """What every service needs. `database_url` is the application role's; `owner_database_url` migrates and loads."""

    database_url: str
    owner_database_url: str | None = None
    amqp_url: str
    host: str = "127.0.0.1"
    port: int
    jwks_url: str
    token_issuer: str


def read(kind: type[S]) -> S:
    """The settings of that kind; ends the process with one sentence when one is missing or wrong."""
    try:
        return kind(_secrets_dir=SECRETS if SECRETS.is_dir() else None)
    except ValidationError as error:
        prefix = kind.model_config.get("env_prefix", "")
        names = ", ".join(prefix + ".".join(map(str, e["loc"])).upper() + f" ({e['msg']})" for e in error.errors())
        raise SystemExit(f"Set in the environment: {names}.") from None
