"""Children in two dossiers, and in another one: whose their days are, and what becomes of those they leave."""

from collections.abc import Sequence
from datetime import date
from uuid import UUID

from chassis.editing import Seen
from chassis.outbox import publish
from chassis.problems import NotFound, Problem
from chassis.reach import Acting, Reach
from contracts.dossier import Custody, CustodyException, CustodyPattern
from sqlalchemy.ext.asyncio import AsyncSession

from dossier import children, dossiers
from dossier.households.children import ChildKnown, is_same
from dossier.households.notices import told
from dossier.households.rules import Whose, in_words
from dossier.models import Child, Dossier


class TwoDossiers(Problem):
    type = "urn:problem:dossier:two-dossiers"
    title = "Déjà dans deux dossiers"
    detail = "Cet enfant dépend déjà de deux dossiers : retirez-le d'abord de l'un d'eux."


class NotShared(Problem):
    type = "urn:problem:dossier:not-shared"
    title = "Enfant d'un seul dossier"
    detail = "Cet enfant ne dépend que d'un dossier : ajoutez-le d'abord au dossier de l'autre parent."


class LastDossier(Problem):
    type = "urn:problem:dossier:last-dossier"
    title = "Dernier dossier de l'enfant"
    detail = "Cet enfant ne dépend que de ce dossier : ajoutez-le d'abord à un autre."


async def share(session: AsyncSession, reach: Reach, child_id: UUID, dossier_id: UUID, leaves: UUID | None) -> Child:
    """The child belongs to that dossier from now on, and no longer to the one that it `leaves`; said again, it changes
    nothing. Raises NotFound, Archived, ChildKnown, TwoDossiers.
    """
    named = [dossier_id] if leaves is None else sorted({dossier_id, leaves})
    concerned = {one: await dossiers.edited(session, reach, one) for one in named}
    child, theirs = await _found(session, child_id)
    entered = concerned[dossier_id]
    if dossier_id not in theirs:
        if len({*theirs, dossier_id} - {leaves}) > 2:
            raise TwoDossiers
        if any(is_same(one, child.first_name, child.birth_date) for one in entered.children):
            raise ChildKnown
        entered.children.append(child)
        await dossiers.changed(session, entered)
    elif leaves is None or leaves not in theirs:
        return child
    if leaves is not None and leaves in theirs:
        part(child, concerned[leaves])
        await dossiers.changed(session, concerned[leaves])
    await children.changed(session, child)
    await _tell(session, child, {*theirs, dossier_id}, leaves)
    return child


async def leave(session: AsyncSession, reach: Reach, child_id: UUID, dossier_id: UUID) -> None:
    """Raises NotFound, Archived, LastDossier."""
    left = await dossiers.edited(session, reach, dossier_id)
    child, theirs = await _found(session, child_id)
    if dossier_id not in theirs:
        raise NotFound
    if len(theirs) == 1:
        raise LastDossier
    part(child, left)
    await dossiers.changed(session, left)
    await children.changed(session, child)
    await _tell(session, child, set(theirs), dossier_id)


async def _found(session: AsyncSession, child_id: UUID) -> tuple[Child, Sequence[UUID]]:
    """The child, locked, and its dossiers. Raises NotFound."""
    found = await children.locked(session, [child_id])
    if not found:
        raise NotFound
    return found[0], await children.dossier_ids(session, found[0])


def part(child: Child, left: Dossier) -> None:
    """The child leaves it. Whom that family has authorised may not come any more; a court's decision stands."""
    left.children.remove(child)
    child.custody = None
    child.persons = [one for one in child.persons if one.dossier_id != left.id or one.decision is not None]


async def _tell(session: AsyncSession, child: Child, families: set[UUID], left: UUID | None) -> None:
    """Each family of the child, and the one it leaves, of itself alone."""
    name = f"{child.first_name} {child.last_name}"
    several = len(families - {left}) > 1
    also = " Il s'agit d'une garde alternée : cet enfant fait aussi partie d'un autre dossier." if several else ""
    for one in sorted(families):
        said = (
            f"{name} ne fait plus partie de votre dossier." if one == left else f"{name} fait partie de votre dossier."
        )
        await publish(session, told(one, f"Dossier de {child.first_name}", said + ("" if one == left else also)))


async def read(session: AsyncSession, acting: Acting, child_id: UUID) -> tuple[Child, bool]:
    """The child, and whether it has two dossiers. Raises NotFound."""
    child = await children.find(session, acting, child_id)
    return child, len(await children.dossier_ids(session, child)) > 1


async def give_custody(
    session: AsyncSession,
    acting: Acting,
    seen: Seen,
    child_id: UUID,
    patterns: Sequence[tuple[date, Sequence[Whose]]],
    exceptions: Sequence[tuple[date, date, Whose]],
) -> tuple[Child, bool]:
    """Whose each day is, from a day on and from one to another, as the dossier acted for says it; of none, nobody's.

    Raises NotFound, Stale, NotShared.
    """
    child = await children.find(session, acting, child_id, seen)
    return child, await give(session, child, acting.dossier_id, patterns, exceptions)


async def give(
    session: AsyncSession,
    child: Child,
    family: UUID,
    patterns: Sequence[tuple[date, Sequence[Whose]]],
    exceptions: Sequence[tuple[date, date, Whose]],
) -> bool:
    """Of a whole child, whose row is locked, as that family says it; whether the child has two. Raises NotShared."""
    families = dict.fromkeys((family, *await children.dossier_ids(session, child)))
    of: dict[Whose, UUID] = dict(zip(("own", "other"), families, strict=False))
    if not patterns and not exceptions:
        custody = None
    elif "other" not in of:
        raise NotShared
    else:
        custody = Custody(
            patterns=tuple(
                CustodyPattern(valid_from=since, days=tuple(of[whose] for whose in days)) for since, days in patterns
            ),
            exceptions=tuple(
                CustodyException(first_day=first, last_day=last, dossier_id=of[whose])
                for first, last, whose in exceptions
            ),
        )
    child.custody = custody.model_dump(mode="json") if custody else None
    await children.changed(session, child)
    title = f"Calendrier de garde de {child.first_name}"
    for one in families:
        said = in_words(custody, one) if custody else ["Il n'y a plus de calendrier de garde."]
        await publish(session, told(one, title, *said))
    return len(families) > 1
