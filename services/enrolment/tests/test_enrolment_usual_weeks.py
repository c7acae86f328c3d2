"""Usual weeks asked for later, children withdrawn from a day on, and those who come back."""

import asyncio
from datetime import date, timedelta
from typing import Any
from uuid import UUID

import pytest
from chassis import clock
from chassis.identifiers import new_id
from enrolment.enrolments import enrolments, usual_weeks, withdrawals
from french.paris import day_in_paris

from services.enrolment.tests.test_enrolment_enrolments import applied, in_days, pointers


def today() -> date:
    return day_in_paris(clock.now())


def week(first: int = 1, last: int = 60, days: tuple[str, ...] = ("monday",), **more: Any) -> dict[str, Any]:
    return {"days": list(days), "from": in_days(first), "to": in_days(last)} | more


async def a_child(town: Any) -> tuple[UUID, UUID, UUID, dict[str, Any]]:
    """Its family, itself, the activity and its enrolment, since today."""
    await town.year()
    activity = await town.activity()
    dossier_id, _ = await town.family()
    ines = await town.pupil(dossier_id)
    return dossier_id, ines, activity, await town.enrolled(dossier_id, ines, activity)


async def change(town: Any, whose: UUID | None, enrolment: dict[str, Any], body: dict[str, Any]) -> tuple[int, Any]:
    answer: tuple[int, Any] = await town.call("PUT", f"/v1/enrolments/{enrolment['id']}/usual-week", whose, body)
    return answer


async def withdraw(town: Any, whose: UUID | None, enrolment: dict[str, Any], query: str = "") -> tuple[int, Any]:
    answer: tuple[int, Any] = await town.call("DELETE", f"/v1/enrolments/{enrolment['id']}{query}", whose)
    return answer


# ---------------------------------------------------------------- usual weeks


async def test_a_usual_week_is_asked_for_again_and_again_and_planning_is_told_of_every_one(town: Any) -> None:
    dossier_id, _, _, enrolment = await a_child(town)
    status, first = await change(town, dossier_id, enrolment, week(0, 200, ("monday", "friday")))
    assert (status, first["version"], first["pending"]) == (202, 2, True)
    assert first["usual_week"]["status"] == "pending"
    reason = {"dossier_id": str(dossier_id), "override_reason": "Changement d'horaires de travail."}
    status, second = await change(town, None, enrolment, week(30, 239, ("tuesday",), **reason))
    assert (status, second["usual_week"]["number"]) == (202, 2)  # ten months from the day it began
    *_, told = await town.published("enrolment_changed")
    assert [(one.number, one.days) for one in told.usual_weeks] == [(1, ("monday", "friday")), (2, ("tuesday",))]
    assert [one.asked_by.role for one in told.usual_weeks] == ["guardian", "agent"]
    assert told.usual_weeks[1].asked_by.reason == reason["override_reason"]
    assert told.usual_weeks[0].asked_at < told.usual_weeks[1].asked_at
    await town.hear(applied(second, reserved=(today() + timedelta(days=40),)))
    (read,) = await town.enrolments(dossier_id)
    assert (read["pending"], read["usual_week"]["status"]) == (False, "applied")


async def test_the_same_usual_week_twice_is_one_wish_until_planning_has_answered(town: Any) -> None:
    dossier_id, _, _, enrolment = await a_child(town)
    first = await change(town, dossier_id, enrolment, week())
    assert await change(town, dossier_id, enrolment, week()) == first
    assert len(await town.published("enrolment_changed")) == 2
    _, other = await change(town, dossier_id, enrolment, week(days=("friday",)))
    assert other["version"] == 3
    await town.hear(applied(other))
    _, again = await change(town, dossier_id, enrolment, week(days=("friday",)))  # days given up since may be had again
    assert (again["version"], again["pending"]) == (4, True)


