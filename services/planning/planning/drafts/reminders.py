"""Reminding guardians of drafts, by mail: each deadline once, whatever ends in the middle."""

from collections.abc import Iterable, Iterator, Sequence
from datetime import date, datetime
from itertools import groupby

from chassis.identifiers import new_id
from chassis.outbox import publish
from contracts.planning import NoticeWritten
from french import wording
from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncSession

from planning.copies import is_guardian
from planning.deadlines.rules import in_words
from planning.drafts import drafts
from planning.drafts.models import Draft
from planning.drafts.rules import AT_LEAST_EVERY, Pending, due, look_again, pending
from planning.reservations.changing import read_months

BATCH = 50


async def remind(session: AsyncSession, now: datetime) -> bool:
    """Look at one batch of the drafts whose time has come, but for those in use; whether there may be more.

    What is reminded of is noted in the transaction that publishes it.
    """
    coming = select(Draft, is_guardian(Draft.guardian_id, Draft.dossier_id)).where(Draft.look_at <= now)
    ours = coming.order_by(Draft.look_at).limit(BATCH).with_for_update(of=Draft, skip_locked=True)
    found = (await session.execute(ours)).all()
    for draft, has_guardian in found:
        if has_guardian:
            await _look_at(session, draft, now)
        else:  # (no longer, or not yet)
            draft.look_at = now + AT_LEAST_EVERY
    return len(found) == BATCH


async def _look_at(session: AsyncSession, draft: Draft, now: datetime) -> None:
    changes = [drafts.change(one) for one in draft.changes]
    wanted = {(change.child_id, change.activity_id, draft.month) for change in changes}
    calendar, lines = await read_months(session, wanted, draft.dossier_id)
    wishes = pending(changes, lines, draft.dossier_id, calendar, now)
    if near := due(wishes, draft.reminded, now):
        await publish(session, _reminder(draft, near))
    draft.reminded = sorted({one for one in draft.reminded if one > now} | {one.until for one in near})
    draft.look_at = look_again(wishes, now)


def _reminder(draft: Draft, near: Sequence[Pending]) -> NoticeWritten:
    """A paragraph for each deadline, the first one in the title."""
    by_deadline = [(until, list(some)) for until, some in groupby(sorted(near, key=_until), key=_until)]
    first, month = in_words(by_deadline[0][0]), wording.month(draft.month)
    return NoticeWritten(
        notice_id=new_id(),
        account_id=draft.account_id,
        title=f"Votre brouillon de {month} : à valider avant {first}",
        paragraphs=(
            f"Vous avez conservé un brouillon du planning de {month}. Rien n'est réservé tant que vous ne l'avez pas "
            "validé.",
            *(f"À valider avant {in_words(until)} : {' ; '.join(_said(some))}." for until, some in by_deadline),
            "Passé ce délai, ces jours ne pourront plus être modifiés depuis votre espace.",
        ),
        link=f"/planning/{draft.month:%Y-%m}",
    )


def _until(one: Pending) -> datetime:
    return one.until


def _said(some: Iterable[Pending]) -> Iterator[str]:
    """« Inès, Restauration scolaire, à réserver : lundi 7, mardi 8 décembre 2026 » for each child and activity."""

    def place(one: Pending) -> tuple[str, str, str]:
        return one.line.first_name, one.line.activity_name, "à réserver" if one.change.reserve else "à annuler"

    for (child, activity, what), days in groupby(sorted(some, key=place), key=place):
        wanted: list[date] = [one.change.day for one in days]
        yield f"{child}, {activity}, {what} : {wording.by_month(wanted)}"
