"""What enrolments ask of the planning: usual weeks, withdrawals, changes of school; each once, in any order."""

from collections.abc import Sequence
from datetime import UTC, date, datetime, timedelta
from itertools import permutations
from typing import Any
from uuid import UUID

import pytest
from chassis.identifiers import new_id
from chassis.parking import NotYetKnown
from contracts import Event
from contracts.dossier import DossierChanged
from contracts.enrolment import Actor, EnrolmentChanged
from contracts.planning import EnrolmentApplied, NoticeWritten, ReservationsChanged
from french.paris import PARIS
from planning.reservations.rules import FULL
from sqlalchemy import text

from services.planning.tests.families import NOW, SCHOOL_YEAR, Household
from services.planning.tests.town import CANTEEN, Desk
from tests.builders import changed, published, sample

AGENT = Actor(account_id=new_id(), role="agent", name="Ada Petit", reason="Certificat médical reçu")
THURSDAY_26, FRIDAY_27, MONDAY_30 = date(2026, 11, 26), date(2026, 11, 27), date(2026, 11, 30)
TUESDAY, THURSDAY, MONDAY = date(2026, 12, 1), date(2026, 12, 3), date(2026, 12, 7)
MONDAYS = [date(2026, 11, 30), date(2026, 12, 7), date(2026, 12, 14)]
WEEK: dict[str, Any] = {"first": date(2026, 11, 25), "last": date(2026, 12, 18)}


@pytest.fixture
async def moreau(desk: Desk) -> Household:
    household = await Household.enrolled(desk, "Inès", "Tom")
    await desk.hear(sample(DossierChanged, dossier_id=household.dossier_id, number="100042"))
    return household


async def rows(desk: Desk, statement: str, **values: Any) -> Sequence[Any]:
    async with desk.owner.sessions() as session:
        return [tuple(row) for row in await session.execute(text(statement), values)]


async def answer(desk: Desk) -> EnrolmentApplied:
    return (await published(desk.owner, EnrolmentApplied))[-1]


async def notices(desk: Desk) -> list[NoticeWritten]:
    return await published(desk.owner, NoticeWritten)


def days(reserved: Sequence[tuple[UUID, date]]) -> list[date]:
    return [day for _, day in reserved]


async def test_a_usual_week_is_reserved_where_it_still_can_be_and_the_rest_is_named(
    desk: Desk, moreau: Household
) -> None:
    ines = moreau.children["Inès"]
    await moreau.usual_week("Inès", CANTEEN, "thursday", "monday", first=date(2026, 11, 26), last=date(2027, 1, 8))
    expected = [
        MONDAY_30,
        THURSDAY,
        MONDAY,
        *(date(2026, 12, day) for day in (10, 14, 17)),
        *(date(2027, 1, d) for d in (4, 7)),
    ]
    assert days(await desk.reserved(ines)) == expected
    said = await answer(desk)
    assert (said.enrolment_id, said.version) == (moreau.enrolments["Inès", CANTEEN].enrolment_id, 2)
    assert (list(said.reserved), said.cancelled, said.still_due) == (expected, (), ())
    # The town has other things to say of Christmas than that it could not be had.
    assert [(one.date, one.reason) for one in said.refused] == [
        (
            THURSDAY_26,
            "Délai de réservation dépassé depuis mercredi 25 novembre 2026 à 9\xa0h : adressez-vous au guichet.",
        )
    ]
    assert await rows(desk, "SELECT month, reserved, role, account_id, at FROM entries ORDER BY month") == [
        (month, [day for day in expected if day.replace(day=1) == month], "guardian", moreau.account_id, NOW)
        for month in (date(2026, 11, 1), date(2026, 12, 1), date(2027, 1, 1))
    ]
    months = {event.month for event in await published(desk.owner, ReservationsChanged)}
    assert months == {"2026-11", "2026-12", "2027-01"}
    [notice] = await notices(desk)
    assert (notice.dossier_id, notice.link) == (moreau.dossier_id, "/planning/2026-11")
    assert notice.title == "Semaine habituelle : 8 jours réservés, 1 jour refusé"
    assert notice.paragraphs == (
        "Inès, Restauration scolaire : la semaine habituelle (lundi, jeudi) est appliquée du jeudi 26 novembre 2026 au "
        "vendredi 8 janvier 2027.",
        "8 jours réservés : lundi 30 novembre 2026 ; jeudi 3, lundi 7, jeudi 10, lundi 14, jeudi 17 décembre 2026 ; "
        "lundi 4, jeudi 7 janvier 2027.",
        "1 jour refusé : jeudi 26 novembre 2026. Délai de réservation dépassé depuis mercredi 25 novembre 2026 à "
        "9\xa0h : adressez-vous au guichet.",
    )


