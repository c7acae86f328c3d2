"""Who belongs where from a later day on: kept until then, and done on that day by what does it at once.

Locked are the dossiers, their children, then the planned change, as everywhere: what is due is looked for without a
lock, and done by whoever deletes it in the same transaction.
"""

import json
from collections import defaultdict
from collections.abc import Awaitable, Callable, Iterable, Sequence
from datetime import date
from typing import Any, NamedTuple, Protocol, TypeVar
from uuid import UUID

from chassis import clock, desk
from chassis.database import fetch
from chassis.editing import Seen
from chassis.identifiers import new_id
from chassis.outbox import publish
from chassis.problems import Malformed, NotFound, Problem, Unavailable, unexpected
from chassis.reach import Reach
from contracts.dossier import NoticeWritten
from french import wording
from french.paris import day_in_paris
from sqlalchemy import or_, select
from sqlalchemy.ext.asyncio import AsyncSession

from dossier import dossiers
from dossier.households import merging, sharing, splitting
from dossier.households.models import PlannedChange
from dossier.households.wishes import Leave, Merge, Names, Share, Split, Wish
from dossier.models import Adult, Child, Dossier

W_contra = TypeVar("W_contra", bound=Wish, contravariant=True)
T_co = TypeVar("T_co", covariant=True)


class Change(Protocol[W_contra, T_co]):
    """A use case: what it changes, and in French what that comes to, which a preview only says."""

    def __call__(
        self, session: AsyncSession, reach: Reach, seen: Seen | None, wish: W_contra, /, *, preview: bool
    ) -> Awaitable[tuple[T_co, list[str]]]: ...


class Kind(NamedTuple):
    """`act` is what it is in the desk log."""

    wish: type[Wish]
    change: Callable[..., Awaitable[object]]
    act: str


KINDS = {
    "split": Kind(Split, splitting.split, "POST /v1/dossiers/{dossier_id}/split"),
    "merge": Kind(Merge, merging.merge, "POST /v1/dossiers/{dossier_id}/merge"),
    "share": Kind(Share, sharing.share, "POST /v1/children/{child_id}/dossiers"),
    "leave": Kind(Leave, sharing.leave, "DELETE /v1/children/{child_id}/dossiers/{dossier_id}"),
}


async def change(
    session: AsyncSession,
    reach: Reach,
    seen: Seen,
    use: Change[W_contra, T_co],
    wish: W_contra,
    day: date | None,
    *,
    preview: bool,
    reason: str | None = None,
) -> tuple[T_co, list[str], PlannedChange | None]:
    """Do it at once, or keep it for that day, for which it is tried out now; what is kept already, is.

    What it changes, in French what it comes to, before it is done with what else is planned, and what is kept. Raises
    Malformed (a day that is over), and what `use` raises.
    """
    today = day_in_paris(clock.now())
    if day is not None and day < today:
        said = "Ce changement ne se fait pas avant aujourd'hui : choisissez ce jour ou un jour à venir."
        raise Malformed(errors=[{"pointer": "/from", "detail": said}])
    if not preview and day in (None, today):
        done = await use(session, reach, seen, wish, preview=False)
        await fetch(session, _FULFILLED, _kind(wish), json.dumps(_said(wish)))
        return *done, None
    changed, touches = await use(session, reach, seen, wish, preview=True)
    others = [(one, about) for one, about in await _listed(session, wish.ids) if not one.refused]
    same = next((one for one, _ in others if (one.kind, one.wish, one.day) == (_kind(wish), _said(wish), day)), None)
    touches += [f"Déjà prévu le {wording.day(one.day)} : {about}" for one, about in others if one is not same]
    if day is None or day == today:
        return changed, touches, None
    touches.insert(0, f"Cela se fera le {wording.day(day)} ; d'ici là, rien ne change.")
    if preview:
        return changed, touches, None
    kept = same or _keep(session, reach, wish, day, reason)
    why = " ".join(filter(None, (reason, f"(prévu pour le {wording.day(day)})")))
    desk.note(session, subject_id=kept.id, dossier_id=wish.dossier_id, reason=why)
    return changed, touches, kept


# What is done now is not to be done once more on the day it was kept for.
_FULFILLED = "DELETE FROM planned_changes WHERE kind = $1 AND wish = $2::jsonb"


def _kind(wish: Wish) -> str:
    return next(name for name, kind in KINDS.items() if isinstance(wish, kind.wish))


def _said(wish: Wish) -> dict[str, Any]:
    return wish.model_dump(mode="json")


def _keep(session: AsyncSession, reach: Reach, wish: Wish, day: date, reason: str | None) -> PlannedChange:
    said = wish.model_dump()
    kept = PlannedChange(
        id=new_id(),
        kind=_kind(wish),
        dossier_id=wish.dossier_id,
        other_id=said.get("other_id"),
        child_id=said.get("child_id"),
        wish=_said(wish),
        day=day,
        reason=reason,
        asked_at=clock.now(),
        asked_by=reach.sub,
        asked_by_name=reach.name,
    )
    session.add(kept)
    return kept


async def of_dossier(
    session: AsyncSession, reach: Reach, dossier_id: UUID, limit: int, after: UUID | None
) -> list[tuple[PlannedChange, str]]:
    """So many that come after that one, as they were asked, each in words; of those merged into the dossier too.

    Raises NotFound.
    """
    await dossiers.read(session, reach, dossier_id)
    return await _listed(session, [dossier_id], limit, after)


