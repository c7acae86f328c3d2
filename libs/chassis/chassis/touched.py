"""Whom an edit of the town's rules touches: one shape of answer, whatever is edited, counted by one statement."""

from collections.abc import Mapping, Sequence
from datetime import date
from typing import Any, NamedTuple, TypeAlias
from uuid import UUID

from sqlalchemy.ext.asyncio import AsyncSession

from chassis.bodies import Answer, Page, Paging
from chassis.database import fetch

#: As the database gives it, by names.
Row: TypeAlias = Any

# After a CTE `found (touch, why, activity_id, site_id, dossier_id, child_id, things, days)`: one row each of what is
# touched of a child. It counts by touch, by activity too, and by site too (`depth`); and gives the rows of a page.
_TELL = """
    , named AS MATERIALIZED (
        SELECT found.*, coalesce(dossier.number, '') COLLATE "C" AS number,
            coalesce(child.first_name, '') COLLATE "C" AS first_name,
            md5(concat_ws(' ', touch, why, activity_id, site_id, dossier_id, child_id))::uuid AS id
        FROM found LEFT JOIN dossiers dossier ON dossier.id = dossier_id LEFT JOIN children child ON child.id = child_id
    ), counted AS (
        SELECT touch, activity_id, site_id, 2 - grouping(activity_id) - grouping(site_id) AS depth,
            sum(things)::integer AS count, count(DISTINCT child_id) AS children, count(DISTINCT dossier_id) AS families
        FROM found GROUP BY GROUPING SETS ((touch), (touch, activity_id), (touch, activity_id, site_id))
    ), shown AS (
        SELECT * FROM named
        WHERE ${cursor}::uuid IS NULL
           OR (number, first_name, id) > (SELECT number, first_name, id FROM named WHERE id = ${cursor})
        ORDER BY number, first_name, id LIMIT ${limit}
    )
    SELECT depth, touch, NULL AS why, activity_id, activity.name AS activity_name, site_id, site.name AS site_name,
        count, children, families, NULL AS id, NULL AS dossier_id, NULL AS number, NULL AS child_id, NULL AS first_name,
        NULL::date[] AS days
    FROM counted LEFT JOIN activities activity ON activity.id = activity_id LEFT JOIN sites site ON site.id = site_id
    UNION ALL
    SELECT NULL, touch, why, activity_id, activity.name, site_id, site.name,
        things, NULL, NULL, shown.id, dossier_id, number, child_id, first_name, days
    FROM shown LEFT JOIN activities activity ON activity.id = activity_id LEFT JOIN sites site ON site.id = site_id
"""


class Words(NamedTuple):
    """How a touch is called, of one thing and of several (« jour réservé qui n'a plus lieu »)."""

    one: str
    several: str

    def of(self, count: int) -> str:
        """« 3 jours réservés qui n'ont plus lieu »"""
        return f"{count} {self.several if count > 1 else self.one}"


class Counted(Answer):
    """So many things, of so many children and families: exact, and the same in French."""

    count: int
    children: int
    families: int
    in_words: str


class TouchedSite(Counted):
    """None of the site: it is not known."""

    site_id: UUID | None
    site_name: str | None


class TouchedActivity(Counted):
    activity_id: UUID
    activity_name: str | None
    sites: list[TouchedSite]


class Touch(Counted):
    """What becomes otherwise in one way, which `touch` names."""

    touch: str
    activities: list[TouchedActivity]


class TouchedChild(Answer):
    """What is touched of a child of a family: so many things (`count`), their days in order, and why in French."""

    id: UUID
    touch: str
    in_words: str
    reason: str | None
    dossier_id: UUID
    dossier_number: str | None
    child_id: UUID
    child_first_name: str | None
    activity_id: UUID
    activity_name: str | None
    site_id: UUID | None
    site_name: str | None
    count: int
    days: list[date]


class Touched(Answer):
    """Whom an edit touches, of whom it cancels nothing: `said` are sentences in French of what follows for them; the
    `children` come by pages, in the order of their dossiers' numbers."""

    said: list[str]
    touches: list[Touch]
    children: Page[TouchedChild]


async def read(
    session: AsyncSession,
    found: str,
    arguments: Sequence[Any],
    paging: Paging,
    words: Mapping[str, Words],
    reasons: Mapping[str, str] | None = None,
    said: Sequence[str] = (),
) -> Touched:
    """Of what `found` finds: a statement's beginning up to the CTE of that name, with its arguments.

    `words` and `reasons` say in French what it calls `touch`, in their order, and `why`.
    """
    tell = _TELL.replace("{cursor}", str(len(arguments) + 1)).replace("{limit}", str(len(arguments) + 2))
    rows = await fetch(session, f"{found}{tell}", *arguments, paging.cursor, paging.limit + 1)
    counts = {touch: [row for row in rows if row["touch"] == touch and row["depth"] is not None] for touch in words}
    return Touched(
        said=list(said),
        touches=[_touch(words[touch], of) for touch, of in counts.items() if of],
        children=paging.page(
            sorted((row for row in rows if row["depth"] is None), key=_place),
            lambda row: _child(row, words, reasons or {}),
            lambda row: row["id"],
        ),
    )


def _place(row: Row) -> tuple[str, str, UUID]:
    return row["number"], row["first_name"], row["id"]


def _touch(words: Words, rows: Sequence[Row]) -> Touch:
    [whole] = [row for row in rows if row["depth"] == 0]
    sites = sorted((row for row in rows if row["depth"] == 2), key=lambda row: row["site_name"] or "")
    return Touch(
        touch=whole["touch"],
        activities=[
            TouchedActivity(
                activity_id=row["activity_id"],
                activity_name=row["activity_name"],
                sites=[
                    TouchedSite(site_id=one["site_id"], site_name=one["site_name"], **_counted(one, words))
                    for one in sites
                    if one["activity_id"] == row["activity_id"]
                ],
                **_counted(row, words),
            )
            for row in sorted((row for row in rows if row["depth"] == 1), key=lambda row: row["activity_name"] or "")
        ],
        **_counted(whole, words),
    )


def _counted(row: Row, words: Words) -> dict[str, Any]:
    count, children, families = row["count"], row["children"], row["families"]
    who = f"{children} enfant{'s' if children > 1 else ''}, {families} famille{'s' if families > 1 else ''}"
    return {"count": count, "children": children, "families": families, "in_words": f"{words.of(count)} ({who})"}


def _child(row: Row, words: Mapping[str, Words], reasons: Mapping[str, str]) -> TouchedChild:
    same = ("id", "touch", "dossier_id", "child_id", "activity_id", "activity_name", "site_id", "site_name", "count")
    return TouchedChild(
        **{name: row[name] for name in same},
        in_words=words[row["touch"]].of(row["count"]),
        reason=reasons.get(row["why"]),
        dossier_number=row["number"] or None,
        child_first_name=row["first_name"] or None,
        days=sorted(row["days"]),
    )
