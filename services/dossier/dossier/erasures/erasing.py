"""Erasing a family, for good: its children with it, but for those that are of another dossier too."""

from collections.abc import Sequence
from dataclasses import dataclass
from uuid import UUID

from chassis.erasure import Erasure, erase, is_erased
from chassis.outbox import publish
from chassis.reach import Reach
from contracts.dossier import ChildErased, DossierErased
from contracts.identity import AccountActivated, AccountClosed
from sqlalchemy import delete, select
from sqlalchemy.ext.asyncio import AsyncSession

from dossier import children, dossiers
from dossier.models import Base, Child, Dossier, dossier_children

ERASURE = Erasure(Base.metadata)


@dataclass(frozen=True)
class Erased:
    """Whom an erasure touches."""

    dossier_id: UUID
    number: str
    adults: int
    children_erased: list[UUID]
    children_kept: list[UUID]
    touches: list[str]
    preview: bool


async def erase_dossier(session: AsyncSession, reach: Reach, dossier_id: UUID, *, preview: bool) -> Erased:
    """Whom it erases; a preview changes nothing. Raises NotFound."""
    dossier = await dossiers.edited(session, reach, dossier_id)
    theirs = sorted(child.id for child in dossier.children)
    query = select(Child).where(Child.id.in_(theirs)).order_by(Child.id).with_for_update()
    locked = (await session.scalars(query.options(*children.parts()))).all()
    elsewhere = set(
        await session.scalars(
            select(dossier_children.c.child_id).where(
                dossier_children.c.child_id.in_(theirs), dossier_children.c.dossier_id != dossier_id
            )
        )
    )
    alone, shared = ([one for one in locked if (one.id in elsewhere) is kept] for kept in (False, True))
    parts = select(Dossier).where(Dossier.merged_into == dossier_id).order_by(Dossier.id)
    merged = (await session.scalars(parts)).all()
    told = Erased(
        dossier_id=dossier_id,
        number=dossier.number,
        adults=len(dossier.adults),
        children_erased=[child.id for child in alone],
        children_kept=[child.id for child in shared],
        touches=_in_words(dossier, alone, shared, merged),
        preview=preview,
    )
    if preview:
        return told
    whole = [(one.id, one.version + 1) for one in (*merged, dossier)]
    await publish(session, *(DossierErased(dossier_id=one, version=version) for one, version in whole))
    await publish(session, *(ChildErased(child_id=child.id, version=child.version + 1) for child in alone))
    await session.execute(delete(dossier_children).where(dossier_children.c.dossier_id == dossier_id))
    for child in shared:
        child.custody = None  # its days are one family's again
        (other, *_) = await children.dossier_ids(session, child)
        for person in child.persons:
            if person.decision is not None:  # a court's decision stands, whichever family's dossier it was recorded in
                person.dossier_id = other
        await children.changed(session, child)
    for child_id in told.children_erased:
        await erase(session, Base.metadata, "child", child_id)
    for one, _ in whole:
        await erase(session, Base.metadata, "dossier", one)
    return told


def _in_words(
    dossier: Dossier, alone: Sequence[Child], shared: Sequence[Child], merged: Sequence[Dossier]
) -> list[str]:
    adults, gone, kept = (
        ", ".join(f"{one.first_name} {one.last_name}" for one in some) for some in (dossier.adults, alone, shared)
    )
    parts = ", ".join(one.number for one in merged)
    return [
        f"Le dossier {dossier.number} est effacé dans tous les services, sans retour possible.",
        *([f"Adultes effacés, avec leurs comptes : {adults}."] if adults else []),
        *([f"Enfants effacés : {gone}."] if gone else []),
        *([f"Enfants qui restent dans leur autre dossier : {kept}."] if kept else []),
        *([f"Dossiers qui y ont été réunis, effacés aussi : {parts}."] if parts else []),
        "Les jours réservés à venir et les semaines de vacances sont annulés, les places rendues.",
        "La loi garde les factures, les paiements et les écritures comptables.",
    ]


async def hear_account(session: AsyncSession, event: AccountActivated | AccountClosed) -> None:
    """What was kept for an account goes with it, and whose it was shows the address noted by the town again; of who is
    a guardian again and has it back, its own.
    """
    if isinstance(event, AccountClosed):
        await ERASURE.erase(session, "account", event.account_id)
    if not await is_erased(session, event.dossier_id):
        await dossiers.link_account(session, event)
