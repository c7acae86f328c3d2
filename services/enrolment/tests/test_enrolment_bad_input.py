"""What bookings cannot do anything with: each is a problem naming line or field, and nothing of it is applied."""

import json
from typing import Any
from uuid import UUID

import pytest
from chassis.identifiers import new_id

Line = dict[str, Any]


class Case:
    """A family that holds a week for Inès, and beside it what is not theirs."""

    def __init__(self, town: Any) -> None:
        self.town = town

    async def make(self) -> "Case":
        town = self.town
        self.dossier_id, (self.ines, self.lea) = await town.family(9, 9)
        _, (self.stranger,) = await town.family(9)
        self.first, self.second = await town.week(), await town.week(after=1)
        self.held = await town.held(self.dossier_id, (self.ines, self.first))
        return self

    def line(self, **differs: Any) -> Line:
        """One that can be had, but for what differs; what is none is left out."""
        fits = {"child_id": str(self.lea), "holiday_week_id": str(self.second)}
        return {name: value for name, value in (fits | differs).items() if value is not None}

    async def send(self, where: str, lines: Any, **more: Any) -> tuple[int, Any, Any]:
        """Status, pointers and problem of these lines booked, or put in the place of those held."""
        change = where == "PUT"
        path = f"/v1/bookings/{self.held['id']}/lines" if change else "/v1/bookings"
        seen = self.held["version"] if change else None
        body = {"lines": lines} | more
        status, problem = await self.town.call(where, path, self.dossier_id, body, seen=seen)
        return status, [one["pointer"] for one in problem.get("errors", ())], problem

    async def nothing_is_applied(self) -> None:
        _, page = await self.town.call("GET", "/v1/bookings", self.dossier_id)
        assert page["items"] == [self.held]
        assert await self.town.taken(self.first, self.second) == [1, 0]


@pytest.fixture
async def case(town: Any) -> Case:
    return await Case(town).make()


@pytest.fixture(params=["POST", "PUT"])
def where(request: pytest.FixtureRequest) -> str:
    return str(request.param)


async def test_what_fits_is_taken(where: str, case: Case) -> None:
    assert (await case.send(where, [case.line()]))[0] == (201 if where == "POST" else 200)
    assert await case.town.taken(case.first, case.second) == [1 if where == "POST" else 0, 1]


MALFORMED: dict[str, Any] = {
    "a number": 7,
    "a date as a number": 1_800_000_000,
    "a name": "vacances-de-noel",
    "nothing": "",
    "null": [],
    "an object": {},
    "yes": True,
    "too long": str(UUID(int=7)) * 100,
    "NUL": "\0",
}


@pytest.mark.parametrize("name", ["child_id", "holiday_week_id"])
@pytest.mark.parametrize("wrong", MALFORMED)
async def test_what_is_no_id_is_named_with_its_line(where: str, name: str, wrong: str, case: Case) -> None:
    lines = [case.line(), case.line(**{name: MALFORMED[wrong]})]
    status, pointers, _ = await case.send(where, lines)
    assert (status, pointers) == (422, [f"/lines/1/{name}"])
    await case.nothing_is_applied()


@pytest.mark.parametrize("name", ["child_id", "holiday_week_id"])
async def test_a_line_without_its_child_or_week_is_named(where: str, name: str, case: Case) -> None:
    lines = [case.line(), case.line(**{name: None})]
    assert (await case.send(where, lines))[:2] == (422, [f"/lines/1/{name}"])
    await case.nothing_is_applied()


@pytest.mark.parametrize("lines", [None, {}, "tout", 7, [None], [7], [[]]])
async def test_what_are_no_lines_are_named(where: str, lines: Any, case: Case) -> None:
    status, pointers, _ = await case.send(where, lines)
    assert (status, pointers) == (422, ["/lines/0" if isinstance(lines, list) else "/lines"])
    await case.nothing_is_applied()


