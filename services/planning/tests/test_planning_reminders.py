"""A guardian is told by mail of a draft that would miss a deadline: 48 hours before, by day, each deadline once."""

import asyncio
from datetime import UTC, date, datetime, timedelta
from typing import Any

import pytest
from chassis.law import forget
from contracts.planning import NoticeWritten
from french.paris import PARIS, at
from planning.drafts import reminders, rules
from planning.drafts.rules import AT_LEAST_EVERY
from planning.models import Base
from planning.retention import forget_former
from planning.worker import remind_of_drafts
from sqlalchemy import text

from services.planning.tests.families import Household
from services.planning.tests.town import CANTEEN, WEDNESDAY, Desk
from tests.builders import published

MONDAY, TUESDAY, WEDNESDAY_9 = (date(2026, 12, day) for day in (7, 8, 9))
#: The deadline of Monday 7 December.
FRIDAY_9 = datetime(2026, 12, 4, 9, tzinfo=PARIS)
TWO_DAYS, MINUTE, HOUR = timedelta(days=2), timedelta(minutes=1), timedelta(hours=1)


@pytest.fixture
async def moreau(desk: Desk) -> Household:
    family = await Household.enrolled(desk, "Inès", "Tom")
    await family.is_of(family.guardian_id)
    return family


async def told(desk: Desk, moment: datetime) -> list[NoticeWritten]:
    """All reminders there have been once the worker has looked at that moment."""
    desk.now_is(moment)
    await remind_of_drafts(desk.database, None)
    return await published(desk.owner, NoticeWritten)


async def test_a_guardian_is_reminded_48_hours_before_the_deadline_and_once(desk: Desk, moreau: Household) -> None:
    wishes = [moreau.wish(name, CANTEEN, MONDAY) for name in ("Tom", "Inès")]
    await moreau.draft(*wishes)
    assert await told(desk, FRIDAY_9 - TWO_DAYS - HOUR) == []
    assert await told(desk, FRIDAY_9 - TWO_DAYS - MINUTE) == []
    [reminder] = await told(desk, FRIDAY_9 - TWO_DAYS + MINUTE)
    assert (reminder.account_id, reminder.dossier_id, reminder.link) == (moreau.account_id, None, "/planning/2026-12")
    assert reminder.title == "Votre brouillon de décembre 2026 : à valider avant vendredi 4 décembre 2026 à 9\xa0h"
    assert reminder.paragraphs == (
        "Vous avez conservé un brouillon du planning de décembre 2026. Rien n'est réservé tant que vous ne l'avez pas "
        "validé.",
        "À valider avant vendredi 4 décembre 2026 à 9\xa0h : Inès, Restauration scolaire, à réserver : lundi 7 "
        "décembre 2026 ; Tom, Restauration scolaire, à réserver : lundi 7 décembre 2026.",
        "Passé ce délai, ces jours ne pourront plus être modifiés depuis votre espace.",
    )
    for later in (2 * MINUTE, HOUR, 24 * HOUR, TWO_DAYS):
        assert len(await told(desk, FRIDAY_9 - TWO_DAYS + later)) == 1
    await moreau.draft(*wishes)  # kept again, with the same deadline
    assert len(await told(desk, FRIDAY_9 - 2 * HOUR)) == 1


