"""The deadlines of activities: told to everybody, their rules changed by administrators alone."""

import re
from datetime import date, datetime, timedelta
from typing import Any

import pytest
from chassis.identifiers import named_id, new_id
from contracts.enrolment import SiteChanged
from french.paris import PARIS

from services.planning.tests.town import (
    CANTEEN,
    CANTEEN_RULES,
    HOLIDAYS,
    SCHOOL_DAYS,
    THURSDAY_BEFORE,
    WORKING_DAY_BEFORE,
    Desk,
    activity,
    pointers,
    utc,
    week,
)
from tests.builders import sample

EVERYBODY = ("guardian", "agent", "cashier", "administrator", "site_staff", "integrator")
NONE = {"rule": "none"}


def spaced(words: str) -> str:
    """« 23 h 59 » with the spaces of French."""
    return re.sub(r" h\b( (?=\d))?", lambda found: found[0].replace(" ", "\N{NO-BREAK SPACE}"), words)


def moment(paris: str, words: str, still: bool) -> dict[str, Any]:
    return {"until": utc(paris), "in_words": spaced(words), "open": still}


# ---------------------------------------------------------------------------------------------------- everybody


@pytest.mark.parametrize("role", EVERYBODY)
async def test_everybody_reads_every_activitys_deadlines_in_one_answer(desk: Desk, role: str) -> None:
    answer = await desk.deadlines("from=2026-11-25&to=2026-12-04", role)
    assert (answer["from"], answer["to"]) == ("2026-11-25", "2026-12-04")
    wednesday, canteen = answer["activities"]
    assert (canteen["activity_id"], canteen["activity_name"]) == (str(CANTEEN), "Restauration scolaire")
    assert [day["date"][5:] for day in canteen["days"]] == ["11-26", "11-27", "11-30", "12-01", "12-03", "12-04"]
    nine = moment("2026-12-03T09:00", "jeudi 3 décembre 2026 à 9 h", True)
    assert canteen["days"][-1] == {"date": "2026-12-04", "booking": nine, "cancellation": nine}
    assert canteen["days"][2]["booking"] == moment("2026-11-27T09:00", "vendredi 27 novembre 2026 à 9 h", True)
    assert canteen["booking_in_words"] == spaced("le jour ouvré précédent à 9 h")
    assert wednesday["days"] == [
        {
            "date": "2026-11-25",
            "booking": moment("2026-11-19T12:00", "jeudi 19 novembre 2026 à 12 h", False),
            "cancellation": moment("2026-11-26T00:00", "mercredi 25 novembre 2026 à minuit", True),
        },
        {
            "date": "2026-12-02",
            "booking": moment("2026-11-26T12:00", "jeudi 26 novembre 2026 à 12 h", True),
            "cancellation": moment("2026-12-03T00:00", "mercredi 2 décembre 2026 à minuit", True),
        },
    ]


async def test_a_deadline_closes_at_its_very_moment(desk: Desk) -> None:
    nine = datetime(2026, 11, 26, 9, tzinfo=PARIS)
    for now, still in ((nine - timedelta(seconds=30), True), (nine, False)):
        desk.now_is(now)
        [_, canteen] = (await desk.deadlines("from=2026-11-27&to=2026-11-27"))["activities"]
        assert canteen["days"][0]["booking"]["open"] is still


async def test_without_a_period_the_coming_month_is_told_from_today_in_paris(desk: Desk) -> None:
    desk.now_is(datetime(2026, 11, 26, 0, 30, tzinfo=PARIS))  # in UTC it is still the 25th
    answer = await desk.deadlines()
    assert (answer["from"], answer["to"]) == ("2026-11-26", "2026-12-26")
    assert (await desk.deadlines("from=2026-12-01"))["to"] == "2026-12-31"
    assert (await desk.deadlines("to=2026-11-30"))["from"] == "2026-11-26"


