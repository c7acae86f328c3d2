"""« Valider »: all of a family's changes or none, each refusal named, and a receipt of every day."""

from collections.abc import Sequence
from datetime import date, datetime, timedelta
from typing import Any

import pytest
from chassis.identifiers import new_id
from contracts.planning import NoticeWritten, ReservationsChanged
from french.paris import PARIS
from planning.plannings.models import LASTS
from planning.reservations.rules import FULL
from sqlalchemy import text

from services.planning.tests.families import Household
from services.planning.tests.town import CANTEEN, HOLIDAYS, WEDNESDAY, Desk, pointers
from tests.builders import published

MONDAY, TUESDAY, THURSDAY, WEDNESDAY_9 = (date(2026, 12, day) for day in (7, 8, 10, 9))
FRIDAY_9 = datetime(2026, 12, 4, 9, tzinfo=PARIS)
MINUTE = timedelta(minutes=1)


@pytest.fixture
async def moreau(desk: Desk) -> Household:
    return await Household.enrolled(desk, "Inès", "Tom")


def refused(answer: tuple[int, Any]) -> list[tuple[str, str]]:
    """Pointer and day of each refused cell."""
    status, problem = answer
    assert (status, problem["type"]) == (409, "urn:problem:planning:cells-refused"), problem
    return [(one["pointer"], one["date"]) for one in problem["errors"]]


def days(found: Sequence[Any]) -> list[tuple[str, str, str]]:
    return [(one["child_first_name"], one["activity_name"], one["date"]) for one in found]


async def nothing_done(desk: Desk) -> bool:
    counts = (
        "SELECT (SELECT count(*) FROM entries) + (SELECT count(*) FROM reservations)"
        " + (SELECT count(*) FROM outbox WHERE type <> 'planning.enrolment_applied')"
    )
    async with desk.database.sessions() as session:
        return bool(await session.scalar(text(counts)) == 0)


async def test_several_children_and_activities_are_validated_at_once_and_each_day_receipted(
    desk: Desk, moreau: Household
) -> None:
    await moreau.reserve("Tom", CANTEEN, THURSDAY)
    status, receipt = await moreau.validate(
        moreau.wish("Tom", CANTEEN, THURSDAY, reserve=False),
        moreau.wish("Inès", WEDNESDAY, WEDNESDAY_9),
        moreau.wish("Tom", CANTEEN, MONDAY),
        moreau.wish("Inès", CANTEEN, MONDAY),
    )
    assert status == 200, receipt
    assert days(receipt["added"]) == [
        ("Inès", "Accueil du mercredi", "2026-12-09"),
        ("Inès", "Restauration scolaire", "2026-12-07"),
        ("Tom", "Restauration scolaire", "2026-12-07"),
    ]
    assert days(receipt["removed"]) == [("Tom", "Restauration scolaire", "2026-12-10")]
    assert (receipt["month"], receipt["version"], receipt["etag"]) == ("2026-12", 2, '"2"')
    assert await moreau.etag() == receipt["etag"]
    shown = {
        (row["child_first_name"], cell["date"])
        for row in (await moreau.planning())["rows"]
        for cell in row["cells"]
        if cell["status"] == "reserved"
    }
    assert shown == {("Inès", "2026-12-09"), ("Inès", "2026-12-07"), ("Tom", "2026-12-07")}


async def test_the_receipt_goes_by_mail_with_each_day_in_words(desk: Desk, moreau: Household) -> None:
    await moreau.reserve("Tom", CANTEEN, THURSDAY)
    await moreau.validate(
        moreau.wish("Tom", CANTEEN, THURSDAY, reserve=False),
        moreau.wish("Inès", CANTEEN, TUESDAY),
        moreau.wish("Inès", CANTEEN, MONDAY),
    )
    [notice] = await published(desk.owner, NoticeWritten)
    assert (notice.dossier_id, notice.desk, notice.link) == (moreau.dossier_id, False, "/planning/2026-12")
    assert notice.title == "Planning, décembre 2026 : 2 jours réservés, 1 jour annulé"
    assert notice.paragraphs == (
        "Ce planning vient d'être modifié depuis votre espace.",
        "Inès, Restauration scolaire, 2 jours réservés : lundi 7 décembre 2026, mardi 8 décembre 2026.",
        "Tom, Restauration scolaire, 1 jour annulé : jeudi 10 décembre 2026.",
    )


