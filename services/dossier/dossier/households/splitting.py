"""A family splits: some adults have a dossier of their own from now on, with children that move or are shared."""

from collections.abc import Collection, Mapping, Sequence
from uuid import UUID

from chassis.desk import note
from chassis.editing import Seen
from chassis.outbox import publish
from chassis.problems import Malformed
from chassis.reach import Reach
from sqlalchemy.ext.asyncio import AsyncSession

from dossier import children, dossiers
from dossier.documents.documents import go_along
from dossier.households import sharing
from dossier.households.adults import refuse_without, take_out
from dossier.households.creating import empty, one_at_a_time
from dossier.households.notices import told
from dossier.households.rules import with_payer
from dossier.households.wishes import Split
from dossier.models import Adult, Child, Dossier


async def split(
    session: AsyncSession, reach: Reach, seen: Seen | None, wish: Split, *, preview: bool
) -> tuple[tuple[Dossier, Dossier | None], list[str]]:
    """The dossier, the new one, and in French what the split comes to, which a preview (without a new one) only says.

    Raises NotFound, Archived, Stale, Malformed, AdultNeeded, TwoDossiers.
    """
    shared, address = wish.shared, wish.address
    await one_at_a_time(session)
    dossier = await dossiers.edited(session, reach, wish.dossier_id, seen)
    adults, young = _named(dossier, wish.adults, shared)
    await children.locked(session, [one.id for one in young])
    for child in young:
        if shared[child.id] and len(await children.dossier_ids(session, child)) > 1:
            raise sharing.TwoDossiers
    refuse_without(dossier, *adults)
    touches = _in_words(dossier, adults, young, shared)
    if preview:
        return (dossier, None), touches
    new = await empty(session, None, address or dossier.address)
    take_out(dossier, *adults)  # and nothing is asked of the database until they are in the other
    for adult, roles in zip(adults, with_payer(one.roles for one in adults), strict=True):
        adult.roles = roles
        new.adults.append(adult)
    for child in young:
        new.children.append(child)
        if not shared[child.id]:
            sharing.part(child, dossier)
    session.add(new)
    await session.flush()
    await go_along(session, [one.id for one in young if not shared[one.id]], dossier.id, new.id)
    for child in young:
        await children.changed(session, child)
    await dossiers.changed(session, new)
    await dossiers.changed(session, dossier)
    note(session, subject_id=new.id, dossier_id=dossier.id)
    for one in (dossier, new):
        await publish(session, told(one.id, "Votre dossier est séparé en deux", *touches))
    return (dossier, new), touches


def _named(dossier: Dossier, leaving: Sequence[UUID], shared: Collection[UUID]) -> tuple[list[Adult], list[Child]]:
    """Raises Malformed: somebody is not of the dossier, or the new one would have no guardian."""
    adults = {one.id: one for one in dossier.adults}
    young = {one.id: one for one in dossier.children}
    errors = [
        {"pointer": f"/{name}/{number}", "detail": "Cette personne n'est pas de ce dossier."}
        for name, ids, known in (("adults", leaving, set(adults)), ("children", shared, set(young)))
        for number, one in enumerate(ids)
        if one not in known
    ]
    gone = [adults[one] for one in leaving if one in adults]
    if not errors and not any("legal_guardian" in one.roles for one in gone):
        errors = [{"pointer": "/adults", "detail": "Le nouveau dossier doit avoir un responsable légal."}]
    if errors:
        raise Malformed(errors=errors)
    return gone, [one for one in dossier.children if one.id in shared]  # in their order


def _in_words(
    dossier: Dossier, adults: Sequence[Adult], young: Sequence[Child], shared: Mapping[UUID, bool]
) -> list[str]:
    names = ", ".join(f"{one.first_name} {one.last_name}" for one in adults)
    moved = ", ".join(one.first_name for one in young if not shared[one.id])
    both = ", ".join(one.first_name for one in young if shared[one.id])
    return [
        f"Un nouveau dossier est créé pour {names}, avec le même compte pour se connecter.",
        *([f"Enfants du nouveau dossier seulement, avec les documents remis pour eux : {moved}."] if moved else []),
        *([f"Enfants des deux dossiers : {both}. Le calendrier de garde est à établir au guichet."] if both else []),
        f"Les semaines de vacances et les factures déjà faites restent au dossier {dossier.number}.",
        "Le nouveau dossier n'a pas encore de quotient familial : le tarif le plus haut s'y applique d'ici là.",
    ]
