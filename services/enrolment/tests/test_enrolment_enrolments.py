"""Children enrolled for a school year: by whom, in what, once; their usual weeks, and what planning made of them."""

import asyncio
from datetime import date, timedelta
from typing import Any
from uuid import UUID

import asyncpg
import pytest
from chassis import clock
from chassis.database import Database
from chassis.identifiers import new_id
from chassis.testing import Databases
from contracts.dossier import ChildChanged
from contracts.planning import EnrolmentApplied, RefusedDay
from enrolment.catalogue.models import HouseRules
from enrolment.enrolments import enrolling
from french.paris import day_in_paris

from services.enrolment.tests.enrolment_scene import schooling
from tests.builders import sample

NO_ONE = "urn:problem:not-found"


def today() -> date:
    return day_in_paris(clock.now())


def in_days(count: int) -> str:
    return str(today() + timedelta(days=count))


def pointers(problem: Any) -> list[str]:
    return [one["pointer"] for one in problem["errors"]]


def applied(enrolment: dict[str, Any], **facts: Any) -> EnrolmentApplied:
    """What planning answers to it."""
    nothing = {"reserved": (), "refused": (), "cancelled": (), "still_due": ()}
    return EnrolmentApplied(enrolment_id=UUID(enrolment["id"]), version=enrolment["version"], **nothing | facts)


async def test_an_enrolment_lasts_to_the_last_day_of_school_and_planning_is_told_with_it(town: Any) -> None:
    year, activity, school = await town.year(), await town.activity(), new_id()
    dossier_id, _ = await town.family()
    ines = await town.pupil(dossier_id, school)
    enrolment = await town.enrolled(dossier_id, ines, activity)
    assert enrolment == enrolment | {
        "status": "active",
        "dossier_id": str(dossier_id),
        "child_id": str(ines),
        "activity_id": str(activity),
        "site_id": str(school),
        "school_year": year.name,
        "valid_from": in_days(0),
        "valid_to": str(year.last_day),
        "pending": True,
        "usual_week": None,
        "applied": None,
        "version": 1,
    }
    (told,) = await town.published("enrolment_changed")
    assert told == told.model_copy(
        update={
            "enrolment_id": UUID(enrolment["id"]),
            "version": 1,
            "site_id": school,
            "status": "active",
            "valid_to": year.last_day,
            "usual_weeks": (),
        }
    )
    (notice,) = await town.published("notice_written")
    assert (notice.dossier_id, notice.title) == (dossier_id, "Inscription enregistrée")
    assert "Aucun jour n'est réservé" in notice.paragraphs[-1]
    assert await town.enrolments(dossier_id) == [enrolment]
    assert await town.call("GET", f"/v1/enrolments/{enrolment['id']}", dossier_id) == (200, enrolment)


async def test_an_activity_with_a_site_of_its_own_takes_place_there(town: Any) -> None:
    await town.year()
    site = new_id()
    activity = await town.activity(site_id=site)
    dossier_id, _ = await town.family()
    enrolment = await town.enrolled(dossier_id, await town.pupil(dossier_id), activity)
    assert enrolment["site_id"] == str(site)


