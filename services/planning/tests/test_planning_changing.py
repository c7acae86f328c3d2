"""Changing what is reserved, by the one way there is."""

from collections.abc import Sequence
from datetime import UTC, date, datetime, timedelta
from typing import Any

import pytest
from chassis.identifiers import named_id, new_id
from contracts.enrolment import Actor
from contracts.planning import ReservationsChanged
from french.calendar import DAY
from french.paris import PARIS
from planning.deadlines.rules import in_words
from planning.reservations.changing import Outcome
from planning.reservations.rules import Change
from sqlalchemy import text
from sqlalchemy.exc import DBAPIError

from services.planning.tests.families import Household
from services.planning.tests.town import CANTEEN, HOLIDAYS, WEDNESDAY, Desk
from tests.builders import published

CLAIRE = Actor(account_id=new_id(), role="guardian")
AGENT = Actor(account_id=new_id(), role="agent", name="Ada Petit", reason="Certificat médical reçu")
NOW = datetime(2026, 11, 25, 9, tzinfo=UTC)
NINE = datetime(2026, 11, 25, 9, tzinfo=PARIS)
MONDAY, TUESDAY, JANUARY = date(2026, 12, 7), date(2026, 12, 8), date(2027, 1, 7)


async def change(
    household: Household, *changes: Change, actor: Actor = CLAIRE, moment: datetime = NOW, **how: bool
) -> Outcome:
    return await household.change(changes, actor, moment, NOW, **how)


def obstacles(outcome: Outcome) -> list[tuple[date, str]]:
    return [(one.change.day, one.obstacle) for one in outcome.refused]


async def rows(desk: Desk, statement: str, **values: Any) -> Sequence[Any]:
    async with desk.owner.sessions() as session:
        return [tuple(row) for row in await session.execute(text(statement), values)]


@pytest.fixture
async def moreau(desk: Desk) -> Household:
    return await Household.enrolled(desk, "Inès", "Tom")


async def test_days_are_reserved_with_their_history_their_month_and_their_event(desk: Desk, moreau: Household) -> None:
    ines = moreau.children["Inès"]
    outcome = await change(
        moreau, *(Change(ines, CANTEEN, day, True) for day in (TUESDAY, MONDAY, JANUARY)), actor=AGENT
    )
    assert ([one.change.day for one in outcome.done], outcome.refused) == ([TUESDAY, MONDAY, JANUARY], [])
    assert await desk.reserved(ines) == [(CANTEEN, day) for day in (MONDAY, TUESDAY, JANUARY)]
    assert await rows(
        desk, "SELECT month, version, reserved, cancelled, role, name, reason, dossier_id, at FROM entries ORDER BY 1"
    ) == [
        (month, 1, days, [], "agent", "Ada Petit", "Certificat médical reçu", moreau.dossier_id, NOW)
        for month, days in ((date(2026, 12, 1), [MONDAY, TUESDAY]), (date(2027, 1, 1), [JANUARY]))
    ]
    assert await moreau.versions() == {date(2026, 12, 1): 1, date(2027, 1, 1): 1}
    december, january = sorted(await published(desk.owner, ReservationsChanged), key=lambda event: event.month)
    assert december.reservations_id == named_id("reservations", str(ines), str(CANTEEN), "2026-12")
    assert (december.version, december.month, january.month) == (1, "2026-12", "2027-01")
    assert [(day.date, day.dossier_id, day.site_id) for day in december.days] == [
        (day, moreau.dossier_id, moreau.site_id) for day in (MONDAY, TUESDAY)
    ]


async def test_a_day_given_up_stays_in_the_history_and_leaves_the_event(desk: Desk, moreau: Household) -> None:
    ines = moreau.children["Inès"]
    await change(moreau, *(Change(ines, CANTEEN, day, True) for day in (MONDAY, TUESDAY)))
    outcome = await change(moreau, Change(ines, CANTEEN, MONDAY, False))
    assert [one.change.day for one in outcome.done] == [MONDAY]
    assert await desk.reserved(ines) == [(CANTEEN, TUESDAY)]
    assert await rows(desk, "SELECT version, reserved, cancelled FROM entries ORDER BY version") == [
        (1, [MONDAY, TUESDAY], []),
        (2, [], [MONDAY]),
    ]
    assert await rows(desk, "SELECT status, version FROM reservations ORDER BY day") == [
        ("cancelled", 2),
        ("reserved", 1),
    ]
    last = (await published(desk.owner, ReservationsChanged))[-1]
    assert (last.version, [day.date for day in last.days]) == (2, [TUESDAY])


