"""Bodies and answers of the staff's accounts."""

from datetime import datetime
from typing import Annotated, Any, Literal
from uuid import UUID

from chassis.bodies import Answer, RequestBody
from chassis.fields import Email, Line, Name, Shape
from pydantic import Field

from identity.fields import Code, Password, Username
from identity.models import AccountStatus

#: By password and second factor; site staff by PIN.
ByPassword = Literal["agent", "cashier", "administrator"]
StaffRole = Literal["agent", "cashier", "administrator", "site_staff"]
Pin = Annotated[str, Shape("^[0-9]{4,12}$", "Un code PIN compte de 4 à 12 chiffres.")]


class NewStaff(RequestBody):
    """Site staff have `site_ids` and a `pin`, which they are told in person; cashiers and agents may have `regies`."""

    username: Username
    first_name: Name
    last_name: Name
    email: Email
    role: StaffRole
    site_ids: list[UUID] = Field(default_factory=list, max_length=50)
    regies: list[Line] = Field(default_factory=list, max_length=50)
    pin: Pin | None = None


class StaffChange(RequestBody):
    """What is not there stays as it is. A closed account stays closed."""

    first_name: Name | None = None
    last_name: Name | None = None
    email: Email | None = None
    role: ByPassword | None = None
    site_ids: list[UUID] | None = Field(default=None, max_length=50)
    regies: list[Line] | None = Field(default=None, max_length=50)
    pin: Pin | None = None
    status: Literal["closed"] | None = None

    def changes(self) -> dict[str, Any]:
        """But for the PIN, of which the hash is kept, and the status."""
        return self.model_dump(exclude_none=True, exclude={"pin", "status"})


class StaffAccount(Answer):
    """`pending` until the link mailed to them is followed."""

    id: UUID
    version: int
    status: AccountStatus
    role: StaffRole
    username: str
    first_name: str
    last_name: str
    email: str
    site_ids: list[UUID]
    regies: list[str]
    has_second_factor: bool
    created_at: datetime


class NewTablet(RequestBody):
    """`name` is what the staff call it, as « Tablette de la cour »."""

    site_id: UUID
    name: Line


class Tablet(Answer):
    id: UUID
    site_id: UUID
    name: str
    created_at: datetime


class TabletEnrolled(Tablet):
    """`device_token` is told this once: the tablet keeps it, and signs in with it and a PIN."""

    device_token: str


class Invitation(Answer):
    """Whose account the link is for, and the secret of their second factor, as text and for a QR code."""

    username: str
    first_name: str
    last_name: str
    secret: str
    uri: str
    expires_at: datetime


class InvitationTaken(RequestBody):
    """`otp` is the first code of the second factor."""

    new_password: Password
    otp: Code
