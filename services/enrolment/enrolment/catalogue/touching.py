"""Whom an edit of an activity touches: who would no longer be taken by its new rules. Nobody loses anything by it."""

from collections.abc import Mapping
from datetime import date
from typing import Any
from uuid import UUID

from chassis import touched
from chassis.bodies import Paging
from chassis.editing import Seen
from chassis.touched import Touched, Words
from french.wording import day_and_month, hour
from pydantic_core import to_json
from sqlalchemy.ext.asyncio import AsyncSession

from enrolment.catalogue import editing
from enrolment.catalogue.models import Activity
from enrolment.catalogue.rules import LEVELS

WORDS = {
    "enrolled": Words("inscription ne serait plus acceptée", "inscriptions ne seraient plus acceptées"),
    "booked": Words("semaine réservée ne serait plus acceptée", "semaines réservées ne seraient plus acceptées"),
    "waiting": Words("attente n'aboutira plus", "attentes n'aboutiront plus"),
}
SAID = ("Rien n'est annulé : qui est inscrit ou a réservé le reste. La nouvelle règle vaut pour les suivants.",)

#: Of a holiday week's rows `found`.
DAYS = "ARRAY(SELECT unnest(dates) FROM holiday_weeks WHERE id = ANY(found.weeks))"

# What stands in the way of each, by the rules before and after: those of `rules.enrolment_refusal` that are the
# activity's own, judged by the day on which the enrolment begins and the moment at which it was made. Who is there by
# an exception was not taken before either.
_FOUND = """
    WITH rule AS (
        SELECT number = 2 AS after, said->>'status' AS status, said->'levels' AS levels, said->'sector' AS sector,
            (said->>'min_age')::integer AS min_age, (said->>'max_age')::integer AS max_age, said->'windows' AS windows
        FROM jsonb_array_elements($2::text::jsonb) WITH ORDINALITY AS given (said, number)
        LIMIT 2  -- that many, as the planner cannot know
    ), pupil AS (
        SELECT enrolment.*, extract(year FROM age(valid_from, birth_date)) AS years, school
        FROM enrolments enrolment JOIN children child ON child.id = child_id
        LEFT JOIN LATERAL (
            SELECT school FROM jsonb_array_elements(schooling) AS school
            WHERE school->>'school_year' = enrolment.school_year LIMIT 1
        ) AS schooled ON true
        WHERE activity_id = $1 AND enrolment.status = 'active' AND valid_to >= $3
    ), judged AS (
        SELECT pupil.id, site_id, dossier_id, child_id, after, CASE
            WHEN rule.status = 'closed' THEN 'closed'
            WHEN years NOT BETWEEN min_age AND max_age THEN 'age'
            WHEN levels || sector <> '[]' AND school IS NULL THEN 'school'
            WHEN levels <> '[]' AND NOT levels @> (school->'level') THEN 'level'
            WHEN sector <> '[]' AND NOT sector @> (school->'school_id') THEN 'sector'
            WHEN created_at < (windows->school_year->>0)::timestamptz
              OR created_at >= (windows->school_year->>1)::timestamptz THEN 'window'
        END AS why
        FROM pupil CROSS JOIN rule
    ), closes AS (SELECT count(*) = 2 AND bool_and((status = 'closed') = after) AS now FROM rule),
    found AS MATERIALIZED (
        SELECT 'enrolled' AS touch, new.why, $1 AS activity_id, new.site_id, new.dossier_id, new.child_id,
            count(*)::integer AS count, NULL::uuid[] AS weeks
        FROM judged new JOIN judged old USING (id)
        WHERE new.after AND NOT old.after AND new.why IS NOT NULL AND old.why IS NULL
        GROUP BY new.why, new.site_id, new.dossier_id, new.child_id
        UNION ALL
        SELECT touch, 'closed', $1, site_id, dossier_id, child_id, count(*)::integer, array_agg(week.id)
        FROM holiday_weeks week JOIN (
            SELECT 'booked' AS touch, holiday_week_id, dossier_id, child_id
            FROM booking_lines JOIN bookings ON bookings.id = booking_id WHERE active
            UNION ALL
            SELECT 'waiting', holiday_week_id, dossier_id, child_id
            FROM waiting_entries WHERE status IN ('waiting', 'offered')
        ) AS place ON holiday_week_id = week.id
        WHERE (SELECT now FROM closes) AND week.activity_id = $1 AND upper(week.period) > $3
        GROUP BY touch, site_id, dossier_id, child_id
    )
"""


async def change(
    session: AsyncSession,
    seen: Seen,
    activity_id: UUID,
    asked: Mapping[str, Any],
    windows: list[dict[str, Any]] | None,
    today: date,
    paging: Paging,
) -> tuple[Activity, Touched]:
    """The activity with that change made, and whom it touches. Raises as `editing.change_activity`."""
    before = _rule(await editing.find_activity(session, activity_id, seen))
    activity = await editing.change_activity(session, seen, activity_id, asked, windows)
    await session.flush()
    arguments = activity_id, to_json([before, _rule(activity)]).decode(), today
    return activity, await touched.read(session, _FOUND, DAYS, arguments, paging, WORDS, _reasons(activity), SAID)


def _rule(activity: Activity) -> dict[str, Any]:
    """All that decides on who is taken."""
    names = ("status", "min_age", "max_age", "levels", "sector")
    windows = {one.school_year: (one.opens_at, one.closes_at) for one in activity.enrolment_windows}
    return {name: getattr(activity, name) for name in names} | {"windows": windows}


def _reasons(activity: Activity) -> dict[str, str]:
    levels = " et ".join(LEVELS[level] for level in sorted(activity.levels))
    windows = ", ".join(
        f"{one.school_year} ({_moment(one.opens_at, 'depuis toujours')} – {_moment(one.closes_at, 'sans fin')})"
        for one in activity.enrolment_windows
    )
    return {
        "closed": "L'activité est fermée.",
        "age": f"Elle accueille les enfants de {activity.min_age} à {activity.max_age} ans.",
        "school": "L'école de l'enfant n'est pas connue.",
        "level": f"Elle accueille les élèves {levels}.",
        "sector": "L'école de l'enfant n'est pas de celles auxquelles elle est ouverte.",
        "window": f"L'inscription a été faite hors de la période : {windows}.",
    }


def _moment(when: Any, otherwise: str) -> str:
    return f"{day_and_month(when)} à {hour(when)}" if when else otherwise
