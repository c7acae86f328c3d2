"""What the gateway is told by its environment."""

from chassis.settings import Networks, in_production
from pydantic import Field, field_validator
from pydantic_settings import BaseSettings, SettingsConfigDict

from gateway.cors import Origins


class Settings(BaseSettings):
    """`upstreams` maps each service to its base URL; `flood_limit` is per client address and process.

    `trusted_proxies` are the addresses of the pages and of an ingress: only theirs is the word (`X-Forwarded-For`)
    believed for a client's. `cors_origins` are those of other frontends whose pages may call from a browser.
    """

    model_config = SettingsConfigDict(env_prefix="GATEWAY_")

    host: str = "127.0.0.1"
    port: int
    upstreams: dict[str, str]
    flood_limit: str = "1000/second"
    cors_origins: Origins = ""
    trusted_proxies: Networks | None = Field(default=None, validate_default=True)

    @field_validator("trusted_proxies")
    @classmethod
    def _said_in_production(cls, said: str | None) -> str | None:
        if in_production() and said is None:
            raise ValueError("in production, the addresses of the ingress in front of it; empty where there is none")
        return said