async def test_each_deadline_is_reminded_of_by_itself_and_those_near_together(desk: Desk, moreau: Household) -> None:
    await moreau.reserve("Tom", CANTEEN, date(2026, 12, 14))
    await moreau.draft(
        moreau.wish("Inès", CANTEEN, MONDAY),
        moreau.wish("Inès", WEDNESDAY, WEDNESDAY_9),  # Thursday 3 at noon
        moreau.wish("Inès", CANTEEN, TUESDAY),  # Monday 7 at 9
        moreau.wish("Tom", CANTEEN, date(2026, 12, 14), reserve=False),  # Friday 11 at 9
    )
    found = await told(desk, datetime(2026, 12, 2, 10, tzinfo=PARIS))
    assert ["jeudi 3 décembre" in found[0].title, *("À valider" in one for one in found[0].paragraphs)] == [
        True,
        False,
        True,
        True,
        False,
    ]
    found = await told(desk, datetime(2026, 12, 5, 10, tzinfo=PARIS))
    assert (len(found), "lundi 7 décembre 2026 à 9" in found[1].title) == (2, True)
    found = await told(desk, datetime(2026, 12, 9, 10, tzinfo=PARIS))
    assert (len(found), "à annuler : lundi 14 décembre 2026" in found[2].paragraphs[1]) == (3, True)
    # An earlier deadline, in a draft that is kept anew, is another one.
    await moreau.draft(moreau.wish("Inès", CANTEEN, date(2026, 12, 11)))  # Thursday 10 at 9
    assert "jeudi 10 décembre" in (await told(desk, datetime(2026, 12, 9, 11, tzinfo=PARIS)))[-1].title


async def test_nobody_is_written_to_at_night(desk: Desk, moreau: Household) -> None:
    await moreau.draft(moreau.wish("Inès", WEDNESDAY, WEDNESDAY_9))
    assert await told(desk, datetime(2026, 12, 1, 22, tzinfo=PARIS)) == []
    await desk.rules(WEDNESDAY, {"rule": "weekday_before", "weekday": "thursday", "time": "23:00:00", "weeks": 1})
    for hour in (23, 24 + 3, 24 + 7.98):
        assert await told(desk, datetime(2026, 12, 1, tzinfo=PARIS) + hour * HOUR) == []
    assert len(await told(desk, datetime(2026, 12, 2, 8, tzinfo=PARIS))) == 1
    late = await Household.enrolled(desk, "Awa")
    await late.is_of(late.guardian_id)
    desk.now_is(datetime(2026, 12, 2, 21, 58, tzinfo=PARIS))
    await late.draft(late.wish("Awa", WEDNESDAY, WEDNESDAY_9))
    assert len(await told(desk, datetime(2026, 12, 2, 21, 59, tzinfo=PARIS))) == 2


async def test_what_would_miss_nothing_is_not_reminded_of(desk: Desk, moreau: Household) -> None:
    now = FRIDAY_9 - TWO_DAYS + MINUTE
    await moreau.reserve("Inès", CANTEEN, MONDAY)
    await moreau.draft(moreau.wish("Inès", CANTEEN, MONDAY))  # is so already
    assert await told(desk, now) == []
    await moreau.draft(moreau.wish("Tom", WEDNESDAY, date(2026, 12, 2)))  # too late by now
    assert await told(desk, now + MINUTE) == []
    await moreau.draft(moreau.wish("Tom", CANTEEN, MONDAY))
    await moreau.validate()
    assert len(await told(desk, now + 2 * MINUTE)) == 1  # the receipt
    await moreau.draft(moreau.wish("Tom", CANTEEN, MONDAY, reserve=False))
    await moreau.drop_draft()
    assert len(await told(desk, now + 3 * MINUTE)) == 1
    await moreau.draft(moreau.wish("Tom", CANTEEN, MONDAY, reserve=False))
    assert len(await told(desk, now + 4 * MINUTE)) == 2


async def test_nobody_who_left_the_dossier_is_reminded_and_their_draft_is_forgotten(
    desk: Desk, moreau: Household
) -> None:
    other = Household(desk, dossier_id=moreau.dossier_id, children=moreau.children)
    await moreau.draft(moreau.wish("Inès", CANTEEN, MONDAY))
    await other.draft(other.wish("Inès", CANTEEN, MONDAY))
    await moreau.is_of(other.guardian_id, version=2)
    found = await told(desk, FRIDAY_9 - TWO_DAYS + MINUTE)
    assert [one.account_id for one in found] == [other.account_id]
    early = await Household.enrolled(desk, "Awa")  # of a dossier that is not known yet
    await early.draft(early.wish("Awa", CANTEEN, MONDAY))
    assert len(await told(desk, FRIDAY_9 - TWO_DAYS + 2 * MINUTE)) == 1
    await early.is_of(early.guardian_id)
    assert len(await told(desk, FRIDAY_9 - TWO_DAYS + 2 * HOUR)) == 2

    async def kept() -> int:
        async with desk.database.sessions.begin() as session:
            now = at(date(2026, 12, day), rules.MORNING)
            await forget_former(session, now)
            await forget(session, Base.metadata, now)
            return int(await session.scalar(text("SELECT count(*) FROM drafts")) or 0)

    day = 31
    assert await kept() == 2
    await early.draft(early.wish("Awa", CANTEEN, date(2026, 11, 30)), month="2026-11")
    assert await kept() == 2