@pytest.mark.parametrize("fit", [True, False])
async def test_ten_thousand_lines_are_too_many(where: str, fit: bool, case: Case) -> None:
    lines = [{"child_id": new_id().hex} | ({"holiday_week_id": case.second.hex} if fit else {}) for _ in range(9_000)]
    lines += [{}] * 1_000
    status, pointers, problem = await case.send(where, lines)
    assert (status, pointers) == (422, ["/lines"])
    assert len(json.dumps(problem)) < 2_000  # the answer does not grow with what was sent
    await case.nothing_is_applied()


async def test_one_line_twice_is_named_however_it_is_written(where: str, case: Case) -> None:
    again = case.line(child_id=str(case.lea).upper())
    status, pointers, problem = await case.send(where, [case.line(), again, case.line()])
    assert (status, pointers) == (422, ["/lines/1", "/lines/2"])
    assert problem["errors"][0]["detail"] == "Cette ligne est demandée deux fois : retirez-la."
    await case.nothing_is_applied()


async def test_lines_that_contradict_each_other_are_refused_and_named(where: str, case: Case) -> None:
    beside = await case.town.week(after=1, centre="Le Moulin")
    status, pointers, problem = await case.send(where, [case.line(), case.line(holiday_week_id=str(beside))])
    assert (status, problem["type"]) == (409, "urn:problem:enrolment:overlapping-week")
    assert len(pointers) == 1
    assert pointers[0] in ("/lines/0", "/lines/1")
    await case.nothing_is_applied()


@pytest.mark.parametrize("what", ["another family's child", "no child", "no week", "the week's activity"])
async def test_what_is_not_there_for_them_is_not_found_all_alike(where: str, what: str, case: Case) -> None:
    differs = {
        "another family's child": {"child_id": str(case.stranger)},
        "no child": {"child_id": str(new_id())},
        "no week": {"holiday_week_id": str(new_id())},
        "the week's activity": {"holiday_week_id": case.held["lines"][0]["child_id"]},
    }[what]
    status, pointers, problem = await case.send(where, [case.line(), case.line(**differs)])
    assert (status, pointers, problem["type"]) == (404, [], "urn:problem:not-found")
    await case.nothing_is_applied()


@pytest.mark.parametrize("more", [{"keep_available": "peut-être"}, {"keep_available": None}, {"price": 0}])
async def test_another_field_or_value_is_named(where: str, more: dict[str, Any], case: Case) -> None:
    assert (await case.send(where, [case.line()], **more))[:2] == (422, [f"/{next(iter(more))}"])
    await case.nothing_is_applied()


@pytest.mark.parametrize(
    "since", ["1800000000", "20261224", "2026-13-01", "2026-02-30", "demain", "2026-12-24T00:00:00"]
)
async def test_weeks_are_asked_for_from_a_day_and_nothing_else(since: str, case: Case) -> None:
    path = f"/v1/holiday-weeks?child_id={case.ines}"
    status, problem = await case.town.call("GET", f"{path}&from={since}", case.dossier_id)
    assert (status, [one["pointer"] for one in problem["errors"]]) == (422, ["/query/from"])
    for extreme, seen in (("0001-01-01", 2), ("2026-12-24", 2), ("9999-12-31", 0)):
        status, page = await case.town.call("GET", f"{path}&from={extreme}", case.dossier_id)
        assert (status, len(page["items"])) == (200, seen)


@pytest.mark.parametrize("position", ["-1", "7", "99999999999999999999"])
async def test_a_line_that_is_not_there_is_not_cancelled(position: str, case: Case) -> None:
    path = f"/v1/bookings/{case.held['id']}/lines"
    assert (await case.town.call("DELETE", f"{path}/{position}", case.dossier_id))[0] == 404
    for wrong in ("0.5", "first", "null", "1e0"):
        assert (await case.town.call("DELETE", f"{path}/{wrong}", case.dossier_id))[0] == 422
    await case.nothing_is_applied()


@pytest.mark.parametrize("quote_id", [None, 7, "", "gratuit", "\0"])
async def test_a_quote_has_an_id(quote_id: Any, case: Case) -> None:
    path = f"/v1/bookings/{case.held['id']}/confirm"
    status, problem = await case.town.call("POST", path, case.dossier_id, {"quote_id": quote_id})
    assert (status, [one["pointer"] for one in problem["errors"]]) == (422, ["/quote_id"])
    await case.nothing_is_applied()
