"""What a program asks, and its token."""

from chassis.bodies import Answer
from pydantic import BaseModel

from identity.fields import Line, Password


class TokenAsked(BaseModel):
    """RFC 6749, section 4.4.2, client credentials in the body; parameters that it does not know are ignored."""

    grant_type: Line
    client_id: Line
    client_secret: Password
    scope: Line | None = None


class ClientToken(Answer):
    """RFC 6749, section 5.1."""

    access_token: str
    token_type: str = "Bearer"  # noqa: S105 -- the name of a scheme
    expires_in: int
    scope: str
