"""How the adults of a dossier are reached, changed at once."""

from collections.abc import Mapping, Sequence
from typing import NamedTuple
from uuid import UUID

from chassis.editing import Seen
from chassis.identifiers import new_id
from chassis.problems import Malformed, Problem
from chassis.reach import Reach
from french.names import name_key
from sqlalchemy.ext.asyncio import AsyncSession

from dossier import dossiers
from dossier.models import Adult, Dossier


class EmailOfAccount(Problem):
    type = "urn:problem:dossier:email-of-account"
    title = "Adresse du compte"
    detail = "L'adresse de courriel est celle du compte de cette personne : elle la change elle-même dans son compte."


class Contact(NamedTuple):
    """Somebody to call who is neither guardian nor payer."""

    first_name: str
    last_name: str
    phone: str
    email: str | None


async def edit(
    session: AsyncSession,
    reach: Reach,
    dossier_id: UUID,
    seen: Seen,
    adults: Mapping[UUID, Mapping[str, str | None]],
    contacts: Sequence[Contact] | None,
) -> Dossier:
    """Change the telephone or email of these adults; with `contacts`, have these people to call and no others.

    Raises NotFound, Stale, Malformed (an adult who is not of the dossier), EmailOfAccount.
    """
    dossier = await dossiers.edited(session, reach, dossier_id, seen)
    changed = False
    known = {adult.id: adult for adult in dossier.adults}
    for position, (adult_id, change) in enumerate(adults.items()):
        if adult_id not in known:
            raise _malformed(position, "id", "Cette personne ne figure pas dans le dossier.")
        changed |= _reach_by(known[adult_id], change, position, reach)
    if contacts is not None:
        changed |= _have(dossier, contacts)
    if changed:
        await session.flush()
        await dossiers.changed(session, dossier)
    return dossier


def _reach_by(adult: Adult, change: Mapping[str, str | None], position: int, reach: Reach) -> bool:
    """Whether that is a change."""
    if "email" in change and change["email"] != adult.email:
        if adult.account and adult.account.email:
            raise EmailOfAccount
        # Whoever has a guardian's recorded address may open that guardian's account: the desk sees who asks.
        if "legal_guardian" in adult.roles and not reach.at_desk:
            raise _malformed(position, "email", "L'adresse d'un responsable légal sans compte se change au guichet.")
    columns = {"phone": "phone", "email": "recorded_email"}
    differing = {
        columns[name]: value
        for name, value in change.items()
        if value != (adult.phone if name == "phone" else adult.email)
    }
    for name, value in differing.items():
        setattr(adult, name, value)
    return bool(differing)


def _have(dossier: Dossier, contacts: Sequence[Contact]) -> bool:
    """Have these as those who are contacts and nothing else; who is there already stays the same person."""
    before = {_names(adult): adult for adult in dossier.adults if adult.roles == ["contact"]}
    wanted = {name_key(one.first_name + one.last_name): one for one in contacts}
    changed = before.keys() != wanted.keys()
    for key in before.keys() - wanted.keys():
        dossier.adults.remove(before[key])
    for key, one in wanted.items():
        values = {
            "first_name": one.first_name,
            "last_name": one.last_name,
            "phone": one.phone,
            "recorded_email": one.email,
        }
        if adult := before.get(key):
            changed |= any(getattr(adult, name) != value for name, value in values.items())
            for name, value in values.items():
                setattr(adult, name, value)
        else:
            dossier.adults.append(Adult(id=new_id(), dossier_id=dossier.id, roles=["contact"], account=None, **values))
    dossier.adults.sort(key=lambda adult: (adult.first_name, adult.id))  # as they are read later
    return changed


def _names(adult: Adult) -> str:
    return name_key(adult.first_name + adult.last_name)


def _malformed(position: int, field: str, detail: str) -> Malformed:
    return Malformed(errors=[{"pointer": f"/adults/{position}/{field}", "detail": detail}])