async def test_school_holidays_and_closed_days_have_no_deadline(desk: Desk) -> None:
    canteen = (await desk.deadlines("from=2027-05-03&to=2027-05-11"))["activities"][1]
    assert [(day["date"][5:], day["booking"]["in_words"][:12]) for day in canteen["days"]] == [
        ("05-03", "vendredi 30 "),
        ("05-04", "lundi 3 mai "),
        ("05-10", "mercredi 5 m"),  # over Ascension, the bridge and the weekend
        ("05-11", "lundi 10 mai"),
    ]
    christmas = await desk.deadlines("from=2026-12-19&to=2027-01-03")
    assert [one["days"] for one in christmas["activities"]] == [[], []]


async def test_holiday_weeks_are_told_when_they_take_place_or_close(desk: Desk) -> None:
    dates = tuple(date(2026, 12, day) for day in (21, 22, 23, 24))
    booking = datetime(2026, 11, 28, 23, 59, tzinfo=PARIS)
    cancellation = datetime(2026, 12, 4, 23, 59, tzinfo=PARIS)
    for group in ("3-5 ans", "6-11 ans"):  # they close together: told once
        await desk.hear(week("Noël", *dates, booking=booking, cancellation=cancellation, group=group))
    later = datetime(2027, 1, 20, 23, 59, tzinfo=PARIS)
    await desk.hear(week("Hiver", date(2027, 2, 8), booking=later, cancellation=later))
    [told] = (await desk.deadlines("from=2026-11-25&to=2026-12-25"))["holiday_weeks"]
    assert told == {
        "activity_id": str(HOLIDAYS),
        "activity_name": "Vacances à La Bièvre",
        "name": "Noël",
        "dates": [str(day) for day in dates],
        "booking": moment("2026-11-28T23:59", "samedi 28 novembre 2026 à 23 h 59", True),
        "cancellation": moment("2026-12-04T23:59", "vendredi 4 décembre 2026 à 23 h 59", True),
    }
    for period, names in {
        "from=2026-11-28&to=2026-11-28": ["Noël"],  # closes for booking
        "from=2026-12-04&to=2026-12-04": ["Noël"],  # closes for giving up
        "from=2026-12-24&to=2026-12-24": ["Noël"],  # takes place
        "from=2026-12-05&to=2026-12-20": [],
        "from=2026-11-29&to=2026-12-03": [],
        "from=2027-02-08&to=2027-02-08": ["Hiver"],
    }.items():
        assert [one["name"] for one in (await desk.deadlines(period))["holiday_weeks"]] == names, period


async def test_an_activity_is_told_once_its_copy_has_come(desk: Desk) -> None:
    unknown = new_id()
    assert (await desk.ask("GET", f"/activities/{unknown}/rules"))[0] == 404
    await desk.hear(activity(unknown, "Étude", "periscolaire"))
    assert "Étude" not in str(await desk.deadlines())
    assert (await desk.ask("PUT", f"/activities/{unknown}/rules", CANTEEN_RULES, etag='"0"'))[0] == 200
    assert [one["activity_name"] for one in (await desk.deadlines())["activities"]][-1] == "Étude"


@pytest.mark.parametrize(
    ("query", "pointer"),
    [
        ("from=2026-13", "/query/from"),
        ("from=2026-13-01", "/query/from"),
        ("from=2026-02-29", "/query/from"),
        ("from=9999-12-31", "/query/from"),
        ("from=0001-01-01", "/query/from"),
        ("from=1999-12-31", "/query/from"),
        ("from=1764028800", "/query/from"),
        ("from=2026-12-01T00:00:00", "/query/from"),
        ("from=", "/query/from"),
        ("from=demain", "/query/from"),
        ("from=2026-12-02&to=2026-12-01", "/query/to"),
        ("to=2026-11-24", "/query/to"),
        ("from=2026-12-01&to=2027-12-01", "/query/to"),
        ("from=2026-12-01&to=2027-02-02", "/query/to"),
        ("to=9999-12-31", "/query/to"),
    ],
)
async def test_a_period_that_is_none_is_refused(desk: Desk, query: str, pointer: str) -> None:
    status, problem, _ = await desk.ask("GET", f"/deadlines?{query}", role="guardian")
    assert (status, pointers(problem)) == (422, [pointer])