@pytest.mark.parametrize(
    ("body", "pointer"),
    [
        (week(days=()), "/days"),
        ({"from": in_days(1), "to": in_days(2)}, "/days"),
        (week(days=("monday", "tuesday", "monday")), "/days"),
        (week(days=("noday",)), "/days/0"),
        ({"days": ["monday"], "to": in_days(9)}, "/from"),
        ({"days": ["monday"], "from": in_days(1)}, "/to"),
        (week(-1), "/from"),
        (week(9, 8), "/to"),
        (week(1, 250), "/to"),
        (week() | {"from": 20261203}, "/from"),
        (week() | {"from": None}, "/from"),
        (week() | {"to": 20261203.0}, "/to"),
        (week() | {"to": "9999-12-31"}, "/to"),
        (week() | {"to": "2026-13-01"}, "/to"),
        (week(override_reason="Je suis pressée."), "/override_reason"),
        (week(dossier_id=str(new_id())), "/dossier_id"),
        (week(number=7), "/number"),
    ],
)
async def test_a_usual_week_that_cannot_be_names_its_field_and_changes_nothing(
    town: Any, body: dict[str, Any], pointer: str
) -> None:
    dossier_id, _, _, enrolment = await a_child(town)
    status, problem = await change(town, dossier_id, enrolment, body)
    assert (status, pointers(problem)) == (422, [pointer])
    assert await town.enrolments(dossier_id) == [enrolment]
    assert (await change(town, dossier_id, enrolment, week(0, 240)))[0] == 202


