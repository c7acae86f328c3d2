"""The coming week by mail, on Sunday at 18:00 in Paris, for those who ask for it: each week once."""

import asyncio
from datetime import date, datetime, timedelta
from typing import Any

import pytest
from chassis.identifiers import new_id
from contracts.enrolment import BookingLine, BookingPaid
from contracts.planning import NoticeWritten
from french.paris import PARIS
from planning.digests.digests import send
from planning.digests.rules import week_to_tell
from planning.worker import forget_what_is_over, tell_the_week

from services.planning.tests.families import Household
from services.planning.tests.town import CANTEEN, HOLIDAYS, WEDNESDAY, Desk, pointers
from tests.builders import published, sample

SUNDAY_18 = datetime(2026, 12, 6, 18, tzinfo=PARIS)
MONDAY, TUESDAY, WEDNESDAY_9, SUNDAY = (date(2026, 12, day) for day in (7, 8, 9, 13))
MINUTE, HOUR, DAY = timedelta(minutes=1), timedelta(hours=1), timedelta(days=1)


@pytest.fixture
async def moreau(desk: Desk) -> Household:
    family = await Household.enrolled(desk, "Inès", "Tom")
    await family.is_of(family.guardian_id)
    return family


async def switched(household: Household, enabled: Any = True, role: str = "guardian", **body: Any) -> tuple[int, Any]:
    headers = {"Authorization": f"Bearer {household.token(role)}"}
    asked = {"enabled": enabled} | body
    async with household.desk.client.put("/v1/weekly-digest", json=asked, headers=headers) as answer:
        return answer.status, await answer.json()


async def enabled(household: Household, role: str = "guardian") -> tuple[int, Any]:
    headers = {"Authorization": f"Bearer {household.token(role)}"}
    async with household.desk.client.get("/v1/weekly-digest", headers=headers) as answer:
        return answer.status, (await answer.json()).get("enabled")


async def told(desk: Desk, moment: datetime) -> list[NoticeWritten]:
    """All digests there have been once the worker has looked at that moment."""
    desk.now_is(moment)
    await tell_the_week(desk.database, None)
    return await published(desk.owner, NoticeWritten)


async def test_the_coming_week_is_told_on_sunday_at_18_and_once(desk: Desk, moreau: Household) -> None:
    for name, activity, *days in (
        ("Inès", CANTEEN, TUESDAY, MONDAY, date(2026, 12, 4), date(2026, 12, 14)),
        ("Inès", WEDNESDAY, WEDNESDAY_9),
    ):
        await moreau.reserve(name, activity, *days)
    assert await switched(moreau) == (200, {"enabled": True})
    assert await told(desk, SUNDAY_18 - MINUTE) == []
    [digest] = await told(desk, SUNDAY_18)
    assert (digest.account_id, digest.dossier_id, digest.link) == (moreau.account_id, None, "/planning/2026-12")
    assert digest.title == "La semaine du lundi 7 décembre 2026"
    assert digest.paragraphs == (
        "Ce qui est réservé pour vos enfants, du lundi 7 décembre 2026 au dimanche 13 décembre 2026 :",
        "Inès : Accueil du mercredi (mercredi 9), Restauration scolaire (lundi 7, mardi 8).",
        "Tom : aucun jour réservé.",
        "Vous recevez ce message chaque dimanche à votre demande : vous pouvez l'arrêter depuis le planning.",
    )
    for later in (MINUTE, 2 * HOUR, DAY, 6 * DAY):
        assert len(await told(desk, SUNDAY_18 + later)) == 1
    assert len(await told(desk, SUNDAY_18 + 7 * DAY)) == 2


async def test_booked_weeks_are_told_and_what_was_given_up_is_not(desk: Desk, moreau: Household) -> None:
    await moreau.reserve("Inès", CANTEEN, MONDAY)
    assert (await moreau.validate(moreau.wish("Inès", CANTEEN, MONDAY, reserve=False)))[0] == 200
    line = {
        "position": 0,
        "child_id": moreau.children["Tom"],
        "holiday_week_id": new_id(),
        "activity_id": HOLIDAYS,
        "site_id": new_id(),
        "dates": (MONDAY, SUNDAY),
        "status": "active",
    }
    booked = {"dossier_id": moreau.dossier_id, "booking_id": new_id(), "lines": (BookingLine.model_validate(line),)}
    await desk.hear(sample(BookingPaid, **booked))
    await desk.hear(sample(BookingPaid, **booked | {"dossier_id": new_id(), "booking_id": new_id()}))
    await switched(moreau)
    found = await told(desk, SUNDAY_18)
    assert found[-1].paragraphs[1:3] == (
        "Inès : aucun jour réservé.",
        "Tom : Vacances à La Bièvre (lundi 7, dimanche 13).",
    )