async def test_the_ends_of_every_calendar_are_answered(desk: Desk) -> None:
    for query in ("from=2000-01-01&to=2000-01-31", "from=2099-12-31", "from=2026-12-01&to=2027-02-01"):
        assert await desk.deadlines(query)


# ------------------------------------------------------------------------------------------------ administrators


async def rules_of(desk: Desk, activity_id: object = CANTEEN) -> tuple[dict[str, Any], str]:
    status, answer, etag = await desk.ask("GET", f"/activities/{activity_id}/rules")
    assert status == 200
    return answer, etag


async def test_an_administrator_changes_the_rules_of_an_activity(desk: Desk) -> None:
    before, etag = await rules_of(desk)
    assert {name: before[name] for name in CANTEEN_RULES} == CANTEEN_RULES
    wanted = CANTEEN_RULES | {"booking_deadline": THURSDAY_BEFORE}
    status, answer, changed = await desk.ask("PUT", f"/activities/{CANTEEN}/rules", wanted, etag=etag)
    assert status == 200
    assert answer["rules"]["booking_in_words"] == spaced("le jeudi de la semaine précédente à 12 h")
    assert await rules_of(desk) == (answer["rules"], changed)
    assert changed != etag
    first = answer["changes"][0]
    assert (first["activity_name"], first["date"]) == ("Restauration scolaire", "2026-11-26")
    assert first["before"]["booking"] == moment("2026-11-25T09:00", "mercredi 25 novembre 2026 à 9 h", False)
    assert first["after"]["booking"] == moment("2026-11-19T12:00", "jeudi 19 novembre 2026 à 12 h", False)
    assert first["after"]["cancellation"] == first["before"]["cancellation"]
    canteen = (await desk.deadlines("from=2026-12-04&to=2026-12-04"))["activities"][1]
    assert canteen["days"][0]["booking"] == moment("2026-11-26T12:00", "jeudi 26 novembre 2026 à 12 h", True)


async def test_a_preview_says_what_would_change_and_changes_nothing(desk: Desk) -> None:
    before = await rules_of(desk)
    wanted = CANTEEN_RULES | {"cancellation_deadline": NONE, "weekdays": ["monday", "tuesday", "friday", "saturday"]}
    status, answer, etag = await desk.ask("PUT", f"/activities/{CANTEEN}/rules?preview=true", wanted, etag=before[1])
    assert (status, etag) == (200, before[1])
    dated = {one["date"]: one for one in answer["changes"]}
    assert (dated["2026-11-26"]["after"], dated["2026-11-26"]["before"]["booking"]["open"]) == (None, False)
    assert dated["2026-11-27"]["after"]["cancellation"]["in_words"] == "vendredi 27 novembre 2026 à minuit"
    assert {one["date"] for one in answer["changes"]} >= {"2026-12-18", "2027-07-02"}
    assert not any("2026-12-19" <= day <= "2027-01-03" for day in dated)  # no school
    assert await rules_of(desk) == before
    status, answer, _ = await desk.ask("PUT", f"/activities/{CANTEEN}/rules", wanted, etag=before[1])
    assert (status, {one["date"] for one in answer["changes"]}) == (200, set(dated))