async def test_an_enrolment_has_so_many_usual_weeks_and_no_more(town: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(usual_weeks, "MOST_WISHES", 2)
    dossier_id, _, _, enrolment = await a_child(town)
    for first in (3, 2):
        assert (await change(town, dossier_id, enrolment, week(first)))[0] == 202
    status, problem = await change(town, dossier_id, enrolment, week(4))
    assert (status, problem["type"]) == (409, "urn:problem:enrolment:too-many-usual-weeks")
    assert (await change(town, dossier_id, enrolment, week(2)))[0] == 202  # the last one once more


async def asked_at_once(town: Any) -> tuple[list[int], list[int]]:
    """How eight wishes at the same moment are answered, and the numbers that planning is told at last."""
    dossier_id, _, _, enrolment = await a_child(town)
    answers = await asyncio.gather(*(change(town, dossier_id, enrolment, week(first)) for first in range(1, 9)))
    told = max(await town.published("enrolment_changed"), key=lambda one: one.version)
    return [status for status, _ in answers], [one.number for one in told.usual_weeks]


async def test_without_the_lock_one_wish_of_eight_hides_others(town: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    barrier = asyncio.Barrier(8)

    async def find_unlocked(session: Any, acting: Any, enrolment_id: UUID) -> Any:
        found = await enrolments.read(session, acting, enrolment_id)
        await barrier.wait()
        return found

    monkeypatch.setattr(usual_weeks, "find", find_unlocked)
    _, numbers = await asked_at_once(town)
    assert numbers == [1]


async def test_eight_wishes_at_once_are_all_kept(town: Any) -> None:
    statuses, numbers = await asked_at_once(town)
    assert statuses == [202] * 8
    assert numbers == list(range(1, 9))


# ---------------------------------------------------------------- withdrawn


async def test_a_child_is_withdrawn_from_a_day_on_and_planning_judges_its_days(town: Any) -> None:
    dossier_id, ines, _, enrolment = await a_child(town)
    status, left = await withdraw(town, dossier_id, enrolment, f"?from={in_days(30)}")
    assert (status, left["status"], left["valid_to"], left["pending"]) == (202, "withdrawn", in_days(29), True)
    *_, told = await town.published("enrolment_changed")
    assert (told.version, told.status, str(told.valid_to)) == (2, "withdrawn", in_days(29))
    assert (told.withdrawn_by.role, told.withdrawn_by.account_id) == ("guardian", dossier_id)
    assert told.withdrawn_at.isoformat().replace("+00:00", "Z") == left["withdrawn_at"]
    *_, notice = await town.published("notice_written")
    assert notice.title == "Fin d'une inscription"
    cancelled, due = today() + timedelta(days=31), today() + timedelta(days=30)
    await town.hear(applied(left, cancelled=(cancelled,), still_due=(due,)))
    (read,) = await town.enrolments(dossier_id)
    assert (read["pending"], read["applied"]["cancelled"], read["applied"]["still_due"]) == (
        False,
        [str(cancelled)],
        [str(due)],
    )
    assert read["child_id"] == str(ines)


async def test_withdrawing_again_changes_nothing_unless_it_is_sooner(town: Any) -> None:
    dossier_id, _, _, enrolment = await a_child(town)
    first = await withdraw(town, dossier_id, enrolment, f"?from={in_days(30)}")
    for query in ("", f"?from={in_days(30)}", f"?from={in_days(60)}"):
        assert await withdraw(town, dossier_id, enrolment, query) == first
    assert len(await town.published("enrolment_changed")) == 2
    status, sooner = await withdraw(town, dossier_id, enrolment, f"?from={in_days(9)}")
    assert (status, sooner["valid_to"], sooner["version"]) == (202, in_days(8), 3)
    assert (await change(town, dossier_id, enrolment, week(1, 8)))[0] == 202
    status, problem = await change(town, dossier_id, enrolment, week(1, 9))
    assert (status, pointers(problem)) == (422, ["/to"])


async def test_without_a_day_a_child_leaves_tomorrow_or_before_it_has_begun(town: Any) -> None:
    dossier_id, ines, activity, enrolment = await a_child(town)
    _, left = await withdraw(town, dossier_id, enrolment)
    assert left["valid_to"] == in_days(0)
    coming = await town.enrolled(dossier_id, ines, activity, **{"from": in_days(20)})
    _, left = await withdraw(town, dossier_id, coming)
    assert (left["valid_from"], left["valid_to"]) == (in_days(20), in_days(19))
    status, problem = await change(town, dossier_id, coming, week(20, 30))
    assert (status, problem["type"]) == (409, "urn:problem:enrolment:enrolment-over")
    assert (await withdraw(town, dossier_id, coming))[0] == 202


@pytest.mark.parametrize("first", [in_days(-1), in_days(250), "2099-01-04", "0001-01-01", "20261203", "lundi", ""])
async def test_a_child_leaves_on_a_day_of_its_enrolment(town: Any, first: str) -> None:
    dossier_id, _, _, enrolment = await a_child(town)
    status, problem = await withdraw(town, dossier_id, enrolment, f"?from={first}")
    assert (status, [one.rpartition("/")[2] for one in pointers(problem)]) == (422, ["from"])
    assert await town.enrolments(dossier_id) == [enrolment]
    assert (await withdraw(town, dossier_id, enrolment, f"?from={in_days(240)}"))[0] == 202


async def test_a_child_comes_back_after_its_last_day(town: Any) -> None:
    dossier_id, ines, activity, enrolment = await a_child(town)
    await withdraw(town, dossier_id, enrolment, f"?from={in_days(10)}")
    status, problem = await town.enrol(dossier_id, ines, activity, **{"from": in_days(9)})
    assert (status, pointers(problem)) == (422, ["/from"])
    back = await town.enrolled(dossier_id, ines, activity)
    assert (back["valid_from"], back["status"]) == (in_days(10), "active")
    assert (await town.enrol(dossier_id, ines, activity))[0] == 409
    assert [one["id"] for one in await town.enrolments(dossier_id)] == [back["id"], enrolment["id"]]
    await withdraw(town, dossier_id, back, f"?from={in_days(10)}")  # before a day of it was spent
    once_more = await town.enrolled(dossier_id, ines, activity)
    assert once_more["valid_from"] == in_days(10)


async def test_another_family_finds_nothing_and_the_desk_needs_the_right_dossier(town: Any) -> None:
    dossier_id, _, _, enrolment = await a_child(town)
    stranger, _ = await town.family()
    nothing = {"id": str(new_id())}
    for whose, one in ((stranger, enrolment), (dossier_id, nothing)):
        assert (await change(town, whose, one, week()))[0] == 404
        assert (await withdraw(town, whose, one))[0] == 404
    assert (await withdraw(town, None, enrolment))[0] == 422
    assert (await withdraw(town, None, enrolment, f"?dossier_id={stranger}"))[0] == 404
    assert (await withdraw(town, dossier_id, enrolment, "?override_reason=Merci"))[0] == 422
    for blank in ("%20", "", "a%00b"):
        assert (await withdraw(town, None, enrolment, f"?dossier_id={dossier_id}&override_reason={blank}"))[0] == 422
    assert await town.enrolments(dossier_id) == [enrolment]
    query = f"?dossier_id={dossier_id}&override_reason=D%C3%A9m%C3%A9nagement"
    assert (await withdraw(town, None, enrolment, query))[0] == 202
    *_, told = await town.published("enrolment_changed")
    assert (told.withdrawn_by.role, told.withdrawn_by.reason) == ("agent", "Déménagement")


async def left_at_once(town: Any, monkeypatch: pytest.MonkeyPatch, find: Any) -> list[int]:
    """The versions that planning is told where a child is withdrawn while another week is asked for."""
    dossier_id, _, _, enrolment = await a_child(town)
    monkeypatch.setattr(usual_weeks, "find", find)
    monkeypatch.setattr(withdrawals, "find", find)
    await asyncio.gather(change(town, dossier_id, enrolment, week()), withdraw(town, dossier_id, enrolment))
    return sorted(one.version for one in await town.published("enrolment_changed"))


async def test_without_the_lock_a_withdrawal_and_a_usual_week_have_one_version(
    town: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    barrier = asyncio.Barrier(2)

    async def find_unlocked(session: Any, acting: Any, enrolment_id: UUID) -> Any:
        found = await enrolments.read(session, acting, enrolment_id)
        await barrier.wait()
        return found

    assert await left_at_once(town, monkeypatch, find_unlocked) == [1, 2, 2]


async def test_a_withdrawal_and_a_usual_week_at_once_come_one_after_the_other(
    town: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert await left_at_once(town, monkeypatch, enrolments.find) == [1, 2, 3]


# ---------------------------------------------------------------- in the catalogue


async def test_the_catalogue_says_where_a_child_is_enrolled_and_where_it_may_come_back(town: Any) -> None:
    dossier_id, ines, activity, enrolment = await a_child(town)
    path = f"/v1/activities?child_id={ines}"

    async def shown() -> tuple[bool, str | None]:
        _, answer = await town.call("GET", path, dossier_id)
        (one,) = [one for one in answer["items"] if one["id"] == str(activity)]
        return one["open"], one["reason_code"]

    assert await shown() == (False, "enrolled")
    await withdraw(town, dossier_id, enrolment)
    assert await shown() == (True, None)


async def test_an_enrolment_of_next_year_says_nothing_of_this_one(town: Any) -> None:
    dossier_id, ines, activity, enrolment = await a_child(town)
    await withdraw(town, dossier_id, enrolment)
    coming = await town.year(1)
    await town.enrolled(dossier_id, ines, activity, **{"from": str(coming.first_day)})
    _, answer = await town.call("GET", f"/v1/activities?child_id={ines}", dossier_id)
    assert [one["open"] for one in answer["items"]] == [True]


async def test_enrolments_come_page_by_page(town: Any) -> None:
    await town.year()
    dossier_id, _ = await town.family()
    ines = await town.pupil(dossier_id)
    made = [(await town.enrolled(dossier_id, ines, await town.activity()))["id"] for _ in range(5)]
    seen, cursor = [], ""
    for size in (2, 2, 1):
        _, page = await town.call("GET", f"/v1/enrolments?limit=2{cursor}", dossier_id)
        assert len(page["items"]) == size
        seen += [one["id"] for one in page["items"]]
        cursor = f"&cursor={page['next_cursor']}"
    assert seen == made[::-1]
    assert page["next_cursor"] is None