async def test_what_changes_nothing_leaves_no_trace(desk: Desk, moreau: Household) -> None:
    ines = moreau.children["Inès"]
    await change(moreau, Change(ines, CANTEEN, MONDAY, True))
    again = await change(moreau, Change(ines, CANTEEN, MONDAY, True), Change(ines, CANTEEN, TUESDAY, False))
    assert (again.done, again.refused) == ([], [])
    assert await rows(desk, "SELECT count(*) FROM entries") == [(1,)]
    assert await moreau.versions() == {date(2026, 12, 1): 1}
    assert len(await published(desk.owner, ReservationsChanged)) == 1


async def test_each_refusal_names_what_stands_in_the_way_and_the_rest_is_done(desk: Desk, moreau: Household) -> None:
    ines = moreau.children["Inès"]
    bridge, christmas, holiday = date(2027, 5, 7), date(2026, 12, 25), date(2026, 12, 22)
    wednesday, late, outside = date(2026, 12, 9), date(2026, 11, 26), date(2027, 9, 6)
    wishes = [
        Change(ines, CANTEEN, day, True) for day in (MONDAY, bridge, christmas, holiday, wednesday, late, outside)
    ]
    outcome = await change(moreau, *wishes, Change(ines, HOLIDAYS, MONDAY, True))
    assert [one.change.day for one in outcome.done] == [MONDAY]
    assert obstacles(outcome) == [
        *((day, "closed") for day in (bridge, christmas, holiday, wednesday)),
        (late, "late"),
        (outside, "not_enrolled"),
        (MONDAY, "elsewhere"),
    ]
    assert [one.reason for one in outcome.refused] == [
        "Fermé par la ville (Pont de l'Ascension).",
        "Jour férié (Noël).",
        "Vacances scolaires (Vacances de Noël).",
        "L'activité n'a pas lieu ce jour de la semaine.",
        f"Délai de réservation dépassé depuis {in_words(NINE)} : adressez-vous au guichet.",
        "Hors de la période d'inscription (du mardi 1er septembre 2026 au vendredi 2 juillet 2027).",
        "Les semaines de vacances se réservent depuis la rubrique Inscription.",
    ]


async def test_deadlines_are_judged_at_the_moment_given_and_bypassed_where_said(desk: Desk, moreau: Household) -> None:
    wish = Change(moreau.children["Inès"], CANTEEN, MONDAY, True)
    until = datetime(2026, 12, 4, 9, tzinfo=PARIS)
    assert obstacles(await change(moreau, wish, moment=until)) == [(MONDAY, "late")]
    assert (await change(moreau, wish, moment=until - timedelta(microseconds=1))).done
    given_up = wish._replace(reserve=False)
    assert obstacles(await change(moreau, given_up, moment=until)) == [(MONDAY, "late")]
    assert (await change(moreau, given_up, moment=until, late=True)).done


async def test_a_day_stays_free_to_give_up_when_the_town_has_closed_it_or_the_child_has_left(
    desk: Desk, moreau: Household
) -> None:
    ines = moreau.children["Inès"]
    await change(moreau, *(Change(ines, CANTEEN, day, True) for day in (MONDAY, TUESDAY)))
    await desk.close_town(MONDAY)
    # Too late for both days: they stay due.
    await moreau.withdraw("Inès", CANTEEN, date(2026, 12, 4), at=datetime(2026, 12, 7, 9, tzinfo=PARIS))
    assert obstacles(await change(moreau, Change(ines, CANTEEN, JANUARY, True))) == [(JANUARY, "not_enrolled")]
    outcome = await change(moreau, *(Change(ines, CANTEEN, day, False) for day in (MONDAY, TUESDAY)))
    assert ([one.change.day for one in outcome.done], await desk.reserved(ines)) == ([MONDAY, TUESDAY], [])


async def test_nothing_more_is_reserved_in_an_activity_that_has_closed(desk: Desk, moreau: Household) -> None:
    ines = moreau.children["Inès"]
    await change(moreau, Change(ines, CANTEEN, MONDAY, True))
    await desk.close_activity(CANTEEN)
    outcome = await change(moreau, Change(ines, CANTEEN, TUESDAY, True), Change(ines, CANTEEN, MONDAY, False))
    assert obstacles(outcome) == [(TUESDAY, "activity_closed")]
    assert [one.change.day for one in outcome.done] == [MONDAY]