async def test_deadlines_are_judged_at_the_moment_it_was_asked(desk: Desk, moreau: Household) -> None:
    just = datetime(2026, 11, 25, 8, 59, 59, tzinfo=PARIS)
    await moreau.usual_week("Inès", CANTEEN, "thursday", **WEEK, at=just)
    await moreau.usual_week("Tom", CANTEEN, "thursday", **WEEK, at=just + timedelta(seconds=1))
    ines, tom = [await desk.reserved(moreau.children[name]) for name in ("Inès", "Tom")]
    assert (days(ines)[0], days(tom)[0]) == (THURSDAY_26, THURSDAY)


async def test_a_full_day_is_left_out_and_named(desk: Desk, moreau: Household) -> None:
    await desk.places(CANTEEN, {"ages": [6, 11], "places": 1})
    await moreau.reserve("Tom", CANTEEN, MONDAY)
    await moreau.usual_week("Inès", CANTEEN, "monday")
    said = await answer(desk)
    assert (list(said.reserved), [(one.date, one.reason) for one in said.refused]) == (
        [MONDAYS[0], MONDAYS[2]],
        [(MONDAY, FULL.reason)],
    )
    assert await desk.taken(CANTEEN, MONDAY) == [("6-11", 1, 1)]


async def test_a_day_on_which_the_activity_never_takes_place_is_named(desk: Desk, moreau: Household) -> None:
    await moreau.usual_week("Inès", CANTEEN, "monday", "wednesday")
    said = await answer(desk)
    assert list(said.reserved) == MONDAYS
    assert {(one.date.weekday(), one.reason) for one in said.refused} == {
        (2, "L'activité n'a pas lieu ce jour de la semaine.")
    }


async def test_these_weekdays_and_no_others(desk: Desk, moreau: Household) -> None:
    ines = moreau.children["Inès"]
    outside = date(2027, 1, 8)
    await moreau.reserve("Inès", CANTEEN, THURSDAY_26, FRIDAY_27, MONDAY_30, TUESDAY, outside)
    await moreau.usual_week("Inès", CANTEEN, "monday")
    said = await answer(desk)
    assert (list(said.reserved), said.refused) == (MONDAYS, ())
    assert (list(said.cancelled), list(said.still_due)) == ([FRIDAY_27, TUESDAY], [THURSDAY_26])
    assert days(await desk.reserved(ines)) == [THURSDAY_26, *MONDAYS, outside]
    [notice] = await notices(desk)
    assert notice.title == "Semaine habituelle : 2 jours réservés, 2 jours annulés, 1 jour maintenu"
    assert notice.paragraphs[-1].startswith("1 jour maintenu : jeudi 26 novembre 2026. Délai d'annulation dépassé")


async def test_each_wish_is_applied_once(desk: Desk, moreau: Household) -> None:
    ines = moreau.children["Inès"]
    await moreau.usual_week("Inès", CANTEEN, "monday")
    assert (await moreau.validate(moreau.wish("Inès", CANTEEN, MONDAY, reserve=False)))[0] == 200
    await moreau.usual_week("Inès", CANTEEN, "friday", first=date(2026, 12, 11), last=date(2026, 12, 11))
    assert days(await desk.reserved(ines)) == [MONDAYS[0], date(2026, 12, 11), MONDAYS[2]]
    assert list((await answer(desk)).reserved) == [date(2026, 12, 11)]


async def test_the_same_or_an_older_version_again_changes_nothing(desk: Desk, moreau: Household) -> None:
    first = moreau.enrolments["Inès", CANTEEN]
    await moreau.usual_week("Inès", CANTEEN, "monday")
    second = moreau.enrolments["Inès", CANTEEN]
    assert (await moreau.validate(moreau.wish("Inès", CANTEEN, MONDAY, reserve=False)))[0] == 200
    told = [len(await published(desk.owner, kind)) for kind in (EnrolmentApplied, NoticeWritten, ReservationsChanged)]
    await desk.hear(second, first, second)
    assert MONDAY not in days(await desk.reserved(moreau.children["Inès"]))
    kinds = (EnrolmentApplied, NoticeWritten, ReservationsChanged)
    assert [len(await published(desk.owner, kind)) for kind in kinds] == told


