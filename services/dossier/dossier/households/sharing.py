"""Children in two dossiers, and in another one: whose their days are, and what becomes of those they leave."""

from collections.abc import Sequence
from datetime import date
from uuid import UUID

from chassis.editing import Seen
from chassis.outbox import publish
from chassis.problems import Malformed, NotFound, Problem
from chassis.reach import Acting, Reach
from contracts.dossier import Custody, CustodyException, CustodyPattern
from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncSession

from dossier import children, dossiers
from dossier.households.children import ChildKnown, is_same
from dossier.households.notices import told
from dossier.households.rules import Whose, in_words
from dossier.households.wishes import Leave, Share
from dossier.models import Child, Dossier

#: What a calendar comes to, for both families.
NO_CALENDAR = "Il n'y a plus de calendrier de garde : chaque famille réserve et paie les jours qu'elle choisit."
HANDED_OVER = "Les jours réservés à venir passent à la charge de la famille dont c'est le jour."


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


async def share(
    session: AsyncSession, reach: Reach, seen: Seen | None, wish: Share, *, preview: bool
) -> tuple[Child, list[str]]:
    """The child, and in French what that comes to, which a preview only says; where it is so already, nothing.

    Raises NotFound, Archived, Stale, Malformed (it is not of the dossier that it leaves), ChildKnown, TwoDossiers.
    """
    dossier_id, leaves = wish.dossier_id, wish.other_id
    if leaves == dossier_id:
        leaves = None
    named = [dossier_id] if leaves is None else sorted((dossier_id, leaves))
    concerned = {one: await dossiers.edited(session, reach, one) for one in named}
    child, theirs = await _found(session, wish.child_id, seen)
    entered, joins = concerned[dossier_id], dossier_id not in theirs
    left = concerned[leaves] if leaves is not None and leaves in theirs else None
    if joins:
        if leaves is not None and left is None:
            wrong = f"{child.first_name} ne fait pas partie du dossier {concerned[leaves].number}."
            raise Malformed(errors=[{"pointer": "/leaves", "detail": wrong}])
        if len({*theirs, dossier_id} - {leaves}) > 2:
            raise TwoDossiers
        if any(is_same(one, child.first_name, child.birth_date) for one in entered.children):
            raise ChildKnown
    elif left is None:
        return child, [f"{child.first_name} fait déjà partie du dossier {entered.number} : rien ne change."]
    several = len({*theirs, dossier_id} - {leaves}) > 1
    touches = _in_words(child, entered if joins else None, left, several=several)
    if preview:
        return child, touches
    if joins:
        entered.children.append(child)
        await dossiers.changed(session, entered)
    if left is not None:
        part(child, left)
        await dossiers.changed(session, left)
    await children.changed(session, child)
    await _tell(session, child, {*theirs, dossier_id}, leaves)
    return child, touches


async def leave(
    session: AsyncSession, reach: Reach, seen: Seen | None, wish: Leave, *, preview: bool
) -> tuple[Child, list[str]]:
    """The child, and in French what that comes to, which a preview only says.

    Raises NotFound, Archived, Stale, LastDossier.
    """
    left = await dossiers.edited(session, reach, wish.dossier_id)
    child, theirs = await _found(session, wish.child_id, seen)
    if left.id not in theirs:
        raise NotFound
    if len(theirs) == 1:
        raise LastDossier
    touches = _in_words(child, None, left, several=False)
    if not preview:
        part(child, left)
        await dossiers.changed(session, left)
        await children.changed(session, child)
        await _tell(session, child, set(theirs), left.id)
    return child, touches


def _in_words(child: Child, entered: Dossier | None, left: Dossier | None, *, several: bool) -> list[str]:
    name = f"{child.first_name} {child.last_name}"
    custody = ["Son calendrier de garde prend fin."] if child.custody and left else []
    return [
        *([f"{name} fait partie du dossier {entered.number}."] if entered else []),
        *([f"{name} ne fait plus partie du dossier {left.number}."] if left else []),
        *(["Ses deux familles le verront ; le calendrier de garde est à établir au guichet."] if several else custody),
        *(
            [
                f"Les personnes que le dossier {left.number} a autorisées à venir le chercher ne le sont plus.",
                "Ses jours réservés à venir passent à la charge de l'autre dossier ; ses semaines de vacances et les"
                f" factures déjà faites restent au dossier {left.number}.",
            ]
            if left
            else []
        ),
    ]


