"""What the pages are told by their environment."""

from functools import cached_property
from pathlib import Path
from typing import Annotated
from urllib.parse import urlsplit

from chassis.settings import Networks, in_production
from joserfc.errors import JoseError
from pydantic import AfterValidator, Field, field_validator
from pydantic_settings import BaseSettings, SettingsConfigDict

from web.sealing import Seal


def _origin(url: str) -> str:
    parts = urlsplit(url)
    if (
        parts.scheme not in ("http", "https")
        or not parts.netloc
        or url.rstrip("/") != f"{parts.scheme}://{parts.netloc}"
    ):
        raise ValueError("scheme and host are expected, as in https://familles.example.org")
    return url.rstrip("/")


#: « https://familles.example.org »: no path, no slash at the end.
Origin = Annotated[str, AfterValidator(_origin)]


class Settings(BaseSettings):
    """`origin` is where families reach the pages, `gateway_url` where the pages reach the API.

    `session_keys` are JWKs of 256 bits, a JSON list: the first seals, all open, so that a new one goes in front and the
    oldest leaves a day later. `town` is the town's description. `payfip_origin` is where families pay: forms may lead
    there and nowhere else. `calls_from` is the local address from which the gateway is called, which it believes for
    the browsers' addresses; `trusted_proxies` are those of an ingress in front of the pages.
    """

    model_config = SettingsConfigDict(env_prefix="WEB_")

    host: str = "127.0.0.1"
    port: int
    origin: Origin
    gateway_url: Origin
    session_keys: str
    town: Path
    payfip_origin: Origin
    calls_from: str | None = None
    trusted_proxies: Networks | None = Field(default=None, validate_default=True)

    @field_validator("session_keys")
    @classmethod
    def _keys(cls, said: str) -> str:
        try:
            Seal(said)
        except (JoseError, ValueError, TypeError, KeyError) as error:
            # The error's own words could quote a key.
            raise ValueError("a JSON list of symmetric keys of 256 bits is expected, each a JWK") from error
        return said

    @cached_property
    def seal(self) -> Seal:
        return Seal(self.session_keys)

    @field_validator("trusted_proxies")
    @classmethod
    def _said_in_production(cls, said: str | None) -> str | None:
        if in_production() and said is None:
            raise ValueError("in production, the addresses of the ingress in front of it; empty where there is none")
        return said