async def test_places_of_a_band_go_to_who_asks_first_and_come_back_when_given_up(desk: Desk, moreau: Household) -> None:
    await desk.places(CANTEEN, {"ages": [6, 11], "places": 1})
    ines, tom = moreau.children["Inès"], moreau.children["Tom"]
    both = [Change(one, CANTEEN, MONDAY, True) for one in (ines, tom)]
    outcome = await change(moreau, *both)
    assert ([one.change.child_id for one in outcome.done], obstacles(outcome)) == ([ines], [(MONDAY, "full")])
    assert await desk.taken(CANTEEN, MONDAY) == [("6-11", 1, 1)]
    # What is given up in the same change is free for whoever asks there, in whatever order they are named.
    swapped = await change(moreau, Change(tom, CANTEEN, MONDAY, True), Change(ines, CANTEEN, MONDAY, False))
    assert (len(swapped.done), swapped.refused) == (2, [])
    assert (await desk.reserved(ines), await desk.reserved(tom)) == ([], [(CANTEEN, MONDAY)])
    await change(moreau, Change(tom, CANTEEN, MONDAY, False))
    assert await desk.taken(CANTEEN, MONDAY) == [("6-11", 1, 0)]


async def test_places_are_of_a_site_a_day_and_an_age_on_that_day(desk: Desk) -> None:
    await desk.places(CANTEEN, {"ages": [3, 5], "places": 1}, {"ages": [6, 11], "places": 1})
    school = new_id()
    one = await Household.enrolled(desk, "Inès", "Tom", born={"Inès": date(2020, 12, 8)})
    other = await Household.enrolled(desk, "Awa", site_id=school)
    ines, tom, awa = one.children["Inès"], one.children["Tom"], other.children["Awa"]
    # Inès is 5 on Monday, 6 on Tuesday: then she and Tom want the same place.
    outcome = await change(
        one, *(Change(child, CANTEEN, day, True) for day in (MONDAY, TUESDAY) for child in (ines, tom))
    )
    assert obstacles(outcome) == [(TUESDAY, "full")]
    assert not (await change(other, Change(awa, CANTEEN, TUESDAY, True))).refused
    assert await desk.taken(CANTEEN, MONDAY) == [("3-5", 1, 1), ("6-11", 1, 1)]
    assert await desk.taken(CANTEEN, TUESDAY) == [("6-11", 1, 1), ("6-11", 1, 1)]


async def test_both_families_of_a_child_see_their_month_change(desk: Desk) -> None:
    mother = await Household.enrolled(desk, "Inès")
    father = await mother.shared("Inès")
    await change(father, Change(mother.children["Inès"], CANTEEN, MONDAY, True))
    assert await mother.versions() == await father.versions() == {date(2026, 12, 1): 1}


async def test_the_history_can_neither_be_changed_nor_lost(desk: Desk, moreau: Household) -> None:
    await change(moreau, Change(moreau.children["Inès"], CANTEEN, MONDAY, True))
    assert await rows(desk, "SELECT count(*) FROM entries") == [(1,)]
    for statement in ("UPDATE entries SET reason = 'x'", "DELETE FROM entries", "DELETE FROM reservations"):
        with pytest.raises(DBAPIError, match="permission denied"):
            async with desk.database.sessions.begin() as session:
                await session.execute(text(statement))


async def test_ten_months_of_four_days_a_week_are_one_change(desk: Desk, moreau: Household) -> None:
    ines = moreau.children["Inès"]
    days = [date(2026, 9, 1) + n * DAY for n in range(305)]
    outcome = await change(
        moreau,
        *(Change(ines, CANTEEN, day, True) for day in days if day.weekday() in (0, 1, 3, 4)),
        moment=datetime(2026, 8, 1, tzinfo=UTC),
    )
    assert len(outcome.done) > 130
    assert {one.obstacle for one in outcome.refused} == {"closed"}
    assert [len(event.days) for event in await published(desk.owner, ReservationsChanged)]
    assert len(await desk.reserved(ines)) == len(outcome.done)


async def test_a_wednesday_may_be_given_up_until_its_day_is_over(desk: Desk, moreau: Household) -> None:
    ines, day = moreau.children["Inès"], date(2026, 12, 9)
    assert (await change(moreau, Change(ines, WEDNESDAY, day, True))).done
    late = datetime(2026, 12, 9, 22, 59, tzinfo=UTC)
    assert (await change(moreau, Change(ines, WEDNESDAY, day, False), moment=late)).done
