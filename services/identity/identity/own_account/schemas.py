"""Bodies and answers of what concerns one's own account."""

from datetime import datetime

from chassis.bodies import Answer, RequestBody
from chassis.fields import Email, Line

from identity.fields import Code, Password, Secret, Username


class ResetAsked(RequestBody):
    email: Line


class ResetLinked(Answer):
    """Whose password the link changes, until when."""

    username: str
    first_name: str
    last_name: str
    expires_at: datetime


class NewPassword(RequestBody):
    new_password: Password


class PasswordChange(NewPassword):
    """`password` is the present one."""

    password: Password


class UsernameChange(RequestBody):
    """`password` is the account's."""

    username: Username
    password: Password


class EmailAsked(RequestBody):
    """`password` is the account's."""

    email: Email
    password: Password


class EmailConfirmed(RequestBody):
    token: Secret


class Closing(RequestBody):
    """`password` is the account's."""

    password: Password


class OwnProof(RequestBody):
    """`password` is the account's; `otp` a code of its second factor, where it has one."""

    password: Password
    otp: Code | None = None


class TotpCode(RequestBody):
    otp: Code


class TotpOffered(Answer):
    """`uri` is what an application reads from a QR code, `secret` the same to be typed."""

    secret: str
    uri: str
    expires_at: datetime


class RecoveryCodes(Answer):
    """Each stands once for the second factor; they are told this once."""

    recovery_codes: list[str]
