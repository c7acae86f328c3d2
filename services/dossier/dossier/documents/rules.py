"""What a file may be, which day a document lasts until, when a family is reminded of it. Pure."""

from datetime import date, timedelta
from enum import StrEnum

#: Of a document, in bytes.
LARGEST = 10 * 1024 * 1024
#: Of one family: more is no more read by anybody.
MOST = 200
#: How long before a document expires its family is told.
AHEAD = timedelta(days=30)
FARTHEST_YEARS = 30

EXTENSIONS = {"application/pdf": "pdf", "image/jpeg": "jpg", "image/png": "png"}


class Fault(StrEnum):
    """Why a file is not taken."""

    EMPTY = "empty"
    UNKNOWN = "unknown"
    UNREADABLE = "unreadable"
    LOCKED = "locked"
    ACTIVE = "active"
    TOO_MANY_PIXELS = "too_many_pixels"


SENTENCES = {
    Fault.EMPTY: "Ce fichier est vide : choisissez-en un autre.",
    Fault.UNKNOWN: "Ce fichier n'est ni un PDF, ni une image JPEG ou PNG, quel que soit son nom : envoyez le document "
    "dans l'un de ces formats, ou une photo de celui-ci.",
    Fault.UNREADABLE: "Ce fichier est abîmé ou incomplet, il ne peut pas être lu : enregistrez-le de nouveau, ou "
    "envoyez une photo du document.",
    Fault.LOCKED: "Ce PDF est protégé par un mot de passe : enregistrez-le sans mot de passe, ou envoyez une photo du "
    "document.",
    Fault.ACTIVE: "Ce PDF contient un programme, un formulaire actif ou un fichier joint, qui ne sont pas acceptés : "
    "imprimez-le dans un nouveau PDF, ou envoyez une photo du document.",
    Fault.TOO_MANY_PIXELS: "Cette image compte trop de points (50 millions au plus) : réduisez-la, ou photographiez le "
    "document avec une définition plus basse.",
}


def expiry_fault(expires_on: date | None, needed: bool, today: date) -> str | None:
    """What is wrong with the last day on which a document is good; none: nothing is."""
    if expires_on is None:
        return "Indiquez jusqu'à quelle date ce document est valable." if needed else None
    if expires_on < today:
        return "Ce document n'est plus valable : envoyez un document en cours de validité."
    if expires_on.year > today.year + FARTHEST_YEARS:
        return f"Cette date est trop lointaine ({FARTHEST_YEARS} ans au plus)."
    return None


def remind_from(expires_on: date | None, today: date) -> date | None:
    """The day of the next reminder after `today`: ahead of the expiry, then once it is past; none: no more."""
    if expires_on is None:
        return None
    return next((day for day in (expires_on - AHEAD, expires_on + timedelta(days=1)) if day > today), None)


def file_name(kind: str, uploaded_on: date, media_type: str) -> str:
    """What a document is saved as: never what its sender called it."""
    return f"{kind}-{uploaded_on}.{EXTENSIONS[media_type]}"
