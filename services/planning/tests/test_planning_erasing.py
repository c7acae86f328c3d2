"""A family that is erased gives back its days; what the other parent has of their child goes on as it was."""

from datetime import UTC, date, datetime

from contracts.dossier import DossierErased
from contracts.enrolment import Actor, EnrolmentChanged
from contracts.planning import ReservationsChanged
from planning.reservations.rules import Change
from sqlalchemy import text

from services.planning.tests.families import Household
from services.planning.tests.town import CANTEEN, Desk
from tests.builders import published

NOW = datetime(2026, 11, 25, 9, tzinfo=UTC)
MONDAY, TUESDAY, THURSDAY = date(2026, 12, 7), date(2026, 12, 8), date(2026, 12, 10)
BAND = {"ages": [3, 11], "places": 1}


async def reserve(household: Household, day: date) -> None:
    by = Actor(account_id=household.account_id, role="guardian")
    outcome = await household.change([Change(household.children["Inès"], CANTEEN, day, True)], by, NOW, NOW)
    assert outcome.done


async def left(desk: Desk, household: Household) -> int:
    """How many rows name the dossier."""
    tables = ("dossiers", "enrolments", "reservations", "entries", "planning_months")
    key = {"dossiers": "id"}
    async with desk.database.sessions() as session:
        return sum(
            [
                int(
                    await session.scalar(
                        text(f"SELECT count(*) FROM {table} WHERE {key.get(table, 'dossier_id')} = :id"),
                        {"id": household.dossier_id},
                    )
                    or 0
                )
                for table in tables
            ]
        )


async def test_its_places_are_free_and_a_shared_childs_other_days_stay_and_count_on(desk: Desk) -> None:
    await desk.places(CANTEEN, BAND)
    desk.now_is(NOW)
    mother = await Household.enrolled(desk, "Inès")
    father = await mother.shared("Inès")
    await reserve(father, TUESDAY)
    await reserve(mother, MONDAY)
    assert await desk.taken(CANTEEN, MONDAY) == [("3-11", 1, 1)]
    before = (await published(desk.database, ReservationsChanged))[-1]
    assert [one.date for one in before.days] == [MONDAY, TUESDAY]
    assert await left(desk, mother) > 0

    for _ in range(2):
        await desk.hear(DossierErased(dossier_id=mother.dossier_id, version=9))
    assert await left(desk, mother) == 0
    assert await desk.taken(CANTEEN, MONDAY) == [("3-11", 1, 0)]
    assert await desk.taken(CANTEEN, TUESDAY) == [("3-11", 1, 1)]
    given_up = (await published(desk.database, ReservationsChanged))[-1]
    assert ([one.date for one in given_up.days], given_up.version) == ([TUESDAY], before.version + 1)

    # What the erased one asked for, and comes late, is void.
    late = mother.enrolments["Inès", CANTEEN]
    await desk.hear(late.model_copy(update={"version": late.version + 1}))
    assert await left(desk, mother) == 0
    await father.enrol("Inès", CANTEEN)
    await reserve(father, THURSDAY)
    newest = (await published(desk.database, ReservationsChanged))[-1]
    assert [one.date for one in newest.days] == [TUESDAY, THURSDAY]
    assert newest.version > given_up.version
    assert isinstance(late, EnrolmentChanged)