async def _found(session: AsyncSession, child_id: UUID, seen: Seen | None) -> tuple[Child, Sequence[UUID]]:
    """The child, locked, and its dossiers. Raises NotFound, Stale."""
    found = await children.locked(session, [child_id])
    if not found:
        raise NotFound
    if seen:
        seen.refuse_if_older(found[0].version)
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


async def read(session: AsyncSession, acting: Acting, child_id: UUID) -> tuple[Child, UUID | None]:
    """The child, and the other dossier that it has. Raises NotFound."""
    child = await children.find(session, acting, child_id)
    others = (one for one in await children.dossier_ids(session, child) if one != acting.dossier_id)
    return child, next(others, None)


async def give_custody(
    session: AsyncSession,
    acting: Acting,
    seen: Seen,
    child_id: UUID,
    patterns: Sequence[tuple[date, Sequence[Whose]]],
    exceptions: Sequence[tuple[date, date, Whose]],
    *,
    preview: bool,
) -> tuple[Child, bool, list[str]]:
    """Whose each day is, from a day on and from one to another, as the dossier acted for says it; of none, nobody's.

    The child, whether it has two dossiers, and in French what that comes to, which a preview only says. Raises
    NotFound, Stale, NotShared.
    """
    child = await children.find(session, acting, child_id, seen)
    families = await _families(session, child, acting.dossier_id)
    custody = _custody(families, patterns, exceptions)
    if not preview:
        await _give(session, child, families, custody)
    numbers = await session.execute(select(Dossier.id, Dossier.number).where(Dossier.id.in_(families)))
    whose = {one: f"les jours de garde du dossier {number}" for one, number in numbers}
    touches = [NO_CALENDAR]
    if custody:
        touches = [*(said for one in families for said in in_words(custody, one, whose[one])), HANDED_OVER]
    return child, len(families) > 1, touches


async def give(
    session: AsyncSession,
    child: Child,
    family: UUID,
    patterns: Sequence[tuple[date, Sequence[Whose]]],
    exceptions: Sequence[tuple[date, date, Whose]],
) -> None:
    """Of a whole child, whose row is locked, as that family says it. Raises NotShared."""
    families = await _families(session, child, family)
    await _give(session, child, families, _custody(families, patterns, exceptions))


async def _families(session: AsyncSession, child: Child, first: UUID) -> list[UUID]:
    return [*dict.fromkeys((first, *await children.dossier_ids(session, child)))]


def _custody(
    families: Sequence[UUID],
    patterns: Sequence[tuple[date, Sequence[Whose]]],
    exceptions: Sequence[tuple[date, date, Whose]],
) -> Custody | None:
    """Raises NotShared."""
    if not patterns and not exceptions:
        return None
    of: dict[Whose, UUID] = dict(zip(("own", "other"), families, strict=False))
    if "other" not in of:
        raise NotShared
    return Custody(
        patterns=tuple(
            CustodyPattern(valid_from=since, days=tuple(of[whose] for whose in days)) for since, days in patterns
        ),
        exceptions=tuple(
            CustodyException(first_day=first, last_day=last, dossier_id=of[whose]) for first, last, whose in exceptions
        ),
    )


async def _give(session: AsyncSession, child: Child, families: Sequence[UUID], custody: Custody | None) -> None:
    child.custody = custody.model_dump(mode="json") if custody else None
    await children.changed(session, child)
    title = f"Calendrier de garde de {child.first_name}"
    for one in families:
        said = in_words(custody, one) if custody else ["Il n'y a plus de calendrier de garde."]
        await publish(session, told(one, title, *said))
