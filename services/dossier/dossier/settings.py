"""What the environment says to dossier."""

from pathlib import Path

from chassis.settings import ServiceSettings
from pydantic_settings import SettingsConfigDict


class Settings(ServiceSettings):
    """`documents` is the folder of their files, which API and worker share."""

    model_config = SettingsConfigDict(env_prefix="DOSSIER_")

    documents: Path