async def test_nobody_is_told_who_has_not_asked_or_has_stopped_or_left(desk: Desk, moreau: Household) -> None:
    stopped, left, unknown = [await Household.enrolled(desk, "Awa") for _ in range(3)]
    for family in (stopped, left):
        await family.is_of(family.guardian_id)
    for family in (stopped, left, unknown):
        await switched(family)
    assert await switched(stopped, enabled=False) == (200, {"enabled": False})
    assert (await enabled(left), await enabled(stopped), await enabled(unknown)) == (
        (200, True),
        (200, False),
        (200, False),
    )
    await left.is_of(version=2)
    assert await enabled(left) == (200, False)
    assert await told(desk, SUNDAY_18) == []
    await switched(moreau)
    assert [one.account_id for one in await told(desk, SUNDAY_18 + MINUTE)] == [moreau.account_id]
    await unknown.is_of(unknown.guardian_id)
    await forget_what_is_over(desk.database, None)
    assert len(await told(desk, SUNDAY_18 + 2 * MINUTE)) == 2
    await left.is_of(left.guardian_id, version=3)
    assert await enabled(left) == (200, False)  # it was forgotten


async def test_off_and_on_again_tells_no_week_twice(desk: Desk, moreau: Household) -> None:
    await switched(moreau)
    assert len(await told(desk, SUNDAY_18)) == 1
    await switched(moreau, enabled=False)
    await switched(moreau)
    assert len(await told(desk, SUNDAY_18 + MINUTE)) == 1


async def test_each_guardian_has_their_own_switch(desk: Desk, moreau: Household) -> None:
    other = Household(desk, dossier_id=moreau.dossier_id, children=moreau.children)
    await moreau.is_of(moreau.guardian_id, other.guardian_id, version=2)
    await switched(moreau)
    assert (await enabled(moreau), await enabled(other)) == ((200, True), (200, False))


async def test_several_workers_tell_each_guardian_once(desk: Desk, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("planning.digests.digests.BATCH", 2)
    families = [await Household.enrolled(desk, "Awa") for _ in range(5)]
    for family in families:
        await family.is_of(family.guardian_id)
        await switched(family)
    desk.now_is(SUNDAY_18)
    await asyncio.gather(*(tell_the_week(desk.database, None) for _ in range(4)))
    await tell_the_week(desk.database, None)
    found = await published(desk.owner, NoticeWritten)
    assert sorted(str(one.account_id) for one in found) == sorted(str(family.account_id) for family in families)


async def test_a_worker_that_dies_in_the_middle_has_told_nobody_and_monday_is_not_too_late(
    desk: Desk, moreau: Household, monkeypatch: pytest.MonkeyPatch
) -> None:
    await switched(moreau)

    async def dies(*given: Any) -> bool:
        await send(*given)
        raise ConnectionResetError

    with monkeypatch.context() as killed:
        killed.setattr("planning.worker.send", dies)
        with pytest.raises(ConnectionResetError):
            await told(desk, SUNDAY_18)
    assert await published(desk.owner, NoticeWritten) == []
    for hours in (4, 10, 13.9):
        assert await told(desk, SUNDAY_18 + hours * HOUR) == []
    [digest] = await told(desk, SUNDAY_18 + 14 * HOUR)
    assert digest.title == "La semaine du lundi 7 décembre 2026"


def test_the_hour_is_that_of_paris_on_both_sides_of_a_clock_change() -> None:
    for sunday in (date(2026, 3, 29), date(2026, 10, 25)):
        eve = datetime(sunday.year, sunday.month, sunday.day, 18, tzinfo=PARIS)
        assert week_to_tell(eve) == sunday + DAY
        assert week_to_tell(eve - MINUTE) is None
        assert week_to_tell(eve + DAY + 2 * HOUR) is None


async def test_bad_input_and_others_are_refused(desk: Desk, moreau: Household) -> None:
    for value in ("yes", 1, None):
        status, problem = await switched(moreau, enabled=value)
        assert (status, pointers(problem)) == (422, ["/enabled"])
    status, problem = await switched(moreau, dossier_id=str(new_id()))
    assert (status, pointers(problem)) == (422, ["/dossier_id"])
    for role in ("agent", "cashier", "administrator", "site_staff", "integrator"):
        assert ((await switched(moreau, role=role))[0], (await enabled(moreau, role))[0]) == (403, 403)
    headers = {"Authorization": f"Bearer {desk.signer.token('guardian', guardian_id=str(new_id()))}"}
    async with desk.client.put("/v1/weekly-digest", json={"enabled": True}, headers=headers) as answer:
        assert answer.status == 403
    assert (await switched(moreau))[0] == 200
