"""Settings of billing, read from the environment."""

import os
from typing import Literal

from chassis.settings import ServiceSettings
from pydantic import Field, field_validator
from pydantic_settings import SettingsConfigDict


class Settings(ServiceSettings):
    """`notification_url` is where PayFiP reaches us from outside; `return_origins` are where it may send a browser."""

    model_config = SettingsConfigDict(env_prefix="BILLING_")

    payfip_wsdl_url: str
    payfip_page_url: str
    #: PayFiP's mode: T test, X activation, W production.
    payfip_saisie: Literal["T", "X", "W"] = Field(default="T", validate_default=True)
    notification_url: str
    return_origins: list[str]

    @field_validator("payfip_saisie")
    @classmethod
    def _no_test_in_production(cls, value: str) -> str:
        if value == "T" and os.environ.get("ENVIRONMENT") == "production":
            raise ValueError("production needs X or W: in test mode nobody is charged")
        return value
