"""Who pays, from a day on: told at once, and true on that day."""

from datetime import date
from uuid import UUID

from chassis.editing import Seen
from chassis.outbox import publish
from chassis.problems import Malformed, NotFound
from chassis.reach import Reach
from contracts.dossier import Role
from french import wording
from sqlalchemy import select
from sqlalchemy.dialects.postgresql import distinct_on
from sqlalchemy.ext.asyncio import AsyncSession

from dossier import dossiers
from dossier.households.notices import told
from dossier.households.rules import Paying, handed_over, paying
from dossier.models import Adult, Dossier, DossierStatus, Payer

BATCH = 50


async def hand_over(
    session: AsyncSession,
    reach: Reach,
    seen: Seen,
    dossier_id: UUID,
    change: Paying,
    today: date,
    *,
    preview: bool,
) -> tuple[Dossier, list[str]]:
    """The dossier, and in French what the change comes to, which a preview does not make.

    Raises NotFound, Archived, Stale, Malformed (a day that is over: what was billed stays).
    """
    dossier = await dossiers.edited(session, reach, dossier_id, seen)
    new = next((one for one in dossier.adults if one.id == change.adult_id), None)
    if new is None:
        raise NotFound
    if change.valid_from < today:
        said = "Le payeur ne change pas avant aujourd'hui : ce qui est déjà facturé ne change pas."
        raise Malformed(errors=[{"pointer": "/from", "detail": said}])
    now = next((one for one in dossier.adults if "payer" in one.roles), None)
    payers = handed_over(_payers(dossier), now.id if now else None, change)
    touches = _in_words(dossier, new, now, change.valid_from)
    if not preview:
        dossier.payers = [Payer(dossier_id=dossier.id, **one._asdict()) for one in payers]
        _take_over(dossier, today)
        await dossiers.changed(session, dossier)
        await publish(session, told(dossier.id, "Le payeur de votre dossier change", *touches))
    return dossier, touches


def _in_words(dossier: Dossier, new: Adult, now: Adult | None, since: date) -> list[str]:
    before = f" à la place de {now.first_name} {now.last_name}" if now and now is not new else ""
    later = [one for one in dossier.payers if one.valid_from > since]
    return [
        f"À partir du {wording.day(since)}, {new.first_name} {new.last_name} paie{before}.",
        "Les factures déjà établies ne changent pas.",
        *(["Les changements de payeur prévus plus tard sont annulés."] if later else []),
    ]


def _payers(dossier: Dossier) -> list[Paying]:
    return [Paying(one.valid_from, one.adult_id) for one in dossier.payers]


def _take_over(dossier: Dossier, today: date) -> None:
    """Whoever pays on that day has the role, and nobody else."""
    payer = paying(_payers(dossier), today)
    for one in dossier.adults:
        others: list[Role] = [role for role in one.roles if role != "payer"]
        one.roles = [*others, "payer"] if one.id == payer else others


async def take_over(session: AsyncSession, today: date) -> bool:
    """Give the role to who pays from today on, in one batch of dossiers; whether there may be more."""
    latest = (
        select(Payer.dossier_id, Payer.adult_id)
        .where(Payer.valid_from <= today)
        .ext(distinct_on(Payer.dossier_id))
        .order_by(Payer.dossier_id, Payer.valid_from.desc())
        .subquery()
    )
    due = (
        select(Dossier.id)
        .join(latest, latest.c.dossier_id == Dossier.id)
        .join(Adult, Adult.id == latest.c.adult_id)
        .where(Dossier.status == DossierStatus.ACTIVE, Adult.dossier_id == Dossier.id)
        .where(Adult.roles.all_() != "payer")
        .order_by(Dossier.id)
        .limit(BATCH)
    )
    found = (await session.scalars(due.with_for_update(of=Dossier, skip_locked=True))).all()
    for dossier_id in found:
        dossier = await session.get_one(Dossier, dossier_id, options=dossiers.WHOLE, populate_existing=True)
        _take_over(dossier, today)
        await dossiers.changed(session, dossier)
    return len(found) == BATCH
