"""Whose reserved days an edit of calendar or rules touches, and what their families are told: none is cancelled."""

from collections.abc import Iterable, Mapping, Sequence
from datetime import date
from itertools import groupby
from uuid import UUID

from chassis import touched
from chassis.bodies import Paging
from chassis.database import fetch
from chassis.identifiers import new_id
from chassis.outbox import publish
from chassis.touched import Touched, Words
from contracts.planning import NoticeWritten
from french.wording import by_month
from sqlalchemy.ext.asyncio import AsyncSession

from planning.deadlines.activity_rules import Change

WORDS = {
    "closed": Words("jour réservé n'a plus lieu", "jours réservés n'ont plus lieu"),
    "opened": Words("jour réservé a lieu de nouveau", "jours réservés ont lieu de nouveau"),
    "moved": Words("jour réservé change de délais", "jours réservés changent de délais"),
}
SAID = (
    "Rien n'est annulé : ce qui est réservé le reste.",
    "Les familles dont un jour réservé n'a plus lieu, ou a lieu de nouveau, en sont prévenues dès l'enregistrement.",
)

_EDITED = """
    WITH edited AS (SELECT * FROM unnest($1::text[], $2::uuid[], $3::date[]) AS edited (touch, activity_id, day))
"""
_FOUND = f"""
    {_EDITED}, found AS MATERIALIZED (
        SELECT touch, NULL AS why, activity_id, site_id, dossier_id, child_id, count(*)::integer AS count
        FROM edited JOIN reservations reserved USING (activity_id, day)
        WHERE status = 'reserved'
        GROUP BY touch, activity_id, site_id, dossier_id, child_id
    )
"""  # noqa: S608 -- made of constants alone
_DAYS = """
    ARRAY(
        SELECT day FROM edited JOIN reservations reserved USING (activity_id, day)
        WHERE (child_id, activity_id, dossier_id) = (found.child_id, found.activity_id, found.dossier_id)
          AND site_id IS NOT DISTINCT FROM found.site_id AND edited.touch = found.touch AND status = 'reserved'
    )
"""
_TOLD = f"""
    {_EDITED} SELECT dossier_id, coalesce(first_name, ''), activity.name, touch, array_agg(day)
    FROM edited JOIN reservations reserved USING (activity_id, day)
    JOIN activities activity ON activity.id = activity_id LEFT JOIN children child ON child.id = child_id
    WHERE reserved.status = 'reserved'
    GROUP BY dossier_id, touch, child_id, first_name, activity_id, activity.name
    ORDER BY dossier_id, touch, first_name, activity.name, child_id
"""  # noqa: S608 -- made of constants alone
#: Families told by one statement.
_BATCH = 500


async def follow(session: AsyncSession, changes: Sequence[Change], paging: Paging, *, preview: bool) -> Touched | None:
    """Whom these changes touch, by a preview; made, the families are told."""
    if preview:
        return await touched.read(session, _FOUND, _DAYS, _arguments(changes), paging, WORDS, said=SAID)
    await _tell(session, changes)
    return None


async def _tell(session: AsyncSession, changes: Sequence[Change]) -> None:
    """Each family, once: which of its reserved days take place no more, or again."""
    rows = await fetch(session, _TOLD, *_arguments(one for one in changes if _touch(one) != "moved"))
    notices = [_notice(dossier_id, list(some)) for dossier_id, some in groupby(rows, key=lambda row: row[0])]
    for first in range(0, len(notices), _BATCH):
        await publish(session, *notices[first : first + _BATCH])


def _touch(change: Change) -> str:
    if change.after is None:
        return "closed"
    return "opened" if change.before is None else "moved"


def _arguments(changes: Iterable[Change]) -> tuple[list[str], list[UUID], list[date]]:
    some = list(changes)
    return [_touch(one) for one in some], [one.activity.activity_id for one in some], [one.day for one in some]


def _notice(dossier_id: UUID, rows: Sequence[tuple[UUID, str, str, str, list[date]]]) -> NoticeWritten:
    counts: Mapping[str, int] = {
        touch: sum(len(row[4]) for row in rows if row[3] == touch) for touch in ("closed", "opened")
    }
    title = ", ".join(WORDS[touch].of(count) for touch, count in counts.items() if count)
    return NoticeWritten(
        notice_id=new_id(),
        dossier_id=dossier_id,
        title=f"Planning : {title}",
        paragraphs=(
            *(
                f"{name}, {activity} : {WORDS[touch].of(len(days))} ({by_month(days)})."
                for _, name, activity, touch, days in rows
            ),
            "Rien n'est annulé : ces jours restent notés dans votre planning. Vous pouvez y annuler un jour tant que "
            "son délai d'annulation est ouvert ; ensuite, adressez-vous au guichet.",
        ),
        link=f"/planning/{min(day for row in rows for day in row[4]):%Y-%m}",
    )