async def test_one_refused_cell_refuses_all_and_names_itself(desk: Desk, moreau: Household) -> None:
    answer = await moreau.validate(
        moreau.wish("Inès", CANTEEN, MONDAY), moreau.wish("Tom", CANTEEN, date(2026, 12, 25))
    )
    assert refused(answer) == [("/changes/1", "2026-12-25")]
    [error] = answer[1]["errors"]
    assert (error["child_id"], error["activity_id"]) == (str(moreau.children["Tom"]), str(CANTEEN))
    assert error["detail"] == "Jour férié (Noël)."
    assert await nothing_done(desk)
    assert (await moreau.validate(moreau.wish("Inès", CANTEEN, MONDAY)))[0] == 200


async def test_what_is_asked_again_is_judged_by_the_moment_of_the_first_attempt(desk: Desk, moreau: Household) -> None:
    await desk.places(CANTEEN, {"ages": [6, 11], "places": 1})
    await (await Household.enrolled(desk, "Awa", site_id=moreau.site_id)).reserve("Awa", CANTEEN, TUESDAY)
    monday, tuesday = (moreau.wish("Inès", CANTEEN, day) for day in (MONDAY, TUESDAY))
    desk.now_is(FRIDAY_9 - MINUTE)
    first = await moreau.validate(monday, tuesday)
    assert refused(first) == [("/changes/1", "2026-12-08")]
    assert first[1]["errors"][0]["detail"] == FULL.reason
    desk.now_is(FRIDAY_9 + timedelta(minutes=5))
    assert refused(await moreau.validate(monday)) == [("/changes/0", "2026-12-07")]
    # A later attempt with another cell keeps the moment of the first for what was in it.
    attempt = first[1]["attempt_id"]
    toms = moreau.wish("Tom", CANTEEN, MONDAY)
    again = await moreau.validate(monday, toms, attempt_id=attempt)
    assert refused(again) == [("/changes/1", "2026-12-07")]
    desk.now_is(FRIDAY_9 + LASTS - 3 * MINUTE)
    assert refused(await moreau.validate(toms, attempt_id=again[1]["attempt_id"])) == [("/changes/0", "2026-12-07")]
    status, receipt = await moreau.validate(monday, attempt_id=again[1]["attempt_id"])
    assert (status, days(receipt["added"])) == (200, [("Inès", "Restauration scolaire", "2026-12-07")])


async def test_an_attempt_counts_for_ten_minutes_for_its_own_cells_its_account_and_its_family(
    desk: Desk, moreau: Household
) -> None:
    christmas = moreau.wish("Inès", CANTEEN, date(2026, 12, 25))
    ines, tom = (moreau.wish(name, CANTEEN, MONDAY) for name in ("Inès", "Tom"))
    desk.now_is(FRIDAY_9 - MINUTE)
    attempt = (await moreau.validate(ines, tom, christmas))[1]["attempt_id"]
    desk.now_is(FRIDAY_9 + MINUTE)
    others = {"account_id": new_id()}, {"attempt_id": str(new_id())}, {"role": "agent", "account_id": new_id()}
    for other in others:
        assert refused(await moreau.validate(ines, **{"attempt_id": attempt} | other))
    assert refused(
        await moreau.validate(moreau.wish("Inès", CANTEEN, TUESDAY), tom, christmas, attempt_id=attempt)
    ) == [("/changes/2", "2026-12-25")]
    desk.now_is(FRIDAY_9 + LASTS - 3 * MINUTE)
    assert (await moreau.validate(ines, attempt_id=attempt))[0] == 200
    desk.now_is(FRIDAY_9 + LASTS)
    assert refused(await moreau.validate(tom, attempt_id=attempt)) == [("/changes/0", "2026-12-07")]


async def test_what_is_so_already_is_no_error_and_leaves_no_trace(desk: Desk, moreau: Household) -> None:
    await moreau.reserve("Inès", CANTEEN, MONDAY)
    wishes = moreau.wish("Inès", CANTEEN, MONDAY), moreau.wish("Tom", CANTEEN, MONDAY, reserve=False)
    desk.now_is(FRIDAY_9 + MINUTE)
    status, receipt = await moreau.validate(*wishes)
    assert (status, receipt["added"], receipt["removed"], receipt["version"]) == (200, [], [], 1)
    assert await moreau.etag() == '"1"'
    assert await published(desk.owner, NoticeWritten) == []


async def test_whoever_has_seen_an_older_month_reads_it_again_first(desk: Desk, moreau: Household) -> None:
    seen = await moreau.etag()
    assert (await moreau.validate(moreau.wish("Inès", CANTEEN, MONDAY), seen=seen))[0] == 200
    status, problem = await moreau.validate(moreau.wish("Inès", CANTEEN, TUESDAY), seen=seen)
    assert (status, problem["type"]) == (412, "urn:problem:stale")
    status, problem = await moreau.validate(moreau.wish("Inès", CANTEEN, TUESDAY), seen=None)
    assert (status, problem["type"]) == (428, "urn:problem:if-match-missing")
    assert await desk.reserved(moreau.children["Inès"]) == [(CANTEEN, MONDAY)]
    january = moreau.wish("Inès", CANTEEN, date(2027, 1, 7))
    assert (await moreau.validate(january, month="2027-01", seen=seen))[0] == 200