async def test_an_administrator_says_how_many_places_there_are(desk: Desk) -> None:
    school = sample(SiteChanged)
    await desk.hear(school)
    path, (before, etag) = f"/activities/{CANTEEN}/rules", await rules_of(desk)
    assert before["bands"] == []
    bands = [
        {"ages": [3, 5], "places": 40, "site_id": None},
        {"ages": [6, 11], "places": 60, "site_id": None},
        {"ages": [3, 5], "places": 12, "site_id": str(school.site_id)},
    ]
    foreign = [*bands[:2], bands[2] | {"site_id": str(new_id())}]
    status, problem, _ = await desk.ask("PUT", path, CANTEEN_RULES | {"bands": foreign}, etag=etag)
    assert (status, pointers(problem)) == (422, ["/bands/2/site_id"])
    status, answer, changed = await desk.ask("PUT", path, CANTEEN_RULES | {"bands": bands}, etag=etag)
    assert (status, answer["rules"]["bands"], answer["changes"]) == (200, bands, [])
    assert changed != etag
    assert await rules_of(desk) == (answer["rules"], changed)


async def test_who_says_nothing_of_places_is_not_taken_to_want_none_counted(desk: Desk) -> None:
    _, etag = await rules_of(desk)
    silent = {name: value for name, value in CANTEEN_RULES.items() if name != "bands"}
    status, problem, _ = await desk.ask("PUT", f"/activities/{CANTEEN}/rules", silent, etag=etag)
    assert (status, pointers(problem)) == (422, ["/bands"])


async def test_the_same_rules_again_are_no_change(desk: Desk) -> None:
    _, etag = await rules_of(desk)
    status, answer, same = await desk.ask("PUT", f"/activities/{CANTEEN}/rules", CANTEEN_RULES, etag=etag)
    assert (status, answer["changes"], same) == (200, [], etag)


async def test_who_has_not_seen_the_newest_rules_changes_nothing(desk: Desk) -> None:
    path, (_, etag) = f"/activities/{CANTEEN}/rules", await rules_of(desk)
    wanted = CANTEEN_RULES | {"weekdays": ["monday"]}
    assert (await desk.ask("PUT", path, wanted))[1]["type"] == "urn:problem:if-match-missing"
    for stale in ('"0"', "*", f"W/{etag}", "1", '""'):
        status, problem, _ = await desk.ask("PUT", path, wanted, etag=stale)
        assert (status, problem["type"]) == (412, "urn:problem:stale")
    assert (await rules_of(desk))[1] == etag
    assert (await desk.ask("PUT", path, wanted, etag=etag))[0] == 200
    assert (await desk.ask("PUT", path, CANTEEN_RULES, etag=etag))[0] == 412


HELD = {
    True: "UPDATE activity_rules SET version = version WHERE activity_id = :activity_id",
    False: "INSERT INTO activity_rules VALUES (:activity_id, 1, '{}', '{}', '{}', '[]')",
}


@pytest.mark.parametrize("known", [True, False], ids=["changed", "given first"])
async def test_of_those_who_change_rules_at_the_same_moment_one_is_heard(desk: Desk, known: bool) -> None:
    one = CANTEEN if known else new_id()
    if not known:
        await desk.hear(activity(one, "Étude", "periscolaire"))
    _, etag = await rules_of(desk, one)
    wanted = [CANTEEN_RULES | {"weekdays": [day]} for day in SCHOOL_DAYS]
    answers = await desk.at_once(f"/activities/{one}/rules", wanted, etag, HELD[known], activity_id=one)
    assert sorted(status for status, _ in answers) == [200, 412, 412, 412]
    [heard] = [answer["rules"] for status, answer in answers if status == 200]
    assert (await rules_of(desk, one))[0] == heard


async def test_an_activity_without_rules_takes_place_on_no_day(desk: Desk) -> None:
    study = new_id()
    await desk.hear(activity(study, "Étude", "periscolaire"))
    answer, etag = await rules_of(desk, study)
    assert (answer["weekdays"], answer["booking_deadline"], etag) == ([], NONE, '"0"')


async def test_holiday_weeks_keep_their_own_deadlines(desk: Desk) -> None:
    status, problem, _ = await desk.ask("PUT", f"/activities/{HOLIDAYS}/rules", CANTEEN_RULES, etag='"0"')
    assert (status, problem["type"]) == (409, "urn:problem:planning:holiday-activity")


