"""Whose reserved days an edit of calendar or rules touches: counted, listed page by page, told; none is cancelled."""

from datetime import date
from typing import Any

from chassis.database import connect
from chassis.identifiers import new_id
from contracts import Envelope
from contracts.planning import NoticeWritten
from sqlalchemy import text

from services.planning.tests.families import Household
from services.planning.tests.town import BRIDGE, CANTEEN, CANTEEN_RULES, WEDNESDAY, Desk

MONDAY, TUESDAY, NEXT_MONDAY, WEDNESDAY_9 = (date(2026, 12, day) for day in (7, 8, 14, 9))
RULES = f"/activities/{CANTEEN}/rules"
STRIKE = {"date": str(MONDAY), "name": "Grève"}


async def calendar(desk: Desk, *closed: Any, query: str = "?preview=true") -> Any:
    _, _, etag = await desk.ask("GET", "/calendar")
    status, answer, _ = await desk.ask("PUT", f"/calendar{query}", {"closed_days": list(closed)}, etag=etag)
    assert status == 200, answer
    return answer["touched"]


async def rules(desk: Desk, query: str = "?preview=true", **change: Any) -> Any:
    _, _, etag = await desk.ask("GET", RULES)
    status, answer, _ = await desk.ask("PUT", f"{RULES}{query}", CANTEEN_RULES | change, etag=etag)
    assert status == 200, answer
    return answer["touched"]


async def told(desk: Desk) -> list[NoticeWritten]:
    async with desk.database.sessions() as session:
        bodies = await session.scalars(
            text("SELECT body FROM outbox WHERE type = 'planning.notice_written' ORDER BY id")
        )
        return [NoticeWritten.model_validate(Envelope.model_validate_json(body).data) for body in bodies]


async def families(desk: Desk) -> tuple[Household, Household]:
    """Two children of one, at two sites, and one of another: each has that Monday, and others have more."""
    martin = await Household.enrolled(desk, "Léa", "Hugo")
    await martin.is_of(new_id())
    diallo = await Household.enrolled(desk, "Awa")
    await martin.moves("Hugo", CANTEEN, diallo.site_id)
    await martin.reserve("Léa", CANTEEN, MONDAY, NEXT_MONDAY)
    await martin.reserve("Hugo", CANTEEN, MONDAY)
    await diallo.reserve("Awa", CANTEEN, MONDAY, TUESDAY)
    await diallo.reserve("Awa", WEDNESDAY, WEDNESDAY_9)
    return martin, diallo


def counts(touch: Any) -> tuple[int, int, int]:
    return touch["count"], touch["children"], touch["families"]


async def test_a_day_that_closes_names_who_has_reserved_it_by_activity_and_site(desk: Desk) -> None:
    martin, diallo = await families(desk)
    touched = await calendar(desk, BRIDGE, STRIKE)
    closed, moved = touched["touches"]
    assert (closed["touch"], counts(closed)) == ("closed", (3, 3, 2))
    assert closed["in_words"] == "3 jours réservés n'ont plus lieu (3 enfants, 2 familles)"
    [canteen] = closed["activities"]
    assert (canteen["activity_name"], counts(canteen)) == ("Restauration scolaire", (3, 3, 2))
    sites = {one["site_id"]: counts(one) for one in canteen["sites"]}
    assert sites == {str(martin.site_id): (1, 1, 1), str(diallo.site_id): (2, 2, 2)}
    assert (moved["touch"], counts(moved)) == ("moved", (1, 1, 1)), "the working day before Tuesday is another"
    assert moved["in_words"] == "1 jour réservé change de délais (1 enfant, 1 famille)"
    shown = [
        (child["child_first_name"], one["touch"], one["days"])
        for child in touched["children"]["items"]
        for one in child["things"]
    ]
    monday, tuesday = [str(MONDAY)], [str(TUESDAY)]
    assert sorted(shown) == [
        ("Awa", "closed", monday),
        ("Awa", "moved", tuesday),
        ("Hugo", "closed", monday),
        ("Léa", "closed", monday),
    ]
    [lea] = [one for one in touched["children"]["items"] if one["child_first_name"] == "Léa"]
    assert lea["child_id"] == str(martin.children["Léa"])
    [thing] = lea["things"]
    assert (thing["dossier_id"], thing["dossier_number"]) == (str(martin.dossier_id), "100042")
    assert (thing["in_words"], thing["activity_name"]) == ("1 jour réservé n'a plus lieu", "Restauration scolaire")
    assert "Rien n'est annulé" in touched["said"][0]