async def test_the_same_request_again_is_answered_the_same_and_done_once(desk: Desk, moreau: Household) -> None:
    seen, wish = await moreau.etag(), moreau.wish("Inès", CANTEEN, MONDAY)
    first = await moreau.validate(wish, key="k", seen=seen)
    assert first[0] == 200
    assert await moreau.validate(wish, key="k", seen=seen) == first
    assert (await moreau.validate(moreau.wish("Inès", CANTEEN, TUESDAY), key="k", seen=seen))[0] == 422
    assert len(await published(desk.owner, NoticeWritten)) == 1


async def test_what_dies_before_its_commit_leaves_nothing_and_is_done_by_the_next_try(
    desk: Desk, moreau: Household, monkeypatch: pytest.MonkeyPatch
) -> None:
    from planning.reservations import changing

    seen, wish, write = await moreau.etag(), moreau.wish("Inès", CANTEEN, MONDAY), changing.write

    async def dies(*given: Any) -> None:
        await write(*given)
        raise ConnectionResetError

    with monkeypatch.context() as killed:
        killed.setattr(changing, "write", dies)
        assert (await moreau.validate(wish, key="k", seen=seen))[0] == 503
    assert await nothing_done(desk)
    first = await moreau.validate(wish, key="k", seen=seen)
    assert (first[0], await moreau.validate(wish, key="k", seen=seen)) == (200, first)
    assert len(await published(desk.owner, ReservationsChanged)) == 1


async def test_an_agent_acts_for_the_family_and_bypasses_deadlines_alone_with_a_reason_that_is_kept(
    desk: Desk, moreau: Household
) -> None:
    await desk.places(CANTEEN, {"ages": [6, 11], "places": 1})
    desk.now_is(FRIDAY_9 + MINUTE)
    ines, tom = (moreau.wish(name, CANTEEN, MONDAY) for name in ("Inès", "Tom"))
    assert refused(await moreau.validate(ines, role="agent"))
    why: dict[str, Any] = {"role": "agent", "override_reason": "Hospitalisation de la mère"}
    assert refused(await moreau.validate(ines, tom, **why)) == [("/changes/1", "2026-12-07")]
    assert refused(await moreau.validate(moreau.wish("Inès", CANTEEN, date(2026, 12, 25)), **why))
    assert (await moreau.validate(ines, **why))[0] == 200
    async with desk.owner.sessions() as session:
        [entry] = (await session.execute(text("SELECT role, name, reason, dossier_id FROM entries"))).all()
    assert tuple(entry) == ("agent", "Ada Petit", "Hospitalisation de la mère", moreau.dossier_id)
    [notice] = await published(desk.owner, NoticeWritten)
    assert notice.paragraphs[0] == "Ce planning vient d'être modifié par le guichet."


async def test_what_is_the_desks_is_not_the_familys(desk: Desk, moreau: Household) -> None:
    wish = moreau.wish("Inès", CANTEEN, MONDAY)
    named: dict[str, Any] = {"override_reason": "Urgence", "dossier_id": str(moreau.dossier_id)}
    for field, value in named.items():
        status, problem = await moreau.validate(wish, **{field: value})
        assert (status, problem["errors"][0]["pointer"]) == (422, f"/{field}")
    status, problem = await moreau.validate(wish, role="agent", dossier_id=None)
    assert (status, problem["errors"][0]["pointer"]) == (422, "/dossier_id")
    assert (await moreau.validate(wish, role="agent"))[0] == 200


async def test_both_families_of_a_child_are_told_of_that_childs_days_and_of_no_others(desk: Desk) -> None:
    mother = await Household.enrolled(desk, "Inès", "Tom")
    father = await mother.shared("Inès")
    assert (await mother.validate(*(mother.wish(name, CANTEEN, MONDAY) for name in ("Inès", "Tom"))))[0] == 200
    assert (await father.validate(father.wish("Inès", CANTEEN, MONDAY, reserve=False)))[0] == 200
    told = [(notice.dossier_id, " ".join(notice.paragraphs)) for notice in await published(desk.owner, NoticeWritten)]
    assert [one for one, _ in told] == [mother.dossier_id, father.dossier_id, father.dossier_id, mother.dossier_id]
    assert ["Tom" in said for _, said in told] == [True, False, False, False]
    assert ["autre dossier" in said for _, said in told] == [False, True, False, True]
    assert await mother.etag() == '"2"'


