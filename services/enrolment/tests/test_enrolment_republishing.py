"""Told again: the catalogue, enrolments, and bookings by what they have become."""

from typing import Any

from contracts import enrolment as contract
from enrolment.main import SERVICE

from tests.republishing import republish


async def test_what_others_keep_is_told_as_it_was_told_last(town: Any) -> None:
    await town.year()
    week, activity = await town.week(), await town.activity()
    dossier, children = await town.family(8, 9, 9)
    pupil = await town.pupil(dossier)
    enrolment = await town.enrolled(dossier, pupil, activity)
    confirmed, cancelled = [await town.confirmed(dossier, (child, week)) for child in children[:2]]
    held = await town.held(dossier, (children[2], week))
    assert (await town.cancel(dossier, cancelled["id"]))[0] < 300
    before, again = await republish(SERVICE, town.database)
    told = {str(subject): type(event) for (_, subject), event in again.items()}
    assert told[enrolment["id"]] is contract.EnrolmentChanged
    assert told[confirmed["id"]] is contract.BookingConfirmed
    assert told[cancelled["id"]] is contract.BookingCancelled
    assert (told[str(week)], told[str(activity)]) == (contract.HolidayWeekChanged, contract.ActivityChanged)
    assert held["id"] not in told
    before.pop((contract.BookingConfirmed.type, next(one for _, one in again if str(one) == cancelled["id"])))
    assert before.items() <= again.items()