async def test_a_usual_week_is_pending_until_planning_has_answered_that_version(town: Any) -> None:
    year, activity = await town.year(), await town.activity()
    dossier_id, _ = await town.family()
    ines = await town.pupil(dossier_id)
    week = {"days": ["monday", "thursday"]}
    enrolment = await town.enrolled(dossier_id, ines, activity, usual_week=week)
    shown = enrolment["usual_week"]
    assert shown == shown | week | {"number": 1, "from": in_days(0), "to": str(year.last_day), "status": "pending"}
    (told,) = await town.published("enrolment_changed")
    (wish,) = told.usual_weeks
    assert (wish.days, wish.asked_by.role, wish.asked_by.account_id) == (("monday", "thursday"), "guardian", dossier_id)
    path = f"/v1/enrolments/{enrolment['id']}"
    reserved, refused = today() + timedelta(days=7), today()
    answer = applied(
        enrolment, reserved=(reserved,), refused=(RefusedDay(date=refused, reason="Le délai de ce jour est passé."),)
    )
    await town.hear(answer)
    _, enrolment = await town.call("GET", path, dossier_id)
    assert (enrolment["pending"], enrolment["usual_week"]["status"]) == (False, "applied")
    assert enrolment["applied"] == {
        "version": 1,
        "reserved": [str(reserved)],
        "refused": [{"date": str(refused), "reason": "Le délai de ce jour est passé."}],
        "cancelled": [],
        "still_due": [],
    }
    again = week | {"from": in_days(1), "to": in_days(30)}
    status, changed = await town.call("PUT", f"{path}/usual-week", dossier_id, again)
    assert (status, changed["version"], changed["pending"]) == (202, 2, True)
    await town.hear(answer)  # of the older version: says nothing of this one
    _, read = await town.call("GET", path, dossier_id)
    assert (read["pending"], read["usual_week"]["status"]) == (True, "pending")
    newer = applied(changed)
    await town.hear(newer, newer, answer)  # twice, and an old one late
    _, read = await town.call("GET", path, dossier_id)
    assert (read["pending"], read["applied"]["version"], read["applied"]["reserved"]) == (False, 2, [])


async def test_planning_may_answer_before_the_enrolment_is_known_here(town: Any) -> None:
    """Its copy needs nothing that could be missing."""
    await town.hear(sample(EnrolmentApplied))


async def test_a_child_has_one_enrolment_for_each_activity_and_school_year(town: Any) -> None:
    await town.year()
    activity, other = await town.activity(), await town.activity()
    dossier_id, _ = await town.family()
    ines, tom = await town.pupil(dossier_id), await town.pupil(dossier_id)
    await town.enrolled(dossier_id, ines, activity)
    status, problem = await town.enrol(dossier_id, ines, activity)
    assert (status, problem["type"]) == (409, "urn:problem:enrolment:already-enrolled")
    await town.enrolled(dossier_id, tom, activity)
    await town.enrolled(dossier_id, ines, other)
    assert len(await town.published("enrolment_changed")) == 3


async def test_the_same_request_twice_is_one_enrolment(town: Any) -> None:
    await town.year()
    activity = await town.activity()
    dossier_id, _ = await town.family()
    ines = await town.pupil(dossier_id)
    first = await town.enrol(dossier_id, ines, activity, key="once")
    assert first[0] == 201
    assert await town.enrol(dossier_id, ines, activity, key="once") == first
    assert (await town.enrol(dossier_id, ines, activity, key="once", **{"from": in_days(1)}))[0] == 422
    assert len(await town.published("enrolment_changed")) == 1


async def enrolled_at_once(town: Any) -> list[int]:
    await town.year()
    activity = await town.activity()
    dossier_id, _ = await town.family()
    ines = await town.pupil(dossier_id)
    answers = await asyncio.gather(*(town.enrol(dossier_id, ines, activity) for _ in range(8)))
    return sorted(status for status, _ in answers)


async def test_without_the_databases_rule_two_at_once_are_both_enrolled(
    town: Any, databases: Databases, monkeypatch: pytest.MonkeyPatch
) -> None:
    connection = await asyncpg.connect(databases.owner_url)
    await connection.execute("ALTER TABLE enrolments DROP CONSTRAINT ex_enrolments_one_at_a_time")
    await connection.close()
    all_read_before_any_adds(monkeypatch)
    assert await enrolled_at_once(town) == [201] * 8
    assert len(await town.published("enrolment_changed")) == 8


