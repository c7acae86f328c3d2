"""Children of a dossier: one is added, and where it goes to school is recorded."""

from collections.abc import Collection, Mapping, Sequence
from datetime import date
from typing import Any
from uuid import UUID

from chassis import clock
from chassis.editing import Seen
from chassis.identifiers import new_id
from chassis.outbox import publish
from chassis.problems import Malformed, Problem
from chassis.reach import Acting, Reach
from french.calendar import birth_date_fault
from french.paris import day_in_paris
from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncSession

from dossier import children, dossiers
from dossier.copies import Site
from dossier.households.notices import told
from dossier.households.rules import Named
from dossier.models import Child, Dossier, Schooling, Town

#: The names and the birth date; `resident` (none: by the dossier's address); `schooling`, the rows of each year.
NewChild = Mapping[str, Any]


class ChildKnown(Problem):
    type = "urn:problem:dossier:child-known"
    title = "Enfant déjà connu"
    detail = "Un enfant du dossier porte ce prénom et a cette date de naissance : il n'est pas ajouté une seconde fois."


async def add(session: AsyncSession, reach: Reach, dossier_id: UUID, added: NewChild) -> Child:
    """Raises NotFound, Archived, Malformed, ChildKnown."""
    dossier = await dossiers.edited(session, reach, dossier_id)
    child = await born(session, dossier, added)
    await dossiers.changed(session, dossier)
    said = f"{child.first_name} {child.last_name} fait désormais partie de votre dossier."
    await publish(session, told(dossier.id, "Un enfant est ajouté à votre dossier", said))
    return child


async def born(session: AsyncSession, dossier: Dossier, added: NewChild, place: str = "") -> Child:
    """A new child of the dossier, told to others; `place`: where it stands in what was sent.

    Raises Malformed, ChildKnown.
    """
    if fault := birth_date_fault(added["birth_date"], day_in_paris(clock.now())):
        raise Malformed(errors=[{"pointer": f"{place}/birth_date", "detail": fault}])
    refuse_known(dossier, added["first_name"], added["birth_date"])
    await _refuse_unknown_schools(session, added["schooling"], place)
    resident = added["resident"]
    if resident is None:
        resident = dossier.postcode is not None and dossier.postcode == await session.scalar(select(Town.postcode))
    child = Child(
        id=new_id(),
        first_name=added["first_name"],
        last_name=added["last_name"],
        birth_date=added["birth_date"],
        menu="standard",
        resident=resident,
        schooling=[Schooling(**one) for one in added["schooling"]],
        consents=[],
        persons=[],
        version=0,
    )
    dossier.children.append(child)
    await children.changed(session, child)
    return child


def refuse_known(dossier: Dossier, first_name: str, birth_date: date) -> None:
    """Raises ChildKnown."""
    if any(is_same(child, first_name, birth_date) for child in dossier.children):
        raise ChildKnown


async def change_schooling(
    session: AsyncSession, acting: Acting, seen: Seen, child_id: UUID, schooling: Sequence[Mapping[str, Any]]
) -> Child:
    """Where the child goes to school in each year that is known. Raises NotFound, Archived, Stale, Malformed."""
    await dossiers.edited(session, acting.by, acting.dossier_id)
    child = await children.find(session, acting, child_id, seen)
    await _refuse_unknown_schools(session, schooling)
    child.schooling = [Schooling(**one) for one in schooling]
    await children.changed(session, child)
    await dossiers.judged(session, [acting.dossier_id])
    return child


def is_same(child: Child, first_name: str, birth_date: date) -> bool:
    """Whether the child seems to be the one of that name and birth date."""
    return child.birth_date == birth_date and Named(child.first_name, "").is_same(Named(first_name, ""))


async def _refuse_unknown_schools(
    session: AsyncSession, schooling: Sequence[Mapping[str, Any]], place: str = ""
) -> None:
    """Raises Malformed."""
    asked: Collection[UUID] = {one["school_id"] for one in schooling}
    known = set(await session.scalars(select(Site.id).where(Site.id.in_(asked), Site.kind == "school")))
    if errors := [
        {"pointer": f"{place}/schooling/{index}/school_id", "detail": "Cette école n'est pas au catalogue."}
        for index, one in enumerate(schooling)
        if one["school_id"] not in known
    ]:
        raise Malformed(errors=errors)
