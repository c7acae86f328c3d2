"""Who may pick a child up, and who may not by the decision of a court, changed at once."""

from collections.abc import Sequence
from datetime import datetime
from typing import NamedTuple
from uuid import UUID

from chassis.editing import Seen
from chassis.identifiers import new_id
from chassis.problems import Malformed, Problem
from chassis.reach import Acting
from french.names import name_key
from sqlalchemy.ext.asyncio import AsyncSession

from dossier import children
from dossier.models import Child, Person


class PersonForbidden(Problem):
    type = "urn:problem:dossier:person-forbidden"
    title = "Personne non autorisée"
    detail = "Une décision de justice interdit à cette personne de venir chercher l'enfant : adressez-vous au guichet."


class Named(NamedTuple):
    """With `phone` and `relation` who may; with `decision` who may not."""

    first_name: str
    last_name: str
    relation: str | None = None
    phone: str | None = None
    decision: str | None = None

    @property
    def key(self) -> str:
        return name_key(self.first_name + self.last_name)


async def record(
    session: AsyncSession,
    acting: Acting,
    seen: Seen,
    child_id: UUID,
    authorised: Sequence[Named],
    forbidden: Sequence[Named] | None,
    now: datetime,
) -> Child:
    """Have these authorised by the dossier acted for and no others; those of the child's other dossier stay.

    With `forbidden`, which is for the desk, these are forbidden and no others, whichever dossier had authorised them.
    Raises NotFound, Stale, Malformed, PersonForbidden.
    """
    child = await children.find(session, acting, child_id, seen)
    if forbidden is not None and not acting.at_desk:
        detail = "Une personne non autorisée est enregistrée par le guichet, qui lit la décision de justice."
        raise Malformed(errors=[{"pointer": "/forbidden_persons", "detail": detail}])
    decided = {_key(one): one for one in child.persons if one.decision}
    banned = decided.keys() if forbidden is None else {one.key for one in forbidden}
    if refused := [position for position, one in enumerate(authorised) if one.key in banned]:
        raise PersonForbidden(
            errors=[{"pointer": f"/authorised_persons/{at}", "detail": PersonForbidden.detail} for at in refused]
        )
    own = {_key(one): one for one in child.persons if not one.decision and one.dossier_id == acting.dossier_id}
    others = [
        one
        for one in child.persons
        if not one.decision and one.dossier_id != acting.dossier_id and _key(one) not in banned
    ]
    before = [_said(one) for one in child.persons]

    def kept(known: dict[str, Person], wanted: Sequence[Named]) -> list[Person]:
        """Whoever is there already stays the same."""
        found = []
        for one in wanted:
            person = known.get(one.key) or Person(id=new_id(), child_id=child.id, dossier_id=acting.dossier_id)
            if _said(person)[1:] != one:
                person.first_name, person.last_name, person.relation, person.phone, person.decision = one
                person.recorded_at, person.recorded_by = now, acting.by.sub
            found.append(person)
        return found

    persons = [*kept(own, authorised), *others]
    persons += kept(decided, forbidden) if forbidden is not None else decided.values()
    if sorted(map(_said, persons), key=str) != sorted(before, key=str):
        child.persons = sorted(persons, key=lambda one: (one.last_name, one.first_name, one.id))  # as read later
        await children.changed(session, child)
    return child


def _key(person: Person) -> str:
    return name_key(person.first_name + person.last_name)


def _said(person: Person) -> tuple[object, ...]:
    return (person.id, person.first_name, person.last_name, person.relation, person.phone, person.decision)
