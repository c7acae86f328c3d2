"""Settings: from the environment, prefixed with the service's name; secrets also from files named like variables."""

import os
from ipaddress import ip_network
from pathlib import Path
from typing import Annotated, TypeVar

from pydantic import AfterValidator, Field, ValidationError, field_validator
from pydantic_settings import BaseSettings

S = TypeVar("S", bound=BaseSettings)

#: Where an engine of containers puts secrets: a file each, the variable's name in lower case.
SECRETS = Path("/run/secrets")


def in_production() -> bool:
    return os.environ.get("ENVIRONMENT") == "production"


def _networks(said: str) -> str:
    for one in said.split(",") if said else ():
        ip_network(one.strip())
    return said


#: Addresses and networks, comma-separated: `10.0.0.7,10.1.0.0/16`.
Networks = Annotated[str, AfterValidator(_networks)]


class ServiceSettings(BaseSettings):
    """What every service needs. `database_url` is the application role's; `owner_database_url` migrates and loads.

    `trusted_proxies` are the gateway's addresses: only theirs is the word (`X-Forwarded-For`) believed for a client's.
    """

    database_url: str
    owner_database_url: str | None = None
    amqp_url: str
    host: str = "127.0.0.1"
    port: int
    jwks_url: str
    token_issuer: str
    trusted_proxies: Networks = Field(default="", validate_default=True)

    @field_validator("trusted_proxies")
    @classmethod
    def _said_in_production(cls, said: str) -> str:
        if in_production() and not said:
            raise ValueError("in production, the addresses of the gateway, or no family could be told from another")
        return said


def read(kind: type[S]) -> S:
    """The settings of that kind; ends the process with one sentence when one is missing or wrong."""
    try:
        return kind(_secrets_dir=SECRETS if SECRETS.is_dir() else None)
    except ValidationError as error:
        prefix = kind.model_config.get("env_prefix", "")
        names = ", ".join(prefix + ".".join(map(str, e["loc"])).upper() + f" ({e['msg']})" for e in error.errors())
        raise SystemExit(f"Set in the environment: {names}.") from None
