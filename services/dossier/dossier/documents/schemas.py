"""What the desk says of a document, and what is answered of them."""

from datetime import date
from typing import Literal, Self
from uuid import UUID

from chassis.bodies import Answer, RequestBody
from chassis.fields import Day, Reason
from pydantic import AwareDatetime

from dossier.documents.models import Document, DocumentStatus


class KindAnswer(Answer):
    """`about` a child or the whole dossier; whether it has a last day on which it is good, and speaks of health."""

    code: str
    name: str
    about: Literal["dossier", "child"]
    expires: bool
    health: bool


class Kinds(Answer):
    items: list[KindAnswer]


class DocumentAnswer(Answer):
    """`size` in bytes; `expired`: its last day is over."""

    id: UUID
    version: int
    status: DocumentStatus
    dossier_id: UUID
    child_id: UUID | None
    kind: str
    kind_name: str
    media_type: str
    size: int
    expires_on: date | None
    expired: bool
    uploaded_at: AwareDatetime
    at_desk: bool
    decided_at: AwareDatetime | None
    reason: str | None

    @classmethod
    def of(cls, document: Document, today: date) -> Self:
        own = {name: getattr(document, name) for name in cls.model_fields.keys() - {"kind_name", "expired"}}
        expired = document.expires_on is not None and document.expires_on < today
        return cls(**own, kind_name=document.kind_entry.name, expired=expired)


class Decision(RequestBody):
    """`reason` is told to the family, and must be given for a refusal; `expires_on` corrects what the family said."""

    decision: Literal["accepted", "refused"]
    reason: Reason | None = None
    expires_on: Day | None = None
