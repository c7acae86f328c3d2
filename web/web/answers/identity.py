"""What identity answers."""

from datetime import date, datetime
from typing import Any

from web.answers import Answer, Page
from web.answers.dossier import Address


class Me(Answer):
    id: str
    role: str
    first_name: str
    username: str = ""
    email: str = ""
    has_second_factor: bool = False
    guardian_id: str | None = None


class OwnSession(Answer):
    id: str
    created_at: datetime
    used_at: datetime
    current: bool


class OwnSessions(Answer):
    items: list[OwnSession]


class OwnPasskey(Answer):
    id: str
    name: str
    created_at: datetime
    used_at: datetime | None


class OwnPasskeys(Answer):
    items: list[OwnPasskey]


class PasskeyOptions(Answer):
    """What the script asks the device."""

    public_key: dict[str, Any]


class LegalText(Answer):
    version: str
    title: str
    text: str


class Reset(Answer):
    username: str
    first_name: str


class Invitation(Answer):
    """Of somebody of the staff; `uri` is what their application reads."""

    username: str
    first_name: str
    secret: str
    uri: str

    @property
    def key(self) -> str:
        """The secret by fours, to be typed."""
        return " ".join(self.secret[start : start + 4] for start in range(0, len(self.secret), 4))


class RecoveryCodes(Answer):
    recovery_codes: list[str]


class Message(Answer):
    id: str
    title: str
    paragraphs: list[str]
    link: str | None
    created_at: datetime
    read_at: datetime | None


class Inbox(Page[Message]):
    unread: int


class Mail(Answer):
    """A category of mails; `always` says why one cannot go without."""

    category: str
    name: str
    wanted: bool
    always: str | None


class Preferences(Answer):
    mails: list[Mail]


class Candidate(Answer):
    """A guardian of the dossier that a request names."""

    guardian_id: str
    first_name: str
    last_name: str
    email: str | None
    has_account: bool


class LinkRequest(Answer):
    """Somebody asks for an account of a dossier; `reason` is that of the decision."""

    id: str
    status: str
    dossier_number: str | None
    last_name: str
    first_name: str
    email: str
    created_at: datetime
    reason: str | None
    decided_at: datetime | None
    candidates: list[Candidate]


class StaffAccount(Answer):
    """`pending` until the link mailed to them is followed; `version` is what a change of it says it has seen."""

    id: str
    version: int
    status: str
    role: str
    username: str
    first_name: str
    last_name: str
    email: str
    site_ids: list[str]
    regies: list[str]
    has_second_factor: bool


class GoodSecret(Answer):
    """One that was replaced has its end."""

    created_at: datetime
    expires_at: datetime | None


class Program(Answer):
    """One of the town's programs, which signs in by a secret."""

    id: str
    name: str
    scope: str
    created_at: datetime
    secrets: list[GoodSecret]


class Tablet(Answer):
    id: str
    site_id: str
    name: str
    created_at: datetime
    site_name: str = "site retiré"


class TabletEnrolled(Tablet):
    """`device_token` is told this once."""

    device_token: str


class SecretTold(Answer):
    """`secret` is told this once."""

    name: str
    secret: str


class TotpOffered(Answer):
    """A second factor that counts once a code of it is given; `uri` is what an application reads."""

    secret: str
    uri: str

    @property
    def key(self) -> str:
        """The secret by fours, to be typed."""
        return " ".join(self.secret[start : start + 4] for start in range(0, len(self.secret), 4))


class Letter(Answer):
    """That waits to be printed; without an address, for one."""

    id: str
    number: str
    recipient: str
    address: list[str]
    title: str
    created_at: datetime


class AskedChild(Answer):
    first_name: str
    last_name: str
    birth_date: date


class DossierRequest(Answer):
    """A family asks for a dossier; `reason` is that of the decision."""

    id: str
    status: str
    first_name: str
    last_name: str
    email: str
    phone: str | None
    address: Address
    children: list[AskedChild]
    message: str | None
    created_at: datetime
    dossier_id: str | None
    reason: str | None
    decided_at: datetime | None


class DeskNotice(Answer):
    """What a service told the desk, of that dossier where it is about one."""

    id: str
    dossier_id: str | None
    title: str
    paragraphs: list[str]
    created_at: datetime
    done_at: datetime | None
    done_by_name: str | None
