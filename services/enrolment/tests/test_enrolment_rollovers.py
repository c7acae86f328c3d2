"""Who is enrolled goes on in the next school year: looked at first, once, each family told what and why not."""

import asyncio
from datetime import date, timedelta
from typing import Any
from uuid import UUID

import pytest
from chassis import clock
from chassis.identifiers import new_id
from contracts.dossier import ChildChanged, DossierChanged
from enrolment.catalogue.models import Activity, EnrolmentWindow, HouseRules
from enrolment.enrolments import rollovers
from enrolment.enrolments.rules import previous_year

from services.enrolment.tests.enrolment_scene import schooling, year_name
from services.enrolment.tests.test_enrolment_enrolments import in_days, pointers
from tests.builders import sample


def test_each_school_year_has_one_before_it() -> None:
    assert previous_year("2026-2027") == "2025-2026"
    assert previous_year("2000-2001") == "1999-2000"


async def roll_over(town: Any, query: str = "", key: str | None = None, **body: Any) -> tuple[int, Any]:
    """By the administrator, into the next school year."""
    token = town.signer.token("administrator", sub=town.agent_id, name="Adèle Admin")
    headers = {"Authorization": f"Bearer {token}", "Idempotency-Key": key or new_id().hex}
    path, asked = f"/v1/enrolment-rollovers{query}", {"school_year": year_name(1)} | body
    async with town.api.post(path, json=asked, headers=headers) as answer:
        return answer.status, await answer.json(content_type=None)


def counts(answer: dict[str, Any]) -> dict[str, tuple[int, int, int]]:
    """Enrolled, already, refused, by the activity's name."""
    return {one["name"]: (one["enrolled"], one["already"], one["refused"]) for one in answer["activities"]}


async def both_years(town: Any) -> tuple[Any, Any]:
    return await town.year(), await town.year(1)


async def of_next_year(town: Any, dossier_id: UUID) -> list[dict[str, Any]]:
    return [one for one in await town.enrolments(dossier_id) if one["school_year"] == year_name(1)]


async def test_who_is_enrolled_is_enrolled_in_the_next_year_once_it_has_been_looked_at(town: Any) -> None:
    _, coming = await both_years(town)
    evening, canteen = await town.activity(), await town.activity("restauration", name="Cantine")
    dossier_id, _ = await town.family()
    ines, tom = [await town.pupil(dossier_id, new_id(), first_name=name) for name in ("Inès", "Tom")]
    for child, activity in ((ines, evening), (ines, canteen), (tom, canteen)):
        await town.enrolled(dossier_id, child, activity, usual_week={"days": ["monday"]})
    before = await town.published()
    status, looked = await roll_over(town, "?preview=true")
    assert (status, looked["preview"]) == (200, True)
    assert counts(looked) == {"Accueil du soir": (1, 0, 0), "Cantine": (2, 0, 0)}
    assert await of_next_year(town, dossier_id) == []
    assert await town.published() == before
    status, done = await roll_over(town)
    assert (status, done) == (200, looked | {"preview": False})
    renewed = await of_next_year(town, dossier_id)
    assert {(one["child_id"], one["activity_id"]) for one in renewed} == {
        (str(ines), str(evening)),
        (str(ines), str(canteen)),
        (str(tom), str(canteen)),
    }
    for one in renewed:
        assert (one["valid_from"], one["valid_to"]) == (str(coming.first_day), str(coming.last_day))
        assert (one["status"], one["usual_week"], one["pending"]) == ("active", None, True)
    told = [one for one in await town.published("enrolment_changed") if one.school_year == coming.name]
    assert {str(one.enrolment_id) for one in told} == {one["id"] for one in renewed}
    assert all(one.site_id for one in told)
    (notice,) = (await town.published("notice_written"))[3:]
    assert (notice.dossier_id, notice.title) == (dossier_id, f"Inscriptions pour l'année scolaire {coming.name}")
    assert "Inès : Accueil du soir" in notice.paragraphs
    assert any("Aucun jour n'est encore réservé" in one for one in notice.paragraphs)


