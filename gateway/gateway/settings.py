"""What the gateway is told by its environment."""

from pydantic_settings import BaseSettings, SettingsConfigDict


class Settings(BaseSettings):
    """`upstreams` maps each service to its base URL; `flood_limit` is per client address and process.

    `trusted_proxies` are the addresses of an ingress in front of it, comma-separated: only theirs is the word believed
    for a client's address.
    """

    model_config = SettingsConfigDict(env_prefix="GATEWAY_")

    host: str = "127.0.0.1"
    port: int
    upstreams: dict[str, str]
    flood_limit: str = "1000/second"
    trusted_proxies: str = ""
