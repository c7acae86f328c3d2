"""Events that identity publishes."""

from typing import ClassVar
from uuid import UUID

from contracts.envelope import Event
from contracts.notices import NoticeWritten as Notice


class AccountActivated(Event):
    """A guardian's account is active; `email` is the address they read."""

    type: ClassVar[str] = "identity.account_activated"
    subject_field: ClassVar[str] = "account_id"

    account_id: UUID
    dossier_id: UUID
    guardian_id: UUID
    email: str


class AccountClosed(Event):
    """A guardian's account has ended: they closed it, or their dossier no longer has them.

    Only one that the dossier has again is heard of again, activated.
    """

    type: ClassVar[str] = "identity.account_closed"
    subject_field: ClassVar[str] = "account_id"

    account_id: UUID
    dossier_id: UUID
    guardian_id: UUID


class AccessRevoked(Event):
    """No access token that names it is good any more: a session that has ended, or a program that was removed.

    It never is again: `version` is 1.
    """

    type: ClassVar[str] = "identity.access_revoked"
    subject_field: ClassVar[str] = "access_id"

    access_id: UUID


class NoticeWritten(Notice):
    type: ClassVar[str] = "identity.notice_written"


EVENTS: tuple[type[Event], ...] = (AccountActivated, AccountClosed, AccessRevoked, NoticeWritten)