async def _listed(
    session: AsyncSession, ids: Iterable[UUID], limit: int | None = None, after: UUID | None = None
) -> list[tuple[PlannedChange, str]]:
    """What touches one of these dossiers, or is said of one of these children."""
    named = list(ids)
    theirs = select(Dossier.id).where(or_(Dossier.id.in_(named), Dossier.merged_into.in_(named)))
    planned = PlannedChange
    query = select(planned).where(
        or_(planned.dossier_id.in_(theirs), planned.other_id.in_(theirs), planned.child_id.in_(named))
    )
    if after is not None:
        query = query.where(PlannedChange.id > after)
    found = (await session.scalars(query.order_by(PlannedChange.id).limit(limit))).all()
    wishes = await _wishes(session, found)
    called = await _called(session, {one for wish in wishes for one in wish.ids})
    return [(one, wish.in_words(called)) for one, wish in zip(found, wishes, strict=True)]


async def withdraw(session: AsyncSession, reach: Reach, change_id: UUID) -> None:
    """Raises NotFound: also where it has just been done."""
    gone = await session.get(PlannedChange, change_id, with_for_update=True)
    if gone is None or not reach.covers(gone.dossier_id):
        raise NotFound
    await session.delete(gone)
    desk.note(session, dossier_id=gone.dossier_id)


async def due(session: AsyncSession, today: date) -> Sequence[UUID]:
    """In the order of their days."""
    query = select(PlannedChange.id).where(PlannedChange.day <= today, PlannedChange.refused.is_(None))
    return (await session.scalars(query.order_by(PlannedChange.day, PlannedChange.id))).all()


async def do(session: AsyncSession, change_id: UUID) -> None:
    """What is due, once, for whoever asked; what cannot be done any more stays refused, and the desk is told why."""
    change = await session.get(PlannedChange, change_id)
    if change is None:
        return
    kind, [wish] = KINDS[change.kind], await _wishes(session, [change])
    agent = Reach(sub=change.asked_by, role="agent", name=change.asked_by_name)
    try:
        async with session.begin_nested():
            await kind.change(session, agent, None, wish, preview=False)
            if not await fetch(session, _DONE, change_id):
                raise NotFound  # undone: it was withdrawn, or done by another worker
            said = {"subject_id": change_id, "dossier_id": wish.dossier_id, "reason": change.reason}
            await fetch(session, desk.STORE, *desk.done(session, agent, kind.act, said))
    except Exception as error:
        problem = error if isinstance(error, Problem) else unexpected(error)
        if isinstance(problem, Unavailable):
            raise
        if await _wishes(session, [change]) == [wish]:  # else a dossier was merged just now: next time
            await _refuse(session, change, wish, problem)


_DONE = "DELETE FROM planned_changes WHERE id = $1 AND refused IS NULL RETURNING id"
_REFUSED = "UPDATE planned_changes SET refused = $2 WHERE id = $1 AND refused IS NULL RETURNING id"


async def _refuse(session: AsyncSession, change: PlannedChange, wish: Wish, problem: Problem) -> None:
    why = " ".join(one["detail"] for one in problem.errors) or problem.detail
    if isinstance(problem, NotFound):
        why = "Une personne ou un dossier n'existe plus."
    if not await fetch(session, _REFUSED, change.id, why):
        return
    notice = NoticeWritten(
        notice_id=new_id(),
        desk=True,
        dossier_id=wish.dossier_id,
        title="Un changement prévu n'a pas pu se faire",
        paragraphs=(
            f"Prévu pour le {wording.day(change.day)} : {wish.in_words(await _called(session, wish.ids))}",
            f"Raison : {why}",
            "Faites-le au guichet s'il y a encore lieu, puis retirez-le des changements prévus du dossier.",
        ),
        link=f"/agent/dossiers/{wish.dossier_id}",
    )
    await publish(session, notice)


async def _wishes(session: AsyncSession, changes: Sequence[PlannedChange]) -> list[Wish]:
    """As each is asked now that some dossiers are parts of others."""
    named = {one for change in changes for one in (change.dossier_id, change.other_id)}
    merged = select(Dossier.id, Dossier.merged_into).where(Dossier.id.in_(named), Dossier.merged_into.is_not(None))
    kinds, said = [KINDS[change.kind].wish for change in changes], [json.dumps(change.wish) for change in changes]
    for dossier_id, into_id in await session.execute(merged):
        said = [one.replace(str(dossier_id), str(into_id)) for one in said]
    return [kind.model_validate_json(one) for kind, one in zip(kinds, said, strict=True)]


async def _called(session: AsyncSession, ids: Iterable[UUID]) -> Names:
    """Those that are no more, too."""
    wanted, called = list(ids), defaultdict[UUID, str](lambda: "(effacé)")
    called |= dict((await session.execute(select(Dossier.id, Dossier.number).where(Dossier.id.in_(wanted)))).all())
    for people in (Adult, Child):
        names = select(people.id, people.first_name, people.last_name).where(people.id.in_(wanted))
        called |= {one: f"{first} {last}" for one, first, last in await session.execute(names)}
    return called
