"""A usual week, and the end of it: applied by planning, answered and told, through the gateway and by mail."""

from datetime import date, datetime, timedelta
from typing import Any

from french.paris import day_in_paris

from deploy.local.portal import until
from tests.actors import Clock, Family

WEEKDAYS = ("monday", "tuesday", "wednesday", "thursday", "friday", "saturday", "sunday")


async def applied(family: Family, enrolment_id: str, version: int) -> Any:
    """What planning made of that version of the enrolment."""

    async def asked() -> Any:
        for one in (await family.portal.get("/enrolment/v1/enrolments"))["items"]:
            if one["id"] == enrolment_id and one["applied"] and one["applied"]["version"] >= version:
                return one["applied"]
        return None

    return await until(asked, "planning has applied the enrolment")


async def shown(family: Family, activity_id: str, days: list[str]) -> set[str]:
    """Which of these days the planning shows as reserved."""
    found = set()
    for month in {day[:7] for day in days}:
        for row in (await family.portal.get(f"/planning/v1/plannings?month={month}"))["rows"]:
            if row["activity_id"] == activity_id:
                found |= {cell["date"] for cell in row["cells"] if cell["status"] == "reserved"}
    return found & set(days)


async def test_a_usual_week_is_reserved_where_it_still_can_be_and_given_up_with_the_enrolment(
    family: Family, moving_clock: Clock
) -> None:
    portal, child_id = family.portal, family.guardian.children[0]
    listed = (await portal.get(f"/enrolment/v1/activities?kind=restauration&child_id={child_id}"))["items"]
    [canteen] = [one["id"] for one in listed if one["open"]]
    today = day_in_paris(moving_clock.now())
    deadlines = (await portal.get(f"/planning/v1/deadlines?from={today}&to={today + timedelta(days=62)}"))["activities"]
    [coming] = [one["days"] for one in deadlines if one["activity_id"] == canteen]
    weekdays = sorted({date.fromisoformat(day["date"]).weekday() for day in coming})[:2]
    asked = [day for day in coming if date.fromisoformat(day["date"]).weekday() in weekdays]
    week = {"days": [WEEKDAYS[n] for n in weekdays] or ["monday"]}
    enrolment = await portal.post(
        "/enrolment/v1/enrolments", {"child_id": child_id, "activity_id": canteen, "usual_week": week}
    )
    done = await applied(family, enrolment["id"], enrolment["version"])
    at, horizon = datetime.fromisoformat(enrolment["usual_week"]["asked_at"]), str(today + timedelta(days=62))
    possible = [day["date"] for day in asked if datetime.fromisoformat(day["booking"]["until"]) > at]
    assert [day for day in done["reserved"] if day <= horizon] == possible
    assert [one["date"] for one in done["refused"]] == [day["date"] for day in asked if day["date"] not in possible]
    assert await shown(family, canteen, possible) == set(possible)
    if not possible:  # in summer
        return
    assert "jours réservés" in (await portal.mail(family.guardian.email, "Semaine habituelle"))["text"]

    kept, given_up = possible[:-1], [day for day in done["reserved"] if day >= possible[-1]]
    left = await portal.call("DELETE", f"/enrolment/v1/enrolments/{enrolment['id']}?from={possible[-1]}")
    done = await applied(family, enrolment["id"], left["version"])
    assert sorted(done["cancelled"] + done["still_due"]) == given_up
    assert await shown(family, canteen, possible) == set(kept + done["still_due"])
    await portal.mail(family.guardian.email, "Fin d'une inscription : ")