async def test_the_same_roll_over_twice_and_two_at_once_enrol_each_child_once(town: Any) -> None:
    await both_years(town)
    evening = await town.activity()
    dossier_id, _ = await town.family()
    await town.enrolled(dossier_id, await town.pupil(dossier_id), evening)
    answers = await asyncio.gather(*(roll_over(town) for _ in range(4)), roll_over(town, key="once"))
    assert {status for status, _ in answers} == {200}
    assert sorted(counts(answer)["Accueil du soir"] for _, answer in answers) == [(0, 1, 0)] * 4 + [(1, 0, 0)]
    assert await roll_over(town, key="once") == answers[-1]
    assert (await roll_over(town, key="once", usual_weeks=True))[0] == 422
    assert len(await of_next_year(town, dossier_id)) == 1
    assert len(await town.published("notice_written")) == 2


async def test_who_has_left_or_has_left_the_next_year_already_is_not_enrolled(town: Any) -> None:
    _, coming = await both_years(town)
    evening = await town.activity()
    dossier_id, _ = await town.family()
    left, never = await town.pupil(dossier_id), await town.pupil(dossier_id)
    this_year = await town.enrolled(dossier_id, left, evening)
    await town.call("DELETE", f"/v1/enrolments/{this_year['id']}", dossier_id)
    await town.enrolled(dossier_id, never, evening)
    unwanted = await town.enrolled(dossier_id, never, evening, **{"from": str(coming.first_day)})
    await town.call("DELETE", f"/v1/enrolments/{unwanted['id']}", dossier_id)
    _, done = await roll_over(town)
    assert counts(done) == {"Accueil du soir": (0, 1, 0)}
    assert [one["id"] for one in await of_next_year(town, dossier_id)] == [unwanted["id"]]


async def test_a_family_is_told_what_goes_on_and_why_the_rest_does_not(town: Any) -> None:
    _, coming = await both_years(town)
    evening = await town.activity(max_age=11, min_age=3)
    study = await town.activity(name="Étude", levels=["elementary"])
    canteen, closing = await town.activity("restauration", name="Cantine"), await town.activity(name="Échecs")
    dossier_id, _ = await town.family()
    ends = date(coming.first_day.year - 12, 1, 1)  # 12 when the next year begins
    ines = await town.pupil(dossier_id, born=ends, schooling=schooling(new_id())[:1])
    desk = {"dossier_id": str(dossier_id), "override_reason": "Fratrie."}
    for activity in (evening, study, canteen, closing):
        assert (await town.enrol(None, ines, activity, **desk))[0] == 201
    await town.hear(sample(DossierChanged, dossier_id=dossier_id, version=2, missing=("vaccination",)))
    async with town.database.sessions.begin() as session:
        (await session.get_one(Activity, closing)).status = "closed"
    _, looked = await roll_over(town, "?preview=true")
    assert {one["reason_code"] for one in looked["refused"]} == {"age", "level", "closed"}
    _, done = await roll_over(town)
    assert counts(done) == {"Accueil du soir": (0, 0, 1), "Cantine": (1, 0, 0), "Échecs": (0, 0, 1), "Étude": (0, 0, 1)}
    assert done["refused"] == looked["refused"]
    *_, notice = await town.published("notice_written")
    said = "\n".join(notice.paragraphs)
    assert said.index("Inès : Cantine") < said.index("ne sont pas renouvelées") < said.index("Inès : Étude")
    assert "de 3 à 11 ans" in said
    assert "n'est plus proposée" in said
    assert "n'est pas connue" in said


