"""What planning forgets: what is over, and what was a closed account's alone."""

from datetime import date, datetime, timedelta

from contracts.identity import AccountClosed
from french.paris import PARIS
from planning.erasing import ERASURE
from planning.main import SERVICE
from planning.merging import MERGING
from planning.plannings.models import LASTS
from planning.worker import JOBS, forget_what_is_over, remind_of_drafts, tell_the_week
from sqlalchemy import text

from services.planning.tests.families import Household
from services.planning.tests.town import CANTEEN, Desk
from tests.builders import sample

MONDAY, CHRISTMAS = date(2026, 12, 7), date(2026, 12, 25)
MORNING = datetime(2026, 11, 25, 10, tzinfo=PARIS)


async def has_everything(household: Household) -> None:
    """A refused validation, a draft, a feed, a weekly mail, and a reserved day."""
    headers = {"Authorization": f"Bearer {household.token()}"}
    await household.is_of(household.guardian_id)
    assert (await household.validate(household.wish("Tom", CANTEEN, CHRISTMAS)))[0] == 409
    assert (await household.validate(household.wish("Tom", CANTEEN, MONDAY)))[0] == 200
    assert (await household.draft(household.wish("Tom", CANTEEN, MONDAY, reserve=False)))[0] == 200
    client = household.desk.client
    async with client.post("/v1/calendar-feed", headers=headers) as made:
        assert made.status == 201
    async with client.put("/v1/weekly-digest", json={"enabled": True}, headers=headers) as switched:
        assert switched.status == 200


async def left(desk: Desk) -> dict[str, int]:
    """How many rows there are of each."""
    found = {}
    async with desk.database.sessions() as session:
        for table in ("attempts", "digests", "drafts", "feeds", "entries"):
            found[table] = int(await session.scalar(text(f"SELECT count(*) FROM {table}")) or 0)
    return found


async def test_a_closed_account_leaves_the_history_and_nothing_of_its_own(desk: Desk) -> None:
    own, other = [await Household.enrolled(desk, "Tom") for _ in range(2)]
    for household in (own, other):
        await has_everything(household)
    assert await left(desk) == dict.fromkeys(("attempts", "digests", "drafts", "feeds", "entries"), 2)
    facts = {"account_id": own.account_id, "dossier_id": own.dossier_id, "guardian_id": own.guardian_id}
    for _ in range(2):
        await desk.hear(sample(AccountClosed, **facts))
    assert await left(desk) == dict.fromkeys(("attempts", "digests", "drafts", "feeds"), 1) | {"entries": 2}
    assert await other.drafted() == {str(MONDAY): None}


async def test_what_is_over_is_forgotten_each_in_its_time(desk: Desk) -> None:
    household = await Household.enrolled(desk, "Tom")
    await has_everything(household)
    kept = dict.fromkeys(("attempts", "digests", "drafts", "feeds", "entries"), 1)
    for moment, gone in (
        (MORNING + LASTS - timedelta(minutes=1), set()),
        (MORNING + LASTS + timedelta(minutes=1), {"attempts"}),
        (datetime(2026, 12, 31, 23, tzinfo=PARIS), {"attempts"}),
        (datetime(2027, 1, 1, tzinfo=PARIS), {"attempts", "drafts"}),
    ):
        desk.now_is(moment)
        await forget_what_is_over(desk.database, None)
        assert await left(desk) == kept | dict.fromkeys(gone, 0)
    await household.is_of(version=2)
    await forget_what_is_over(desk.database, None)
    assert await left(desk) == dict.fromkeys(kept, 0) | {"entries": 1}


def test_the_worker_does_all_of_it() -> None:
    assert SERVICE.jobs == JOBS
    sweeps = {ERASURE.sweep, MERGING.sweep}
    assert {job.run for job in JOBS} == {remind_of_drafts, tell_the_week, forget_what_is_over} | sweeps
