"""Whom an edit of the catalogue touches, said by a preview: who would no longer be taken. Nobody loses anything."""

from datetime import date, datetime, timedelta
from itertools import product
from typing import Any
from uuid import UUID

import pytest
from chassis import clock
from chassis.identifiers import new_id
from contracts.enrolment import Actor
from enrolment.catalogue import editing
from enrolment.catalogue.models import Activity, SchoolYear, Site
from enrolment.catalogue.rules import enrolment_refusal
from enrolment.copies import Child
from enrolment.enrolments.models import Enrolment
from enrolment.enrolments.rules import EnrolmentStatus
from french.calendar import DAY
from french.paris import day_in_paris
from sqlalchemy import text

from services.enrolment.tests.enrolment_scene import FIRST_MONDAY, schooling
from services.enrolment.tests.test_enrolment_catalogue_editing import Admin, outbox


@pytest.fixture
def admin(town: Any) -> Admin:
    return Admin(town)


async def previewed(admin: Admin, path: str, **change: Any) -> Any:
    """What a preview says, which leaves everything as it was."""
    seen, before = await admin.call("GET", path), await outbox(admin.town.database)
    status, answer, etag = await admin.call("PATCH", f"{path}?preview=true", change, seen=seen[2])
    assert (status, etag) == (200, seen[2]), answer
    assert (await admin.call("GET", path), await outbox(admin.town.database)) == (seen, before)
    return answer


def told(answer: Any) -> dict[str, tuple[int, int, int]]:
    """How many things of how many children and families each touch is about."""
    return {one["touch"]: (one["count"], one["children"], one["families"]) for one in answer["touched"]["touches"]}


def whom(answer: Any, touch: str) -> dict[str, str | None]:
    """By child, why."""
    return {
        child["child_id"]: one["reason"]
        for child in answer["touched"]["children"]["items"]
        for one in child["things"]
        if one["touch"] == touch
    }


async def test_who_would_no_longer_be_enrolled_is_named_with_why_and_stays(admin: Admin) -> None:
    town = admin.town
    await town.year()
    jaures, tilleuls = new_id(), new_id()
    activity = await town.activity(min_age=3, max_age=11)
    path = f"activities/{activity}"
    dossier_id, _ = await town.family()
    today = day_in_paris(clock.now())
    eight = await town.pupil(dossier_id, jaures)
    born = today - timedelta(days=5 * 366)
    five = await town.pupil(dossier_id, tilleuls, born=born, schooling=schooling(tilleuls, "nursery"))
    twelve = await town.pupil(dossier_id, born=today - timedelta(days=12 * 366))
    for child in (eight, five):
        await town.enrolled(dossier_id, child, activity)
    status, _ = await town.enrol(None, twelve, activity, dossier_id=str(dossier_id), override_reason="Fratrie")
    assert status == 201
    answer = await previewed(admin, path, ages=[6, 11])
    assert told(answer) == {"enrolled": (1, 1, 1)}, "who is there by an exception did not fit before either"
    assert whom(answer, "enrolled") == {str(five): "Elle accueille les enfants de 6 à 11 ans."}
    [touch] = answer["touched"]["touches"]
    assert touch["in_words"] == "1 inscription ne serait plus acceptée (1 enfant, 1 famille)"
    assert touch["activities"][0]["sites"][0]["site_id"] == str(tilleuls)
    assert "Rien n'est annulé" in answer["touched"]["said"][0]
    assert (answer["ages"], answer["touched"]["children"]["items"][0]["things"][0]["dossier_id"]) == (
        [6, 11],
        str(dossier_id),
    )
    assert whom(await previewed(admin, path, levels=["elementary"]), "enrolled").keys() == {str(five)}
    assert told(await previewed(admin, path, name="Autre nom")) == {}
    assert told(await previewed(admin, path, status="closed")) == {"enrolled": (2, 2, 1)}
    status, stored = await admin.patch(path, ages=[6, 11])
    assert (status, stored["ages"], stored["touched"]) == (200, [6, 11], None)
    assert {one["status"] for one in await town.enrolments(dossier_id)} == {"active"}
    assert told(await previewed(admin, path, status="closed")) == {"enrolled": (1, 1, 1)}


async def test_a_preview_refuses_what_the_change_would_be_refused(admin: Admin) -> None:
    activity = await admin.town.activity()
    week = f"holiday-weeks/{await admin.town.week(places=2)}"
    for path, wrong, wanted in (
        (f"activities/{activity}", {"sector": [str(new_id())]}, {"ages": [3, 5]}),
        (week, {"places": 3}, {"places": 3, "reason": "Une salle de plus."}),
    ):
        seen = await admin.seen(path)
        asked = f"{path}?preview=true"
        assert (await admin.call("PATCH", asked, wrong, seen=seen))[0] == 422
        assert (await admin.call("PATCH", asked, wanted))[0] == 428
        assert (await admin.call("PATCH", asked, wanted, seen='"0"'))[0] == 412
        assert (await admin.call("PATCH", asked, wanted, seen=seen, role="agent"))[0] == 403
        assert (await admin.call("PATCH", asked, wanted, seen=seen))[0] == 200