async def test_of_two_at_once_one_is_enrolled(town: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    all_read_before_any_adds(monkeypatch)
    assert await enrolled_at_once(town) == [201] + [409] * 7
    assert len(await town.published("enrolment_changed")) == 1
    assert len(await town.published("notice_written")) == 1


def all_read_before_any_adds(monkeypatch: pytest.MonkeyPatch) -> None:
    """Each of eight has seen no enrolment before the first is added."""
    barrier, add = asyncio.Barrier(8), enrolling._add

    async def wait_then_add(*arguments: Any) -> None:
        await barrier.wait()
        await add(*arguments)

    monkeypatch.setattr(enrolling, "_add", wait_then_add)


# ---------------------------------------------------------------- several children


async def batch(town: Any, dossier_id: UUID | None, *enrolments: dict[str, Any], **more: Any) -> tuple[int, Any]:
    answer: tuple[int, Any] = await town.call(
        "POST", "/v1/enrolments/batch", dossier_id, {"enrolments": list(enrolments)} | more
    )
    return answer


def wish(child: UUID, activity: UUID, **more: Any) -> dict[str, Any]:
    return {"child_id": str(child), "activity_id": str(activity)} | more


async def test_siblings_are_enrolled_in_one_go_each_with_its_own_result(town: Any) -> None:
    year = await town.year()
    activity = await town.activity(min_age=6, max_age=11)
    dossier_id, _ = await town.family()
    ines, tom, lea = [await town.pupil(dossier_id, first_name=name) for name in ("Inès", "Tom", "Léa")]
    small = await town.pupil(dossier_id, born=today() - timedelta(days=3 * 366), first_name="Zoé")
    await town.enrolled(dossier_id, tom, activity)
    late = {"days": ["monday"], "from": in_days(0), "to": str(year.last_day + timedelta(days=1))}
    asked = [
        wish(ines, activity, usual_week={"days": ["friday"]}),
        wish(tom, activity),
        wish(small, activity),
        wish(lea, activity, usual_week=late),
    ]
    status, answer = await batch(town, dossier_id, *asked)
    assert status == 200
    results = answer["results"]
    assert [one["child_id"] for one in results] == [one["child_id"] for one in asked]
    assert results[0]["enrolment"]["usual_week"]["days"] == ["friday"]
    assert results[0]["problem"] is None
    refused = [one["problem"] for one in results[1:]]
    assert [one["type"].rpartition(":")[2] for one in refused] == ["already-enrolled", "not-open", "malformed"]
    assert [one["status"] for one in refused] == [409, 409, 422]
    assert "de 6 à 11 ans" in refused[1]["detail"]
    assert pointers(refused[2]) == ["/usual_week/to"]
    assert [one["child_id"] for one in await town.enrolments(dossier_id)] == [str(ines), str(tom)]
    assert len(await town.published("notice_written")) == 2


async def test_one_foreign_child_in_a_batch_and_nobody_is_enrolled(town: Any) -> None:
    await town.year()
    activity = await town.activity()
    dossier_id, _ = await town.family()
    stranger, _ = await town.family()
    ines, foreign = await town.pupil(dossier_id), await town.pupil(stranger)
    for child, where in ((foreign, activity), (new_id(), activity), (ines, new_id())):
        status, problem = await batch(town, dossier_id, wish(ines, activity), wish(child, where))
        assert (status, problem["type"]) == (404, NO_ONE)
        assert (await town.enrol(dossier_id, child, where))[1]["type"] == NO_ONE
    assert await town.enrolments(dossier_id) == []
    status, _ = await batch(town, dossier_id, wish(ines, activity))
    assert status == 200
    assert len(await town.enrolments(dossier_id)) == 1


async def test_one_child_and_activity_twice_in_a_batch_is_refused_as_a_whole(town: Any) -> None:
    await town.year()
    activity, other = await town.activity(), await town.activity()
    dossier_id, _ = await town.family()
    ines = await town.pupil(dossier_id)
    twice = [wish(ines, activity), wish(ines, activity, usual_week={"days": ["monday"]})]
    status, problem = await batch(town, dossier_id, *twice)
    assert (status, pointers(problem)) == (422, ["/enrolments"])
    for too_many in ([], [wish(new_id(), activity) for _ in range(21)]):
        status, problem = await batch(town, dossier_id, *too_many)
        assert (status, pointers(problem)) == (422, ["/enrolments"])
    assert (await batch(town, dossier_id, wish(ines, activity), wish(ines, other)))[0] == 200


# ---------------------------------------------------------------- whom it is open to


async def test_the_canteen_is_a_right_that_no_missing_document_refuses(town: Any, database: Database) -> None:
    year = await town.year()
    canteen, evening = await town.activity("restauration"), await town.activity()
    async with database.sessions.begin() as session:
        session.add(HouseRules(school_year=year.name, version="1", title="Règlement", text="Soyez à l'heure."))
    incomplete, _ = await town.family(missing=("vaccination",))
    ines = await town.pupil(incomplete)
    status, problem = await town.enrol(incomplete, ines, evening)
    assert (status, problem["type"], problem["reason_code"]) == (409, "urn:problem:enrolment:not-open", "dossier")
    await town.enrolled(incomplete, ines, canteen)
    complete, _ = await town.family()
    tom = await town.pupil(complete)
    status, problem = await town.enrol(complete, tom, evening)
    assert (status, problem["reason_code"]) == (409, "house-rules")
    status, _ = await town.call("POST", "/v1/house-rules/acceptances", complete, {"version": "1"})
    assert status == 201
    await town.enrolled(complete, tom, evening)


async def test_an_activity_booked_by_weeks_or_closed_takes_no_enrolment_not_even_at_the_desk(town: Any) -> None:
    await town.year()
    dossier_id, _ = await town.family()
    ines = await town.pupil(dossier_id)
    for facts, why in (({"kind": "extrascolaire"}, "by-week"), ({"status": "closed"}, "closed")):
        activity = await town.activity(**facts)
        desk = {"dossier_id": str(dossier_id), "override_reason": "Accord de la directrice."}
        for whose, more in ((dossier_id, {}), (None, desk)):
            status, problem = await town.enrol(whose, ines, activity, **more)
            assert (status, problem["reason_code"]) == (409, why)


async def test_the_desk_passes_over_a_rule_with_a_reason_that_is_kept(town: Any) -> None:
    await town.year()
    activity = await town.activity(levels=["nursery"])
    dossier_id, _ = await town.family()
    ines = await town.pupil(dossier_id)
    desk = {"dossier_id": str(dossier_id)}
    status, problem = await town.enrol(None, ines, activity, **desk)
    assert (status, problem["reason_code"]) == (409, "level")
    assert "en indiquant un motif" in problem["detail"]
    status, problem = await town.enrol(dossier_id, ines, activity)
    assert (status, problem["reason_code"]) == (409, "level")
    assert "motif" not in problem["detail"]
    why = "Fratrie réunie, accord de la directrice."
    status, enrolment = await town.enrol(None, ines, activity, override_reason=f" {why} ", **desk)
    assert (status, enrolment["override_reason"]) == (201, why)
    assert (await town.enrolments(dossier_id))[0]["override_reason"] == why


async def test_a_familys_word_and_a_blank_one_are_no_reason(town: Any) -> None:
    await town.year()
    activity = await town.activity()
    dossier_id, _ = await town.family()
    ines = await town.pupil(dossier_id)
    status, problem = await town.enrol(dossier_id, ines, activity, override_reason="S'il vous plaît.")
    assert (status, pointers(problem)) == (422, ["/override_reason"])
    status, problem = await town.enrol(None, ines, activity, dossier_id=str(dossier_id), override_reason="   ")
    assert (status, pointers(problem)) == (422, ["/override_reason"])
    status, problem = await town.enrol(None, ines, activity)
    assert (status, pointers(problem)) == (422, ["/dossier_id"])
    status, problem = await town.enrol(None, ines, activity, dossier_id=str(dossier_id), override_reason="a\0b")
    assert (status, problem["type"]) == (422, "urn:problem:malformed")
    stranger, _ = await town.family()
    assert (await town.enrol(None, ines, activity, dossier_id=str(stranger)))[0] == 404
    assert (await town.enrol(None, ines, activity, dossier_id=str(dossier_id)))[0] == 201


async def test_both_families_of_a_child_see_its_enrolment_and_are_told(town: Any) -> None:
    await town.year()
    activity = await town.activity()
    (mother, _), (father, _), (stranger, _) = [await town.family() for _ in range(3)]
    ines = await town.pupil(mother, dossier_ids=(mother, father))
    enrolment = await town.enrolled(mother, ines, activity)
    assert await town.enrolments(mother) == await town.enrolments(father) == [enrolment]
    assert await town.enrolments(stranger) == []
    path = f"/v1/enrolments/{enrolment['id']}"
    assert [(await town.call("GET", path, whose))[0] for whose in (mother, father, stranger)] == [200, 200, 404]
    assert (await town.call("GET", f"{path}?dossier_id={father}", None))[0] == 200
    assert (await town.enrol(father, ines, activity))[0] == 409
    assert {one.dossier_id for one in await town.published("notice_written")} == {mother, father}
    assert (await town.call("GET", f"/v1/enrolments?child_id={ines}", stranger))[0] == 404
    assert len((await town.call("GET", f"/v1/enrolments?child_id={ines}", father))[1]["items"]) == 1


# ---------------------------------------------------------------- days


async def test_an_enrolment_begins_within_a_known_school_year_and_not_in_the_past(town: Any) -> None:
    year, coming = await town.year(), await town.year(1)
    activity = await town.activity()
    dossier_id, _ = await town.family()
    ines = await town.pupil(dossier_id)
    summer, far = year.last_day + timedelta(days=1), "2099-01-04"
    for first in (in_days(-1), str(summer), far, "0001-01-01", "9999-12-31"):
        status, problem = await town.enrol(dossier_id, ines, activity, **{"from": first})
        assert (status, pointers(problem)) == (422, ["/from"]), first
    misspelt: tuple[Any, ...] = (20261203, 1.5, True, "", "03/12/2026", "2026-02-30", "2026-12-03T08:00:00Z")
    for written in misspelt:
        status, problem = await town.enrol(dossier_id, ines, activity, **{"from": written})
        assert (status, pointers(problem)) == (422, ["/from"]), written
    enrolment = await town.enrolled(dossier_id, ines, activity, **{"from": str(coming.first_day)})
    assert (enrolment["school_year"], enrolment["valid_to"]) == (coming.name, str(coming.last_day))
    enrolment = await town.enrolled(dossier_id, ines, activity, **{"from": in_days(1)})
    assert (enrolment["school_year"], enrolment["valid_from"]) == (year.name, in_days(1))


async def test_without_a_school_year_nobody_is_enrolled_not_even_with_a_reason(town: Any) -> None:
    activity = await town.activity()
    dossier_id, _ = await town.family()
    ines = await town.pupil(dossier_id)
    desk = {"dossier_id": str(dossier_id), "override_reason": "Accord de la directrice."}
    for whose, more in ((dossier_id, {}), (None, desk)):
        status, problem = await town.enrol(whose, ines, activity, **more)
        assert (status, problem["reason_code"]) == (409, "window")
    await town.year()
    await town.enrolled(dossier_id, ines, activity)


async def test_a_child_is_as_old_as_on_the_day_it_begins(town: Any) -> None:
    await town.year()
    activity = await town.activity(min_age=6, max_age=11)
    dossier_id, _ = await town.family()
    birthday = today() + timedelta(days=20)
    sixth = birthday.replace(year=birthday.year - 6, day=min(birthday.day, 28))
    ines = await town.pupil(dossier_id, born=sixth)
    assert (await town.enrol(dossier_id, ines, activity))[1]["reason_code"] == "age"
    await town.enrolled(dossier_id, ines, activity, **{"from": str(birthday)})


@pytest.mark.parametrize(
    ("week", "pointer"),
    [
        ({"days": []}, "/usual_week/days"),
        ({}, "/usual_week/days"),
        ({"days": ["monday", "monday"]}, "/usual_week/days"),
        ({"days": ["lundi"]}, "/usual_week/days/0"),
        ({"days": [1]}, "/usual_week/days/0"),
        ({"days": "monday"}, "/usual_week/days"),
        ({"days": ["monday"], "from": 20261203}, "/usual_week/from"),
        ({"days": ["monday"], "to": 1.5}, "/usual_week/to"),
        ({"days": ["monday"], "from": "1999-01-04"}, "/usual_week/from"),
        ({"days": ["monday"], "to": "9999-12-31"}, "/usual_week/to"),
        ({"days": ["monday"], "from": in_days(9), "to": in_days(8)}, "/usual_week/to"),
        ({"days": ["monday"], "status": "applied"}, "/usual_week/status"),
    ],
)
async def test_a_usual_week_that_says_nothing_possible_names_its_field(
    town: Any, week: dict[str, Any], pointer: str
) -> None:
    await town.year()
    activity = await town.activity()
    dossier_id, _ = await town.family()
    ines = await town.pupil(dossier_id)
    status, problem = await town.enrol(dossier_id, ines, activity, usual_week=week)
    assert (status, pointers(problem)) == (422, [pointer])
    assert await town.published("enrolment_changed") == []
    await town.enrolled(dossier_id, ines, activity, usual_week={"days": ["monday"], "from": in_days(0)})


async def test_a_family_says_neither_state_nor_owner(town: Any) -> None:
    await town.year()
    activity = await town.activity()
    dossier_id, _ = await town.family()
    ines = await town.pupil(dossier_id)
    for name in ("status", "site_id", "valid_to", "school_year", "version", "id"):
        status, problem = await town.enrol(dossier_id, ines, activity, **{name: "x"})
        assert (status, pointers(problem)) == (422, [f"/{name}"])
    status, problem = await town.enrol(dossier_id, ines, activity, dossier_id=str(dossier_id))
    assert (status, pointers(problem)) == (422, ["/dossier_id"])


# ---------------------------------------------------------------- another school


async def test_an_enrolment_goes_to_another_school_with_its_child(town: Any) -> None:
    await town.year()
    here, there = new_id(), new_id()
    evening, swimming = await town.activity(), await town.activity(site_id=new_id())
    dossier_id, _ = await town.family()
    ines = await town.pupil(dossier_id, here)
    enrolment = await town.enrolled(dossier_id, ines, evening)
    await town.enrolled(dossier_id, ines, swimming)
    moved = sample(
        ChildChanged, child_id=ines, dossier_ids=(dossier_id,), version=3, schooling=schooling(there), first_name="Inès"
    )
    await town.hear(moved, moved)
    assert [(one.version, one.site_id) for one in await town.published("enrolment_changed")][2:] == [(2, there)]
    await town.hear(moved.model_copy(update={"version": 2, "schooling": schooling(here)}))  # older, and void
    _, read = await town.call("GET", f"/v1/enrolments/{enrolment['id']}", dossier_id)
    assert (read["version"], read["site_id"]) == (2, str(there))
    assert (await town.call("DELETE", f"/v1/enrolments/{enrolment['id']}?from={in_days(0)}", dossier_id))[0] == 202
    await town.hear(moved.model_copy(update={"version": 4, "schooling": schooling(here)}))  # what is over stays
    assert (await town.call("GET", f"/v1/enrolments/{enrolment['id']}", dossier_id))[1]["site_id"] == str(there)
    assert len(await town.published("enrolment_changed")) == 4


async def test_a_change_of_school_and_an_enrolment_at_the_same_moment_agree(town: Any) -> None:
    """Whoever comes second sees the first: they meet at the child."""
    await town.year()
    here, there = new_id(), new_id()
    for _ in range(6):
        activity = await town.activity()
        dossier_id, _ = await town.family()
        ines = await town.pupil(dossier_id, here)
        moved = sample(ChildChanged, child_id=ines, dossier_ids=(dossier_id,), version=2, schooling=schooling(there))
        enrolment, _ = await asyncio.gather(town.enrolled(dossier_id, ines, activity), town.hear(moved))
        _, read = await town.call("GET", f"/v1/enrolments/{enrolment['id']}", dossier_id)
        assert read["site_id"] == str(there)
