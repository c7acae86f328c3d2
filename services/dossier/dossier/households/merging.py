"""Two dossiers of one family become one: the other is archived, and all that was its own is in the one that is kept."""

import json
from collections.abc import Sequence

from chassis.database import fetch
from chassis.desk import note
from chassis.editing import Seen
from chassis.merging import Merging
from chassis.outbox import publish
from chassis.problems import Malformed
from chassis.reach import Reach
from contracts.dossier import Role
from sqlalchemy.ext.asyncio import AsyncSession

from dossier import children, dossiers
from dossier.households.children import is_same
from dossier.households.notices import told
from dossier.households.rules import Named
from dossier.households.wishes import Merge
from dossier.models import Adult, Child, Dossier, DossierStatus

MERGING = Merging(("bookings", "change_requests", "documents", "persons", "quotient_consents"))

# What asks for another address, or the same as is asked in the dossier that is kept.
_WITHDRAW = """
    UPDATE change_requests one SET status = 'withdrawn', version = version + 1
    WHERE dossier_id = $1 AND status = 'waiting' AND (subject_id IS NULL OR EXISTS (
        SELECT FROM change_requests other WHERE other.dossier_id = $2 AND other.status = 'waiting'
        AND (other.kind, other.subject_id) = (one.kind, one.subject_id)
    ))
"""
_FOLLOW = "UPDATE dossiers SET merged_into = $2 WHERE merged_into = $1"


async def merge(
    session: AsyncSession, reach: Reach, seen: Seen | None, wish: Merge, *, preview: bool
) -> tuple[tuple[Dossier, Dossier], list[str]]:
    """The dossier that is archived, the one that is kept, and in French what that comes to, which a preview only says.

    Raises NotFound, Archived, Stale, Malformed (into itself).
    """
    dossier_id, into_id = wish.dossier_id, wish.other_id
    if dossier_id == into_id:
        wrong = "Un dossier ne se réunit pas à lui-même : indiquez l'autre dossier de la famille."
        raise Malformed(errors=[{"pointer": "/into", "detail": wrong}])
    both = {
        one: await dossiers.edited(session, reach, one, seen if one == dossier_id else None)
        for one in sorted((dossier_id, into_id))
    }
    gone, kept = both[dossier_id], both[into_id]
    adults, young = list(gone.adults), list(gone.children)
    said = _in_words(gone, kept)
    touches = [*said, *_doubles(gone, kept)]
    if preview:
        return (gone, kept), touches
    await children.locked(session, [one.id for one in young])
    _move_adults(gone, kept, adults)
    for child in young:
        _move_child(gone, kept, child)
    gone.payers = []
    kept.priorities = list(dict.fromkeys((*kept.priorities, *gone.priorities)))
    gone.priorities = []
    gone.status, gone.merged_into, gone.missing = DossierStatus.ARCHIVED, kept.id, []
    await session.flush()
    await fetch(session, _WITHDRAW, gone.id, kept.id)
    await fetch(session, _FOLLOW, gone.id, kept.id)
    await MERGING.merge(session, gone.id, kept.id)
    await dossiers.changed(session, kept)  # first: whoever hears it knows where the adults are before they leave
    gone.version += 1
    await publish(session, dossiers.dossier_changed(gone))
    for child in young:
        await children.changed(session, child)
    note(session, subject_id=gone.id, dossier_id=kept.id)
    await publish(session, told(kept.id, "Vos deux dossiers n'en font plus qu'un", *said))
    await session.flush()
    kept = await session.get_one(Dossier, kept.id, options=dossiers.WHOLE, populate_existing=True)  # all in its order
    return (gone, kept), touches


def _move_adults(gone: Dossier, kept: Dossier, adults: Sequence[Adult]) -> None:
    """With their accounts. Who pays in the dossier that is kept goes on paying."""
    pays = any("payer" in one.roles for one in kept.adults)
    for one in adults:
        gone.adults.remove(one)
        if pays:
            others: list[Role] = [role for role in one.roles if role != "payer"]
            one.roles = others or ["contact"]
        kept.adults.append(one)


def _move_child(gone: Dossier, kept: Dossier, child: Child) -> None:
    """One of both is of one family again; in split custody with a third dossier, days are the kept one's."""
    gone.children.remove(child)
    if child in kept.children:
        child.custody = None
    else:
        kept.children.append(child)
        if child.custody:
            child.custody = json.loads(json.dumps(child.custody).replace(str(gone.id), str(kept.id)))
    for person in child.persons:
        if person.dossier_id == gone.id:
            person.dossier_id = kept.id


def _in_words(gone: Dossier, kept: Dossier) -> list[str]:
    adults = ", ".join(f"{one.first_name} {one.last_name}" for one in gone.adults)
    young = ", ".join(one.first_name for one in gone.children if one not in kept.children)
    payer = next((one for one in kept.adults if "payer" in one.roles), None)
    return [
        f"Le dossier {gone.number} est archivé ; tout ce qu'il contient rejoint le dossier {kept.number}.",
        *([f"Adultes qui le rejoignent, avec le même compte pour se connecter : {adults}."] if adults else []),
        *([f"Enfants qui le rejoignent : {young}."] if young else []),
        *([f"{payer.first_name} {payer.last_name} paie, comme avant, pour tout le dossier."] if payer else []),
        "Réservations, inscriptions, listes d'attente, documents et factures suivent ; les factures ne changent pas.",
        f"L'adresse et les quotients familiaux restent ceux du dossier {kept.number}.",
        f"Les demandes en attente pour tout le dossier {gone.number} (adresse, quotient) sont closes.",
    ]


def _doubles(gone: Dossier, kept: Dossier) -> list[str]:
    """What the desk looks at: somebody who seems to be in both, under two ids."""
    known = [Named(one.first_name, one.last_name) for one in kept.adults]
    twice = [one for one in gone.adults if any(Named(one.first_name, one.last_name).is_same(other) for other in known)]
    alike = [
        one.first_name
        for one in gone.children
        if one not in kept.children and any(is_same(other, one.first_name, one.birth_date) for other in kept.children)
    ]
    return [
        *(f"{one.first_name} {one.last_name} figure dans les deux dossiers : retirez-en un ensuite." for one in twice),
        *(f"{name} y figurera deux fois, avec la même date de naissance : vérifiez d'abord." for name in alike),
    ]
