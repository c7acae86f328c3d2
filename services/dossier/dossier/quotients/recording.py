"""Recording a quotient: from the next month on, or from another day with a reason, which is kept."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date
from typing import Any, Literal
from uuid import UUID

from chassis import clock
from chassis.editing import Seen
from chassis.identifiers import new_id
from chassis.outbox import publish
from chassis.problems import Malformed
from chassis.reach import Reach
from contracts.dossier import NoticeWritten
from french import wording
from french.paris import day_in_paris
from sqlalchemy.ext.asyncio import AsyncSession

from dossier import dossiers
from dossier.models import Dossier, Quotient
from dossier.quotient import default_end
from dossier.quotients.rules import counts_from, first_day_fault, needs_reason

Source = Literal["caf", "msa", "municipal"]


@dataclass(frozen=True)
class Found:
    """Whole euros, from its first day to its last, which are the next month's and the usual where nothing is said."""

    value: int
    source: Source
    first_day: date | None = None
    last_day: date | None = None
    reason: str | None = None


def fault(found: Found, today: date) -> tuple[str, str] | None:
    """Which field of it cannot be, and why, in French."""
    first_day = found.first_day or counts_from(today)
    if far := first_day_fault(first_day, today):
        return "counts_from", far
    if found.last_day and found.last_day < first_day:
        return "valid_to", "Le dernier jour vient avant le premier."
    if needs_reason(first_day, today) and not found.reason:
        return "reason", "Ce quotient compte avant le mois prochain : indiquez pourquoi."
    return None


def differs(dossier: Dossier, found: Found, today: date) -> bool:
    """Whether the history of a dossier, whose quotients are loaded, does not say so yet."""
    facts = _facts(found, today)
    return not any(
        (one.valid_from, one.value, one.source, one.valid_to)
        == (facts["valid_from"], facts["value"], facts["source"], facts["valid_to"])
        for one in dossier.quotients
    )


def put(dossier: Dossier, found: Found, today: date) -> None:
    """Into that history: what was recorded from the same day on is replaced."""
    facts = _facts(found, today)
    same = next((one for one in dossier.quotients if one.valid_from == facts["valid_from"]), None)
    if same is None:
        dossier.quotients.append(Quotient(id=new_id(), dossier_id=dossier.id, **facts))
    else:
        for name, value in facts.items():
            setattr(same, name, value)


def _facts(found: Found, today: date) -> dict[str, Any]:
    first_day = found.first_day or counts_from(today)
    return {
        "value": found.value,
        "source": found.source,
        "valid_from": first_day,
        "valid_to": found.last_day or default_end(first_day),
        "reason": found.reason,
    }


async def record(session: AsyncSession, dossier: Dossier, found: Found, today: date) -> bool:
    """Put it there, and tell others and the family. Whether anything changed."""
    if not differs(dossier, found, today):
        return False
    put(dossier, found, today)
    await dossiers.quotients_changed(session, dossier)
    said = f"À partir du {wording.day(found.first_day or counts_from(today))}, il est de {found.value} €."
    notice = NoticeWritten(
        notice_id=new_id(),
        dossier_id=dossier.id,
        title="Votre quotient familial a changé",
        paragraphs=(said, "Si quelque chose ne vous semble pas juste, adressez-vous au guichet."),
        link="/dossier",
    )
    await publish(session, notice)
    return True


async def change(session: AsyncSession, reach: Reach, seen: Seen, dossier_id: UUID, found: Found) -> Dossier:
    """Raises NotFound, Archived, Stale, Malformed."""
    today = day_in_paris(clock.now())
    dossier = await dossiers.edited(session, reach, dossier_id, seen)
    if wrong := fault(found, today):
        raise Malformed(errors=[{"pointer": f"/{wrong[0]}", "detail": wrong[1]}])
    await record(session, dossier, found, today)
    return dossier


async def history(session: AsyncSession, reach: Reach, dossier_id: UUID) -> Sequence[Quotient]:
    """As it was recorded, the newest first. Raises NotFound."""
    return (await dossiers.read(session, reach, dossier_id)).quotients[::-1]