async def test_another_familys_child_is_not_found_whatever_it_is(desk: Desk, moreau: Household) -> None:
    other = await Household.enrolled(desk, "Awa")
    own, foreign = moreau.wish("Inès", CANTEEN, MONDAY), other.wish("Awa", CANTEEN, MONDAY)
    answers = [
        await moreau.validate(own, wrong)
        for wrong in (foreign, foreign | {"child_id": str(new_id())}, own | {"activity_id": str(new_id())})
    ]
    assert {(status, problem["errors"][0]["pointer"]) for status, problem in answers} == {(404, "/changes/1")}
    assert answers[0] == answers[1]
    assert (await moreau.validate(foreign, role="agent"))[0] == 404
    assert await nothing_done(desk)


async def test_days_that_cannot_be_had_say_why(desk: Desk, moreau: Household) -> None:
    await moreau.withdraw("Tom", CANTEEN, valid_to=MONDAY)
    wishes = {
        "Pas d'activité le week-end.": moreau.wish("Inès", CANTEEN, date(2026, 12, 12)),
        "Les semaines de vacances se réservent depuis la rubrique Inscription.": moreau.wish("Inès", HOLIDAYS, MONDAY),
        "L'activité n'a pas lieu ce jour de la semaine.": moreau.wish("Inès", WEDNESDAY, MONDAY),
        "Hors de la période d'inscription (du mardi 1er septembre 2026 au lundi 7 décembre 2026).": moreau.wish(
            "Tom", CANTEEN, TUESDAY
        ),
    }
    answer = await moreau.validate(*wishes.values())
    assert len(refused(answer)) == len(wishes)
    assert [one["detail"] for one in answer[1]["errors"]] == list(wishes)
    summer = await moreau.validate(moreau.wish("Inès", CANTEEN, date(2027, 9, 6)), month="2027-09")
    assert summer[1]["errors"][0]["detail"].startswith("Hors de la période d'inscription")
    stranger = await Household.enrolled(desk)
    stranger.children["Zoé"] = new_id()
    await stranger.tell_child("Zoé", stranger.dossier_id)
    answer = await stranger.validate(stranger.wish("Zoé", CANTEEN, MONDAY))
    assert "faites d'abord son inscription" in answer[1]["errors"][0]["detail"]


async def test_nothing_is_reserved_in_an_activity_that_has_closed_since(desk: Desk, moreau: Household) -> None:
    wish = moreau.wish("Inès", CANTEEN, MONDAY)
    await desk.close_activity(CANTEEN)
    answer = await moreau.validate(wish)
    assert refused(answer) == [("/changes/0", "2026-12-07")]
    assert answer[1]["errors"][0]["detail"] == "Cette activité est fermée : on ne peut plus y réserver."


async def test_bad_input_names_its_cell_and_nothing_is_done(desk: Desk, moreau: Household) -> None:
    good = moreau.wish("Inès", CANTEEN, MONDAY)
    wrong: list[tuple[list[Any], str]] = [
        ([good, good], "/changes/1/date"),
        ([good, good | {"reserve": False}], "/changes/1/date"),
        ([good, good | {"date": "2027-01-07"}], "/changes/1/date"),
        ([good, good | {"date": 20261207}], "/changes/1/date"),
        ([good, good | {"date": "2026-12-32"}], "/changes/1/date"),
        ([good, good | {"date": "9999-12-31"}], "/changes/1/date"),
        ([good, good | {"reserve": "yes"}], "/changes/1/reserve"),
        ([good, good | {"reserve": 1}], "/changes/1/reserve"),
        ([good, good | {"child_id": 7}], "/changes/1/child_id"),
        ([good, good | {"price": 0}], "/changes/1/price"),
        ([good, {}], "/changes/1/child_id"),
        ([good, "x"], "/changes/1"),
        ([], "/changes"),
        ([good] * 501, "/changes"),
        ([good] * 10_000, "/changes"),
    ]
    for changes, pointer in wrong:
        status, problem = await moreau.validate(changes=changes)
        assert (status, pointers(problem)[0]) == (422, pointer)
    for month in ("2026-13", "9999-12", "2026", 202612, None):
        status, problem = await moreau.validate(good, month=month, seen='"0"')
        assert (status, pointers(problem)) == (422, ["/month"]), month
    bodies: tuple[dict[str, Any], ...] = ({"changes": None}, {"changes": {}}, {"attempt_id": "x"}, {"price": 0})
    for body in bodies:
        status, problem = await moreau.validate(good, **body)
        assert (status, pointers(problem)) == (422, [f"/{name}" for name in body])
    assert await nothing_done(desk)
    assert (await moreau.validate(good))[0] == 200