async def test_several_wishes_at_once_are_several_and_the_last_has_the_last_word(desk: Desk, moreau: Household) -> None:
    before = moreau.enrolments["Inès", CANTEEN]
    weeks = (
        moreau.week(1, "monday", "thursday", **WEEK),
        changed(moreau.week(2, "monday", "tuesday", **WEEK), asked_by=AGENT),
    )
    await desk.hear(changed(before, version=9, usual_weeks=weeks))
    said = await answer(desk)
    tuesdays = [date(2026, 12, day) for day in (1, 8, 15)]
    thursdays = [date(2026, 12, day) for day in (3, 10, 17)]
    assert (said.version, list(said.reserved), list(said.cancelled)) == (9, sorted(MONDAYS + tuesdays), thursdays)
    assert said.refused == ()  # Thursday the 26th is no longer asked for
    assert await rows(
        desk, "SELECT version, reserved, cancelled, name, reason FROM entries WHERE month = '2026-12-01' ORDER BY 1"
    ) == [
        (1, sorted(MONDAYS[1:] + thursdays), [], None, None),
        (2, tuesdays, thursdays, "Ada Petit", "Certificat médical reçu"),
    ]


async def test_the_desk_passes_over_deadlines_with_a_reason_and_not_without(desk: Desk, moreau: Household) -> None:
    await moreau.usual_week("Inès", CANTEEN, "thursday", by=changed(AGENT, reason=None))
    assert [one.date for one in (await answer(desk)).refused] == [THURSDAY_26]
    assert (await notices(desk))[-1].paragraphs[0].endswith("au vendredi 18 décembre 2026, à la demande du guichet.")
    await moreau.usual_week("Tom", CANTEEN, "thursday", by=AGENT)
    assert ((await answer(desk)).refused, days(await desk.reserved(moreau.children["Tom"]))[0]) == ((), THURSDAY_26)


async def test_an_enrolment_that_asks_nothing_is_answered(desk: Desk, moreau: Household) -> None:
    said = await published(desk.owner, EnrolmentApplied)
    assert {one.enrolment_id for one in said} == {one.enrolment_id for one in moreau.enrolments.values()}
    assert {(one.reserved, one.refused, one.cancelled, one.still_due) for one in said} == {((), (), (), ())}
    assert await notices(desk) == []


async def test_a_withdrawal_gives_up_what_comes_after_where_it_still_can_be(desk: Desk, moreau: Household) -> None:
    await desk.places(CANTEEN, {"ages": [6, 11], "places": 1})
    await moreau.usual_week("Inès", CANTEEN, "monday", "tuesday")
    await moreau.withdraw("Inès", CANTEEN, date(2026, 11, 29), at=datetime(2026, 11, 27, 9, tzinfo=PARIS))
    said = await answer(desk)
    assert (said.version, list(said.still_due)) == (3, [MONDAY_30])
    assert list(said.cancelled) == [date(2026, 12, day) for day in (1, 7, 8, 14, 15)]
    assert days(await desk.reserved(moreau.children["Inès"])) == [MONDAY_30]
    assert (await desk.taken(CANTEEN, MONDAY_30), await desk.taken(CANTEEN, MONDAY)) == (
        [("6-11", 1, 1)],
        [("6-11", 1, 0)],
    )
    notice = (await notices(desk))[-1]
    assert notice.title == "Fin d'une inscription : 5 jours annulés, 1 jour maintenu"
    assert notice.paragraphs[:2] == (
        "Inès, Restauration scolaire : l'inscription s'arrête, le premier jour sans elle est le lundi 30 novembre "
        "2026.",
        "5 jours annulés : mardi 1er, lundi 7, mardi 8, lundi 14, mardi 15 décembre 2026.",
    )


async def test_a_withdrawal_by_the_desk_with_a_reason_leaves_nothing_due(desk: Desk, moreau: Household) -> None:
    await moreau.usual_week("Inès", CANTEEN, "monday")
    await moreau.withdraw("Inès", CANTEEN, date(2026, 11, 29), at=datetime(2026, 11, 27, 9, tzinfo=PARIS), by=AGENT)
    assert ((await answer(desk)).still_due, await desk.reserved(moreau.children["Inès"])) == ((), [])


def back(moreau: Household, *weeks: Any) -> EnrolmentChanged:
    """Inès comes back to the canteen on 7 December."""
    facts = {"enrolment_id": new_id(), "version": 1, "valid_from": MONDAY, "usual_weeks": weeks}
    return changed(moreau.enrolments["Inès", CANTEEN], **SCHOOL_YEAR | facts)


