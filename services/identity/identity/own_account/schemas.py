"""Bodies and answers of what concerns one's own account."""

from datetime import datetime

from chassis.bodies import Answer, RequestBody

from identity.fields import Email, Line, Password, Secret


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


class EmailAsked(RequestBody):
    """`password` is the account's."""

    email: Email
    password: Password


class EmailConfirmed(RequestBody):
    token: Secret


class Closing(RequestBody):
    """`password` is the account's."""

    password: Password