async def test_a_deadline_that_moves_is_noticed_within_the_hour(desk: Desk, moreau: Household) -> None:
    await moreau.draft(moreau.wish("Inès", CANTEEN, MONDAY))
    now = datetime(2026, 11, 25, 12, tzinfo=PARIS)
    assert await told(desk, now) == []
    await desk.rules(CANTEEN, {"rule": "days_before", "n": 11, "time": "09:00:00", "working_days": False})
    assert await told(desk, now + AT_LEAST_EVERY - MINUTE) == []
    [reminder] = await told(desk, now + AT_LEAST_EVERY + MINUTE)
    assert "jeudi 26 novembre 2026 à" in reminder.title


async def test_several_workers_remind_once(desk: Desk, moreau: Household) -> None:
    families = [await Household.enrolled(desk, "Awa") for _ in range(4)]
    for family in families:
        await family.is_of(family.guardian_id)
        await family.draft(family.wish("Awa", CANTEEN, MONDAY))
    desk.now_is(FRIDAY_9 - TWO_DAYS + MINUTE)
    await asyncio.gather(*(remind_of_drafts(desk.database, None) for _ in range(6)))
    found = await published(desk.owner, NoticeWritten)
    assert sorted(str(one.account_id) for one in found) == sorted(str(family.account_id) for family in families)


async def test_a_worker_that_dies_in_the_middle_has_told_nobody_and_the_next_one_tells_once(
    desk: Desk, moreau: Household, monkeypatch: pytest.MonkeyPatch
) -> None:
    await moreau.draft(moreau.wish("Inès", CANTEEN, MONDAY))
    remind = reminders.remind

    async def dies(*given: Any) -> bool:
        await remind(*given)
        raise ConnectionResetError

    with monkeypatch.context() as killed:
        killed.setattr("planning.worker.remind", dies)
        with pytest.raises(ConnectionResetError):
            await told(desk, FRIDAY_9 - TWO_DAYS + MINUTE)
    assert await published(desk.owner, NoticeWritten) == []
    assert len(await told(desk, FRIDAY_9 - TWO_DAYS + 2 * MINUTE)) == 1
    assert len(await told(desk, FRIDAY_9 - TWO_DAYS + 2 * HOUR)) == 1


async def test_a_draft_in_use_holds_up_nobody(desk: Desk, moreau: Household) -> None:
    other = await Household.enrolled(desk, "Awa")
    await other.is_of(other.guardian_id)
    await moreau.draft(moreau.wish("Inès", CANTEEN, MONDAY))
    await other.draft(other.wish("Awa", CANTEEN, MONDAY))
    async with desk.owner.sessions() as using:
        mine = text("SELECT FROM drafts WHERE account_id = :id FOR UPDATE")
        await using.execute(mine, {"id": moreau.account_id})
        assert [one.account_id for one in await told(desk, FRIDAY_9 - TWO_DAYS + MINUTE)] == [other.account_id]
    assert len(await told(desk, FRIDAY_9 - TWO_DAYS + 2 * MINUTE)) == 2


def test_a_moment_at_night_is_looked_at_again_in_the_morning_at_the_latest() -> None:
    for minute in range(0, 48 * 60, 7):
        now = datetime(2026, 12, 1, tzinfo=UTC) + minute * MINUTE
        again = rules.look_again([], now)
        assert now < again <= now + AT_LEAST_EVERY
        local = now.astimezone(PARIS)
        if local.hour == 7:
            assert again.astimezone(PARIS).hour == 8
            assert again.astimezone(PARIS).minute == 0