async def test_an_incomplete_dossier_keeps_the_canteen_alone_and_neither_window_nor_rules_are_asked(town: Any) -> None:
    await both_years(town)
    evening, canteen = await town.activity(), await town.activity("restauration", name="Cantine")
    complete, _ = await town.family()
    ines = await town.pupil(complete)
    incomplete, _ = await town.family()
    tom = await town.pupil(incomplete)
    for dossier_id, child in ((complete, ines), (incomplete, tom)):
        for activity in (evening, canteen):
            await town.enrolled(dossier_id, child, activity)
    await town.hear(sample(DossierChanged, dossier_id=incomplete, version=2, missing=("vaccination",)))
    opens = clock.now() + timedelta(days=90)
    async with town.database.sessions.begin() as session:
        year = year_name(1)
        session.add(EnrolmentWindow(activity_id=evening, school_year=year, opens_at=opens))
        session.add(HouseRules(school_year=year, version="1", title="Règlement", text="Soyez à l'heure."))
    _, done = await roll_over(town)
    assert counts(done) == {"Accueil du soir": (1, 0, 1), "Cantine": (2, 0, 0)}
    assert [(one["child_id"], one["reason_code"]) for one in done["refused"]] == [(str(tom), "dossier")]


async def test_usual_weeks_that_last_to_the_end_go_on_where_it_is_said(town: Any) -> None:
    _, coming = await both_years(town)
    evening = await town.activity()
    dossier_id, _ = await town.family()
    lasting, ended = await town.pupil(dossier_id), await town.pupil(dossier_id)
    await town.enrolled(dossier_id, lasting, evening, usual_week={"days": ["monday", "friday"]})
    await town.enrolled(dossier_id, ended, evening, usual_week={"days": ["monday"], "to": in_days(30)})
    await roll_over(town, usual_weeks=True)
    weeks = {one["child_id"]: one["usual_week"] for one in await of_next_year(town, dossier_id)}
    assert weeks[str(ended)] is None
    kept = weeks[str(lasting)]
    assert (kept["days"], kept["number"], kept["status"]) == (["monday", "friday"], 1, "pending")
    assert (kept["from"], kept["to"]) == (str(coming.first_day), str(coming.last_day))
    told = [one for one in await town.published("enrolment_changed") if one.usual_weeks][-1]
    assert (told.usual_weeks[0].asked_by.role, told.usual_weeks[0].asked_by.name) == ("administrator", "Adèle Admin")


async def test_a_child_of_another_family_since_goes_on_there(town: Any) -> None:
    await both_years(town)
    evening = await town.activity()
    (mother, _), (father, _) = [await town.family() for _ in range(2)]
    ines = await town.pupil(mother)
    await town.enrolled(mother, ines, evening)
    moved = {"child_id": ines, "dossier_ids": (father,), "schooling": schooling(new_id())}
    await town.hear(sample(ChildChanged, version=2, **moved))
    assert counts((await roll_over(town))[1]) == {"Accueil du soir": (1, 0, 0)}
    (renewed,) = await of_next_year(town, father)
    assert renewed["dossier_id"] == str(father)


@pytest.mark.parametrize("year", ["2098-2099", "2026", "", "x" * 21, "2\0", 2027, None])
async def test_an_unknown_school_year_is_named_as_the_fault(town: Any, year: Any) -> None:
    await both_years(town)
    status, problem = await roll_over(town, school_year=year)
    assert (status, pointers(problem)) == (422, ["/school_year"])
    assert (await roll_over(town))[0] == 200


async def test_a_year_that_is_over_takes_nobody(town: Any) -> None:
    await town.year(-1)
    await both_years(town)
    status, problem = await roll_over(town, school_year=year_name(-1))
    assert (status, pointers(problem)) == (422, ["/school_year"])
    assert "terminée" in problem["errors"][0]["detail"]


async def test_more_children_than_one_statement_takes_are_all_enrolled(
    town: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(rollovers, "BATCH", 2)
    await both_years(town)
    evening = await town.activity()
    dossier_id, _ = await town.family()
    for _ in range(5):
        await town.enrolled(dossier_id, await town.pupil(dossier_id), evening)
    assert counts((await roll_over(town))[1]) == {"Accueil du soir": (5, 0, 0)}
    assert len(await of_next_year(town, dossier_id)) == 5


async def test_nobody_but_the_administrator_rolls_over(town: Any) -> None:
    await both_years(town)
    dossier_id, _ = await town.family()
    body = {"school_year": year_name(1)}
    for whose in (dossier_id, None):
        assert (await town.call("POST", "/v1/enrolment-rollovers", whose, body))[0] == 403
