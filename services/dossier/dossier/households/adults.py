"""Adults of a dossier come, go, and become its guardians or no longer are: each dossier keeps a guardian and a payer.

Whoever is no guardian any more loses their account's access as soon as the other services hear it.
"""

from collections.abc import Collection, Mapping
from typing import Any
from uuid import UUID

from chassis.editing import Seen
from chassis.identifiers import new_id
from chassis.outbox import publish
from chassis.problems import NotFound, Problem
from chassis.reach import Reach
from contracts.dossier import Role
from sqlalchemy.ext.asyncio import AsyncSession
from sqlalchemy.orm.attributes import set_committed_value

from dossier import dossiers
from dossier.households.notices import told
from dossier.households.rules import Named, lacking
from dossier.models import Adult, Dossier


class AdultKnown(Problem):
    type = "urn:problem:dossier:adult-known"
    title = "Personne déjà connue"
    detail = "Une personne du dossier porte ce nom et ce prénom : changez plutôt son rôle."


class AdultNeeded(Problem):
    type = "urn:problem:dossier:adult-needed"
    title = "Personne indispensable"

    def __init__(self, whom: str = "") -> None:
        super().__init__(f"Le dossier n'aurait plus de {whom} : désignez-en d'abord un autre.")


def adult(dossier_id: UUID, email: str | None, roles: Collection[Role], facts: Mapping[str, Any]) -> Adult:
    """A new adult of a dossier, who has no account yet; `facts` are their names and telephone."""
    made = Adult(id=new_id(), dossier_id=dossier_id, recorded_email=email, roles=list(roles), **facts)
    set_committed_value(made, "account", None)
    return made


async def add(session: AsyncSession, reach: Reach, dossier_id: UUID, added: Mapping[str, Any]) -> Dossier:
    """Raises NotFound, Archived, AdultKnown."""
    dossier = await dossiers.edited(session, reach, dossier_id)
    name = Named(added["first_name"], added["last_name"])
    if any(Named(one.first_name, one.last_name).is_same(name) for one in dossier.adults):
        raise AdultKnown
    facts = {key: added[key] for key in ("first_name", "last_name", "phone")}
    dossier.adults.append(adult(dossier.id, added["email"], added["roles"], facts))
    await _tell(session, dossier, f"{' '.join(name)} fait désormais partie du dossier.")
    return dossier


async def change_roles(
    session: AsyncSession, reach: Reach, seen: Seen, dossier_id: UUID, adult_id: UUID, roles: Collection[Role]
) -> Dossier:
    """Paying stays as it is. Raises NotFound, Stale, Archived, AdultNeeded."""
    dossier, changed = await _found(session, reach, dossier_id, adult_id, seen)
    paying: list[Role] = ["payer"] if "payer" in changed.roles else []
    changed.roles = [*dict.fromkeys(roles), *paying]
    _refuse_if_lacking(dossier, dossier.adults)
    is_guardian = "est" if "legal_guardian" in roles else "n'est pas, ou plus,"
    await _tell(session, dossier, f"{changed.first_name} {changed.last_name} {is_guardian} responsable légal.")
    return dossier


async def remove(session: AsyncSession, reach: Reach, dossier_id: UUID, adult_id: UUID) -> None:
    """Raises NotFound, Archived, AdultNeeded."""
    dossier, removed = await _found(session, reach, dossier_id, adult_id)
    take_out(dossier, removed)
    await _tell(session, dossier, f"{removed.first_name} {removed.last_name} ne fait plus partie du dossier.")


async def _found(
    session: AsyncSession, reach: Reach, dossier_id: UUID, adult_id: UUID, seen: Seen | None = None
) -> tuple[Dossier, Adult]:
    """Raises NotFound, Archived, Stale."""
    dossier = await dossiers.edited(session, reach, dossier_id, seen)
    found = next((one for one in dossier.adults if one.id == adult_id), None)
    if found is None:
        raise NotFound
    return dossier, found


def take_out(dossier: Dossier, *gone: Adult) -> None:
    """They are of the dossier no more, nor will they pay. Raises AdultNeeded."""
    refuse_without(dossier, *gone)
    for one in gone:
        dossier.adults.remove(one)
    left = {one.id for one in dossier.adults}
    dossier.payers = [one for one in dossier.payers if one.adult_id in left]


def refuse_without(dossier: Dossier, *gone: Adult) -> None:
    """Raises AdultNeeded where the dossier cannot be without them."""
    _refuse_if_lacking(dossier, [one for one in dossier.adults if one not in gone])


def _refuse_if_lacking(dossier: Dossier, adults: Collection[Adult]) -> None:
    """A dossier that lacks somebody as it is may stay so. Raises AdultNeeded."""
    if whom := lacking(one.roles for one in adults):
        raise AdultNeeded(whom)


async def _tell(session: AsyncSession, dossier: Dossier, what: str) -> None:
    await dossiers.changed(session, dossier)
    await publish(session, told(dossier.id, "Les adultes de votre dossier ont changé", what))
