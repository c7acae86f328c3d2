"""Settings of the service: its secret, the mail server, and how many tries are borne."""

from base64 import urlsafe_b64decode
from typing import Annotated

from chassis.settings import ServiceSettings
from pydantic import BeforeValidator, Field
from pydantic_settings import SettingsConfigDict


def _secret(text: str) -> bytes:
    # An error's own words could quote the secret.
    try:
        secret = urlsafe_b64decode(text + "==")
    except ValueError:
        secret = b""
    if len(secret) != 32:
        raise ValueError("32 random bytes are expected, in base64url")
    return secret


class Settings(ServiceSettings):
    """`secret` seals the keys that sign, and refresh tokens come of it: who changes it signs everybody out.

    `smtp_url` is smtp://[user:password@]host:port, or smtps://; `web_url` is where links in mails begin.

    The limits are numbers of tries in ten minutes, from one address where they do not say otherwise.
    """

    model_config = SettingsConfigDict(env_prefix="IDENTITY_")

    secret: Annotated[bytes, BeforeValidator(_secret)] = Field(repr=False)
    smtp_url: str
    web_url: str
    mail_from: str
    desk_email: str

    #: Wrong tries on one account from one address, then from one address whatever the account.
    sign_in_limit: int = 10
    sign_in_address_limit: int = 100
    #: How far apart guesses at one account are answered, once they are many, to addresses that never signed in to it.
    longest_spacing_s: float = 5.0
    #: Wrong PINs of one person on one tablet, in an hour.
    pin_limit: int = 10
    claim_limit: int = 20
    link_request_limit: int = 20
    #: Link requests that may wait for an agent, from anywhere.
    link_requests_waiting: int = 2000
    dossier_request_limit: int = 10
    #: Requests for a dossier that may wait for an agent, from anywhere.
    dossier_requests_waiting: int = 2000
    #: Every check counts, right or wrong: it tells which usernames exist.
    check_limit: int = 200
    #: Links mailed to one email, from anywhere; then links asked for again from one address.
    resend_limit: int = 5
    resend_address_limit: int = 20
    #: The same of links for a lost password: to one email in an hour, which is as long as each is good.
    reset_limit: int = 5
    reset_address_limit: int = 20