async def test_rules_of_nothing_are_not_found(desk: Desk) -> None:
    for activity_id in (new_id(), named_id("activity", "judo")):
        for method, body in (("GET", None), ("PUT", CANTEEN_RULES)):
            assert (await desk.ask(method, f"/activities/{activity_id}/rules", body, etag='"1"'))[0] == 404


@pytest.mark.parametrize(
    ("field", "value", "wrong"),
    [
        ("booking_deadline", {"rule": "sometimes"}, "/booking_deadline"),
        ("booking_deadline", {}, "/booking_deadline"),
        ("booking_deadline", None, "/booking_deadline"),
        ("booking_deadline", "none", "/booking_deadline"),
        ("booking_deadline", WORKING_DAY_BEFORE | {"n": -1}, "/booking_deadline/n"),
        ("booking_deadline", WORKING_DAY_BEFORE | {"n": 10**20}, "/booking_deadline/n"),
        ("booking_deadline", WORKING_DAY_BEFORE | {"n": 1.5}, "/booking_deadline/n"),
        ("booking_deadline", WORKING_DAY_BEFORE | {"time": 32400}, "/booking_deadline/time"),
        ("booking_deadline", WORKING_DAY_BEFORE | {"time": "9h"}, "/booking_deadline/time"),
        ("cancellation_deadline", THURSDAY_BEFORE | {"weekday": "jeudi"}, "/cancellation_deadline/weekday"),
        (
            "cancellation_deadline",
            {"rule": "weekday_before", "weeks": 1, "time": "12:00"},
            "/cancellation_deadline/weekday",
        ),
        ("cancellation_deadline", NONE | {"n": 1}, "/cancellation_deadline/n"),
        ("weekdays", ["monday", "lundi"], "/weekdays/1"),
        ("weekdays", ["monday", "monday"], "/weekdays"),
        ("weekdays", "monday", "/weekdays"),
        ("bands", None, "/bands"),
        ("bands", {}, "/bands"),
        ("bands", [{"ages": [3], "places": 1}], "/bands/0/ages"),
        ("bands", [{"ages": [3, 4, 5], "places": 1}], "/bands/0/ages"),
        ("bands", [{"ages": [5, 3], "places": 1}], "/bands/0/ages"),
        ("bands", [{"ages": ["3", 5], "places": 1}], "/bands/0/ages/0"),
        ("bands", [{"ages": [3, 26], "places": 1}], "/bands/0/ages/1"),
        ("bands", [{"ages": [3, 5]}], "/bands/0/places"),
        ("bands", [{"ages": [3, 5], "places": -1}], "/bands/0/places"),
        ("bands", [{"ages": [3, 5], "places": 10**9}], "/bands/0/places"),
        ("bands", [{"ages": [3, 5], "places": 1.5}], "/bands/0/places"),
        ("bands", [{"ages": [3, 5], "places": 1, "taken": 0}], "/bands/0/taken"),
        ("bands", [{"ages": [3, 5], "places": 1, "site_id": "jean-jaures"}], "/bands/0/site_id"),
        ("bands", [{"ages": [3, 5], "places": 1}, {"ages": [5, 6], "places": 1}], "/bands"),
        ("bands", [{"ages": [3, 5], "places": 1}] * 501, "/bands"),
        ("version", 3, "/version"),
    ],
)
async def test_rules_that_say_nothing_are_refused_by_their_place(
    desk: Desk, field: str, value: Any, wrong: str
) -> None:
    path, (_, etag) = f"/activities/{CANTEEN}/rules", await rules_of(desk)
    for query in ("", "?preview=true"):
        status, problem, _ = await desk.ask("PUT", path + query, CANTEEN_RULES | {field: value}, etag=etag)
        assert (status, pointers(problem)) == (422, [wrong])
        assert all(one["detail"] != "Cette valeur n'est pas acceptée." for one in problem["errors"])
    assert (await rules_of(desk))[1] == etag