async def test_who_is_touched_comes_page_by_page_each_once(desk: Desk) -> None:
    await families(desk)
    whole = (await calendar(desk, BRIDGE, STRIKE))["children"]
    assert whole["next_cursor"] is None
    pages, cursor = [], ""
    while True:
        touched = await calendar(desk, BRIDGE, STRIKE, query=f"?preview=true&limit=1{cursor}")
        assert touched["touches"][0]["count"] == 3, "each page says how many there are in all"
        pages += touched["children"]["items"]
        if (following := touched["children"]["next_cursor"]) is None:
            break
        cursor = f"&cursor={following}"
    assert pages == whole["items"]
    assert len(pages) == 3


async def test_rules_touch_the_days_of_their_activity_alone(desk: Desk) -> None:
    _, diallo = await families(desk)
    touched = await rules(desk, weekdays=["monday", "thursday", "friday"])
    [closed] = touched["touches"]
    assert counts(closed) == (1, 1, 1)
    [awa] = touched["children"]["items"]
    [thing] = awa["things"]
    assert (thing["dossier_id"], thing["days"]) == (str(diallo.dossier_id), [str(TUESDAY)])
    touched = await rules(desk, cancellation_deadline={"rule": "none"})
    assert [(one["touch"], counts(one)) for one in touched["touches"]] == [("moved", (5, 3, 2))]
    assert (await rules(desk, bands=[{"ages": [3, 11], "places": 90}]))["touches"] == []
    given_up = date(2026, 12, 14)
    async with desk.owner.sessions.begin() as session:
        await session.execute(text("UPDATE reservations SET status = 'cancelled' WHERE day = :day"), {"day": given_up})
    touched = await rules(desk, cancellation_deadline={"rule": "none"})
    assert counts(touched["touches"][0]) == (4, 3, 2), "what was given up is nobody's"


async def test_families_are_told_once_of_days_that_close_and_open_again_and_keep_them(desk: Desk) -> None:
    martin, diallo = await families(desk)
    await calendar(desk, BRIDGE, STRIKE)
    assert await told(desk) == [], "a preview tells nobody"
    assert await calendar(desk, BRIDGE, STRIKE, query="") is None
    notices = {one.dossier_id: one for one in await told(desk)}
    assert notices.keys() == {martin.dossier_id, diallo.dossier_id}
    first = notices[martin.dossier_id]
    assert (first.title, first.link) == ("Planning : 2 jours réservés n'ont plus lieu", "/planning/2026-12")
    days = "1 jour réservé n'a plus lieu (lundi 7 décembre 2026)"
    assert first.paragraphs[:2] == tuple(f"{name}, Restauration scolaire : {days}." for name in ("Hugo", "Léa"))
    assert "Rien n'est annulé" in first.paragraphs[2]
    assert len(await desk.reserved(martin.children["Léa"])) == 2
    await calendar(desk, BRIDGE, STRIKE, query="")
    await calendar(desk, BRIDGE, STRIKE | {"name": "Grève générale"}, query="")
    assert len(await told(desk)) == 2, "nothing closes anew"
    await calendar(desk, BRIDGE, query="")
    again = (await told(desk))[2:]
    assert {one.title for one in again} == {
        "Planning : 2 jours réservés ont lieu de nouveau",
        "Planning : 1 jour réservé a lieu de nouveau",
    }
    await rules(desk, query="", booking_deadline={"rule": "none"})
    assert len(await told(desk)) == 4, "deadlines are read where days are reserved"
    await rules(desk, query="", weekdays=["tuesday"])
    assert [one.dossier_id for one in (await told(desk))[4:]] == sorted([martin.dossier_id, diallo.dossier_id])


_MANY = """
    INSERT INTO reservations (child_id, activity_id, day, status, dossier_id, version, changed_at)
    SELECT gen_random_uuid(), activity_id, date '2026-09-01' + day, 'reserved', gen_random_uuid(), 1, now()
    FROM (SELECT gen_random_uuid() AS activity_id FROM generate_series(1, 20)) AS activities,
         generate_series(1, 100) AS day, generate_series(1, 10)
"""


async def test_everything_is_counted_by_one_statement_from_an_index_that_has_all_it_needs(desk: Desk) -> None:
    await families(desk)
    asked = await desk.statements(calendar(desk, BRIDGE, STRIKE))
    [counting] = [one for one in asked if "reservations" in one]
    connection = await connect(desk.owner.url)
    try:
        await connection.execute(_MANY)
        await connection.execute("VACUUM ANALYZE reservations")
        rows = await connection.fetch(f"EXPLAIN {counting}", ["closed"], [CANTEEN], [MONDAY], None, 51)
    finally:
        await connection.close()
    plan = "\n".join(line for (line,) in rows)
    assert "Index Only Scan using ix_reservations_activity_id_day" in plan, plan
