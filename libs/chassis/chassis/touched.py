"""Whom an edit of the town's rules touches: one shape of answer, whatever is edited, counted by one statement."""

from collections.abc import Mapping, Sequence
from datetime import date
from itertools import groupby
from typing import Any, NamedTuple, TypeAlias
from uuid import UUID

from sqlalchemy.ext.asyncio import AsyncSession

from chassis.bodies import Answer, Page, Paging
from chassis.database import fetch

#: As the database gives it, by names.
Row: TypeAlias = Any

# After a CTE `found (touch, why, activity_id, site_id, dossier_id, child_id, count)`, a row each of what is touched of
# a child. It counts by touch, by activity too, by site too (`depth`), and gives all that is found of a page's children.
_TELL = """
    , counted AS (
        SELECT touch, activity_id, site_id, 2 - grouping(activity_id) - grouping(site_id) AS depth,
            sum(count)::integer AS count, count(DISTINCT child_id) AS children, count(DISTINCT dossier_id) AS families
        FROM found GROUP BY GROUPING SETS ((touch), (touch, activity_id), (touch, activity_id, site_id))
    ), child AS (
        SELECT child_id, min(coalesce(number, '')) COLLATE "C" AS number
        FROM (SELECT DISTINCT child_id, dossier_id FROM found) AS one LEFT JOIN dossiers ON id = dossier_id
        GROUP BY child_id
    ), page AS (
        SELECT child_id, number AS place FROM child
        WHERE ${cursor}::uuid IS NULL
           OR (number, child_id) > (SELECT number, child_id FROM child WHERE child_id = ${cursor})
        ORDER BY number, child_id LIMIT ${limit}
    )
    SELECT depth, touch, NULL AS why, counted.activity_id, activity.name AS activity_name, counted.site_id,
        site.name AS site_name, count, children, families, NULL AS place, NULL AS dossier_id, NULL AS number,
        NULL AS child_id, NULL AS first_name, NULL::date[] AS days
    FROM counted LEFT JOIN activities activity ON activity.id = counted.activity_id
    LEFT JOIN sites site ON site.id = counted.site_id
    UNION ALL
    SELECT NULL, touch, why, found.activity_id, activity.name, found.site_id,
        site.name, count, NULL, NULL, place, dossier_id, dossier.number,
        child_id, child.first_name, {days}
    FROM page JOIN found USING (child_id) LEFT JOIN activities activity ON activity.id = found.activity_id
    LEFT JOIN sites site ON site.id = found.site_id LEFT JOIN dossiers dossier ON dossier.id = dossier_id
    LEFT JOIN children child ON child.id = child_id
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


class TouchedThings(Answer):
    """So many things of a child and family that one touch is about, their days in order, and why in French."""

    touch: str
    in_words: str
    reason: str | None
    dossier_id: UUID
    dossier_number: str | None
    activity_id: UUID
    activity_name: str | None
    site_id: UUID | None
    site_name: str | None
    count: int
    days: list[date]


class TouchedChild(Answer):
    child_id: UUID
    child_first_name: str | None
    things: list[TouchedThings]


class Touched(Answer):
    """Whom an edit touches, of whom it cancels nothing: `said` are sentences in French of what follows for them; the
    `children` come by pages, in the order of their dossiers' numbers."""

    said: list[str]
    touches: list[Touch]
    children: Page[TouchedChild]


async def read(
    session: AsyncSession,
    found: str,
    days: str,
    arguments: Sequence[Any],
    paging: Paging,
    words: Mapping[str, Words],
    reasons: Mapping[str, str] | None = None,
    said: Sequence[str] = (),
) -> Touched:
    """Of what `found` finds: a statement's beginning up to the CTE of that name, with its arguments; `days` is the
    expression of a found row's days.

    `words` and `reasons` say in French what it calls `touch`, in their order, and `why`, where that is no sentence.
    """
    tell = _TELL.replace("{cursor}", str(len(arguments) + 1)).replace("{limit}", str(len(arguments) + 2))
    statement = f"{found}{tell.replace('{days}', days)}"
    rows = await fetch(session, statement, *arguments, paging.cursor, paging.limit + 1)
    counts = {touch: [row for row in rows if row["touch"] == touch and row["depth"] is not None] for touch in words}
    things = sorted((row for row in rows if row["depth"] is None), key=lambda row: (row["place"], row["child_id"]))
    children = [list(some) for _, some in groupby(things, key=lambda row: row["child_id"])]
    return Touched(
        said=list(said),
        touches=[_touch(words[touch], of) for touch, of in counts.items() if of],
        children=paging.page(
            children, lambda some: _child(some, words, reasons or {}), lambda some: some[0]["child_id"]
        ),
    )


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


def _child(rows: Sequence[Row], words: Mapping[str, Words], reasons: Mapping[str, str]) -> TouchedChild:
    same = ("touch", "dossier_id", "activity_id", "activity_name", "site_id", "site_name", "count")
    order = list(words)
    return TouchedChild(
        child_id=rows[0]["child_id"],
        child_first_name=rows[0]["first_name"],
        things=[
            TouchedThings(
                **{name: row[name] for name in same},
                in_words=words[row["touch"]].of(row["count"]),
                reason=reasons.get(row["why"], row["why"]),
                dossier_number=row["number"],
                days=sorted(row["days"]),
            )
            for row in sorted(rows, key=lambda row: (order.index(row["touch"]), row["activity_name"] or ""))
        ],
    )