async def test_who_comes_back_waits_until_the_end_of_the_first_time_is_known(desk: Desk, moreau: Household) -> None:
    again = back(moreau, moreau.week(1, "friday", first=MONDAY, last=date(2026, 12, 18)))
    await moreau.usual_week("Inès", CANTEEN, "monday")
    with pytest.raises(NotYetKnown) as early:
        await desk.hear(again)
    assert (early.value.kind, early.value.key) == ("enrolments", moreau.enrolments["Inès", CANTEEN].enrolment_id)
    await moreau.withdraw("Inès", CANTEEN, date(2026, 12, 6))
    await desk.hear(again)
    assert days(await desk.reserved(moreau.children["Inès"])) == [MONDAY_30, date(2026, 12, 11), date(2026, 12, 18)]


async def hear_all(desk: Desk, events: Sequence[Event]) -> None:
    """What is too early is heard again, once all others have been."""
    waiting = list(events)
    while waiting:
        left = []
        for event in waiting:
            try:
                await desk.hear(event)
            except NotYetKnown:
                left.append(event)
        assert len(left) < len(waiting), left
        waiting = left


async def test_whatever_the_order_of_events_the_same_days_are_reserved(desk: Desk, moreau: Household) -> None:
    """Asked before a deadline, left after it: the day between is due, in whatever order that is heard."""
    outcomes = {}
    for order in permutations(range(4)):
        household = await Household.enrolled(desk, "Léa")
        first = household.enrolments["Léa", CANTEEN]
        asked = household.week(1, "thursday", "monday", **WEEK, at=datetime(2026, 11, 25, 8, tzinfo=PARIS))
        then = household.week(2, "thursday", "tuesday", **WEEK, at=datetime(2026, 11, 25, 8, 30, tzinfo=PARIS))
        left = {
            "valid_to": date(2026, 11, 25),
            "status": "withdrawn",
            "withdrawn_at": datetime(2026, 11, 25, 9, 30, tzinfo=PARIS),
            "withdrawn_by": Actor(account_id=household.account_id, role="guardian"),
        }
        again = household.week(1, "friday", first=MONDAY, last=date(2026, 12, 18))
        events = [
            changed(first, version=2, usual_weeks=(asked,)),
            changed(first, version=3, usual_weeks=(asked, then)),
            changed(first, version=4, usual_weeks=(asked, then), **left),
            changed(first, enrolment_id=new_id(), version=1, valid_from=MONDAY, usual_weeks=(again,)),
        ]
        await hear_all(desk, [events[n] for n in order])
        outcomes[order] = days(await desk.reserved(household.children["Léa"]))
        answers = {one.enrolment_id: one for one in await published(desk.owner, EnrolmentApplied)}
        assert list(answers[first.enrolment_id].still_due) == [THURSDAY_26]
    assert set(map(tuple, outcomes.values())) == {(THURSDAY_26, date(2026, 12, 11), date(2026, 12, 18))}


async def test_what_is_not_known_yet_is_waited_for(desk: Desk, moreau: Household) -> None:
    first = moreau.enrolments["Inès", CANTEEN]
    wish = {"version": 1, "usual_weeks": (moreau.week(1, "monday", **WEEK),), "enrolment_id": new_id()}
    for unknown, kind in (("child_id", "children"), ("activity_id", "activities")):
        with pytest.raises(NotYetKnown) as early:
            await desk.hear(changed(first, **wish | {unknown: new_id()}))
        assert early.value.kind == kind
    assert await rows(desk, "SELECT id FROM enrolments WHERE id = :id", id=wish["enrolment_id"]) == []


async def test_what_dies_before_its_commit_is_done_by_the_next_try(
    desk: Desk, moreau: Household, monkeypatch: pytest.MonkeyPatch
) -> None:
    from planning.enrolments import applying

    async def dies(*_: Any) -> None:
        raise ConnectionResetError

    with monkeypatch.context() as killed:
        killed.setattr(applying, "publish", dies)
        with pytest.raises(ConnectionResetError):
            await moreau.usual_week("Inès", CANTEEN, "monday")
    assert await desk.reserved(moreau.children["Inès"]) == []
    await desk.hear(moreau.enrolments["Inès", CANTEEN])
    assert days(await desk.reserved(moreau.children["Inès"])) == MONDAYS


async def test_both_families_of_a_child_are_told(desk: Desk, moreau: Household) -> None:
    father = await moreau.shared("Inès")
    await moreau.usual_week("Inès", CANTEEN, "monday")
    assert {one.dossier_id for one in await notices(desk)} == {moreau.dossier_id, father.dossier_id}
    assert await moreau.versions() == await father.versions() == {date(2026, 11, 1): 1, date(2026, 12, 1): 1}