async def test_the_statement_judges_as_the_rule_does(admin: Admin) -> None:
    """Each child, enrolled whatever the rules, and each edit: what `enrolment_refusal` says before and after."""
    town = admin.town
    year, activity_id, (jaures, tilleuls) = await town.year(), await town.activity("restauration"), (new_id(), new_id())
    dossier_id, _ = await town.family()
    first, made = year.first_day, clock.now() - timedelta(days=10)
    known: list[Any] = [schooling(jaures), schooling(tilleuls, "nursery"), ()]
    births = [first.replace(year=first.year - years, day=1) + n * DAY for years, n in product((3, 6, 12), (0, 1))]
    children: dict[UUID, tuple[Child, datetime]] = {}
    for number, (born, schools) in enumerate(product((*births, date(2020, 2, 29)), known)):
        child_id, at = await town.child(dossier_id, born, schooling=schools), made + number % 2 * timedelta(days=5)
        async with town.database.sessions.begin() as session:
            children[child_id] = await session.get_one(Child, child_id), at
            session.add(
                Enrolment(
                    id=new_id(),
                    child_id=child_id,
                    dossier_id=dossier_id,
                    activity_id=activity_id,
                    school_year=year.name,
                    valid_from=first,
                    valid_to=year.last_day,
                    status=EnrolmentStatus.ACTIVE,
                    created_at=at,
                    created_by=Actor(account_id=new_id(), role="guardian"),
                    version=1,
                )
            )
    async with town.database.sessions.begin() as session:
        session.add_all(
            Site(id=one, code=str(one), kind="school", name="École", version=1) for one in (jaures, tilleuls)
        )
    window = {"school_year": year.name, "closes_at": (made + timedelta(days=1)).isoformat()}
    edits: list[dict[str, Any]] = [
        {"ages": [3, 6]},
        {"ages": [6, 12], "levels": ["elementary"]},
        {"levels": ["nursery"], "sector": [str(tilleuls)]},
        {"ages": None, "levels": [], "sector": []},
        {"sector": [str(jaures)]},
        {"sector": []},
        {"enrolment_windows": [window]},
        {"status": "closed", "enrolment_windows": []},
    ]
    path, before, counts = f"activities/{activity_id}", await stored(admin, activity_id), []
    for edit in edits:
        answer = await previewed(admin, path, **edit)
        assert (await admin.patch(path, **edit))[0] == 200
        after = await stored(admin, activity_id)
        expected = {
            str(one)
            for one, (child, at) in children.items()
            if refused(after, child, year, at) and not refused(before, child, year, at)
        }
        assert whom(answer, "enrolled").keys() == expected, edit
        assert told(answer).get("enrolled", (0,))[0] == len(expected)
        counts.append(len(expected))
        before = after
    assert len([one for one in counts if 0 < one < len(children)]) >= 4, "else the edits show nothing"


async def stored(admin: Admin, activity_id: UUID) -> Activity:
    async with admin.town.database.sessions() as session:
        return await editing.find_activity(session, activity_id)


def refused(activity: Activity, child: Child, year: SchoolYear, at: datetime) -> bool:
    return enrolment_refusal(activity, child, None, year, at, accepted=True, first=year.first_day) is not None


async def test_a_week_says_whose_booking_no_longer_fits_and_what_becomes_of_who_waits(admin: Admin) -> None:
    town = admin.town
    week_id = await town.week(places=2)
    path = f"holiday-weeks/{week_id}"
    booked, (nine, six) = await town.family(9, 6)
    await town.confirmed(booked, (nine, week_id), (six, week_id))
    waiting, (seven, ten) = await town.family(7, 10)
    entry = await town.waits(waiting, (ten, week_id))
    await town.waits(waiting, (seven, week_id))
    answer = await previewed(admin, path, ages=[8, 11])
    assert told(answer) == {"booked": (1, 1, 1), "ended": (1, 1, 1)}
    assert whom(answer, "booked") == {str(six): "Elle accueille les enfants de 8 à 11 ans."}
    assert "8 à 11 ans" in str(whom(answer, "ended")[str(seven)])
    assert answer["touched"]["children"]["items"][0]["things"][0]["days"] == answer["dates"]
    assert "Aucune réservation n'est annulée." in answer["touched"]["said"]
    answer = await previewed(admin, path, places=3, reason="Une salle de plus.")
    assert (told(answer), [*whom(answer, "offered")]) == ({"offered": (1, 1, 1)}, [str(ten)])
    assert (answer["places"], answer["taken"]) == (3, 3)
    closes = (clock.now() + timedelta(days=40)).isoformat()
    assert told(await previewed(admin, path, cancellation_closes_at=closes)) == {"deadline": (2, 2, 1)}
    assert told(await previewed(admin, path, name="Autre nom")) == {}
    for wrong in ({"places": 1, "reason": "Moins."}, {"dates": [str(FIRST_MONDAY + timedelta(weeks=1))]}):
        assert (await admin.call("PATCH", f"{path}?preview=true", wrong, seen=await admin.seen(path)))[0] == 409
    assert (await town.entry(waiting, entry))["status"] == "waiting"
    status, stored = await admin.patch(path, places=3, reason="Une salle de plus.")
    assert (status, stored["touched"], (await town.entry(waiting, entry))["status"]) == (200, None, "offered")


async def test_a_closed_holiday_activity_names_who_has_booked_or_waits(admin: Admin) -> None:
    town = admin.town
    week_id = await town.week(places=1)
    booked, (nine,) = await town.family(9)
    await town.confirmed(booked, (nine, week_id))
    waiting, (ten,) = await town.family(10)
    await town.waits(waiting, (ten, week_id))
    async with town.database.sessions() as session:
        activity = await session.scalar(text("SELECT activity_id FROM holiday_weeks"))
    answer = await previewed(admin, f"activities/{activity}", status="closed")
    assert told(answer) == {"booked": (1, 1, 1), "waiting": (1, 1, 1)}
    assert whom(answer, "booked") == {str(nine): "L'activité est fermée."}
