"""What the environment says to dossier."""

from functools import cached_property
from pathlib import Path
from typing import Annotated

from chassis.settings import ServiceSettings
from pydantic import StringConstraints, field_validator
from pydantic_settings import SettingsConfigDict

from dossier.keys import Ring
from dossier.quotients.particulier import Access


class Settings(ServiceSettings):
    """`documents` is the folder of their files, which API and worker share.

    `health_keys` seal health records and documents, a JSON list (`{"id", "key"}`, 256 bits): the first seals, all open,
    so that a new one goes in front, and the old ones go once `python -m dossier rotate-health-keys` has been run.

    `particulier_token` is the town's for API Particulier (none: it is not asked), `particulier_recipient` its SIRET.
    """

    model_config = SettingsConfigDict(env_prefix="DOSSIER_")

    documents: Path
    health_keys: str
    particulier_url: str = "https://particulier.api.gouv.fr"
    particulier_token: str = ""
    particulier_recipient: Annotated[str, StringConstraints(pattern="^([0-9]{14})?$")] = ""

    @field_validator("health_keys")
    @classmethod
    def _open(cls, said: str) -> str:
        try:
            Ring(said)
        except (ValueError, KeyError, TypeError):  # whose words would hold the keys
            raise ValueError("a list of keys of 256 bits, as `make secrets` writes it") from None
        return said

    @cached_property
    def particulier(self) -> Access:
        return Access(self.particulier_url, self.particulier_token, self.particulier_recipient)

    @cached_property
    def ring(self) -> Ring:
        return Ring(self.health_keys)