async def test_days_are_the_familys_that_asked_for_them(desk: Desk, moreau: Household) -> None:
    father = await moreau.shared("Inès")
    by = Actor(account_id=father.account_id, role="guardian", dossier_id=father.dossier_id)
    await moreau.reserve("Inès", CANTEEN, MONDAY_30)
    await moreau.usual_week("Inès", CANTEEN, "monday", by=by)
    whose = dict(await rows(desk, "SELECT day, dossier_id FROM reservations"))
    assert whose == {MONDAY_30: moreau.dossier_id} | dict.fromkeys(MONDAYS[1:], father.dossier_id)
    assert [one["by"] for one in (await moreau.history())[1]["items"]] == ["other_family"]
    assert [one["by"] for one in (await father.history())[1]["items"]] == ["you"]


async def test_a_change_of_school_moves_what_is_reserved_from_tomorrow(desk: Desk, moreau: Household) -> None:
    await desk.places(CANTEEN, {"ages": [6, 11], "places": 1})
    today, school = date(2026, 11, 24), new_id()
    await moreau.reserve("Inès", CANTEEN, today, THURSDAY_26, MONDAY)
    desk.now_is(datetime(2026, 11, 24, 12, tzinfo=PARIS))
    await moreau.moves("Inès", CANTEEN, school)
    assert await rows(desk, "SELECT day, site_id, version FROM reservations ORDER BY day") == [
        (today, moreau.site_id, 1),
        (THURSDAY_26, school, 2),
        (MONDAY, school, 2),
    ]
    assert await rows(
        desk, "SELECT site_id = :school, taken FROM slots WHERE day = :day ORDER BY 1", school=school, day=MONDAY
    ) == [(False, 0), (True, 1)]
    moved = [event for event in await published(desk.owner, ReservationsChanged) if event.version == 2]
    assert {day.date: day.site_id for event in moved for day in event.days} == {
        today: moreau.site_id,
        THURSDAY_26: school,
        MONDAY: school,
    }
    assert await rows(
        desk, "SELECT reserved, account_id, role, reason FROM entries WHERE version = 2 ORDER BY month"
    ) == [([day], None, "town", "Changement de lieu d'accueil") for day in (THURSDAY_26, MONDAY)]
    [notice] = await notices(desk)
    assert notice.title == "Changement de lieu d'accueil : 2 jours déplacés"
    said = await answer(desk)
    assert (said.version, said.reserved, said.cancelled) == (2, (), ())
    # Once.
    await moreau.usual_week("Inès", CANTEEN, "monday", first=MONDAY, last=MONDAY)
    assert len(await notices(desk)) == 1


async def test_what_overflows_at_the_new_school_stays_and_goes_to_the_desk(desk: Desk, moreau: Household) -> None:
    await desk.places(CANTEEN, {"ages": [6, 11], "places": 1})
    other = await Household.enrolled(desk, "Awa", site_id=new_id())
    await other.reserve("Awa", CANTEEN, MONDAY)
    await moreau.reserve("Inès", CANTEEN, THURSDAY, MONDAY)
    await moreau.moves("Inès", CANTEEN, other.site_id)
    assert await rows(
        desk, "SELECT day, site_id FROM reservations WHERE child_id = :id ORDER BY day", id=moreau.children["Inès"]
    ) == [
        (THURSDAY, other.site_id),
        (MONDAY, moreau.site_id),
    ]
    family, agents = await notices(desk)
    assert family.title == "Changement de lieu d'accueil : 1 jour déplacé, 1 jour non déplacé"
    assert family.paragraphs[-1].startswith("1 jour non déplacé : lundi 7 décembre 2026. Il n'y a plus de place")
    assert (agents.desk, agents.title) == (
        True,
        "Dossier 100042 : places à trouver après un changement de lieu d'accueil",
    )
    assert agents.paragraphs[0] == (
        "Inès, Restauration scolaire : 1 jour réservé à l'ancien lieu d'accueil, sans place au nouveau : lundi 7 "
        "décembre 2026."
    )


async def test_ten_months_take_as_many_statements_as_two_weeks(desk: Desk, moreau: Household) -> None:
    await desk.places(CANTEEN, {"ages": [6, 11], "places": 300})
    asked: dict[str, Any] = {"at": datetime(2026, 8, 1, tzinfo=UTC)}
    weekdays = ("monday", "tuesday", "thursday", "friday")
    two_weeks = moreau.usual_week("Tom", CANTEEN, *weekdays, first=date(2026, 11, 30), last=date(2026, 12, 11), **asked)
    few = await desk.statements(two_weeks)
    ten_months = moreau.usual_week("Inès", CANTEEN, *weekdays, first=date(2026, 9, 1), last=date(2027, 7, 2), **asked)
    many = await desk.statements(ten_months)
    assert len(days(await desk.reserved(moreau.children["Inès"]))) > 130
    assert len(many) == len(few) <= 11, many
