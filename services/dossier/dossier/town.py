"""Loading a town's families."""

from collections.abc import Sequence
from datetime import date, timedelta
from itertools import islice
from uuid import UUID

from chassis import clock
from chassis.identifiers import named_id, new_id
from chassis.outbox import publish
from contracts import Event
from contracts import dossier as contract
from french.calendar import school_year
from french.paris import day_in_paris
from sqlalchemy import select, text
from sqlalchemy.ext.asyncio import AsyncSession

from dossier.dossiers import WHOLE, dossier_changed
from dossier.families import ChildEntry, Family, Town, families
from dossier.models import Adult, Child, Dossier, DossierStatus, Quotient, Schooling
from dossier.quotient import default_end

BATCH = 500


async def load(session: AsyncSession, town: Town) -> None:
    """Store the families that are not there yet and tell of each; those that are there stay as they are."""
    # No second load meanwhile, and no account activated between reading accounts and committing the adults.
    await session.execute(text("LOCK TABLE accounts IN SHARE ROW EXCLUSIVE MODE"))
    today = day_in_paris(clock.now())
    coming = families(town)
    while batch := list(islice(coming, BATCH)):
        await _store(session, batch, town, today)


async def _store(session: AsyncSession, batch: Sequence[Family], town: Town, today: date) -> None:
    known = set(await session.scalars(select(Dossier.number).where(Dossier.number.in_([f.number for f in batch]))))
    session.add_all(_dossier(family, town, today) for family in batch if family.number not in known)
    ids = [named_id("dossier", family.number) for family in batch if family.number not in known]
    await session.flush()
    session.expunge_all()
    events: list[Event] = []
    for dossier in await session.scalars(select(Dossier).where(Dossier.id.in_(ids)).options(*WHOLE)):
        events += _events(dossier)
    await publish(session, *events)
    session.expunge_all()  # however many families, no more than a batch in memory


def _dossier(family: Family, town: Town, today: date) -> Dossier:
    dossier = Dossier(
        id=named_id("dossier", family.number),
        number=family.number,
        status=DossierStatus.ACTIVE,
        version=1 if family.quotient is None else 2,  # one for each event about it
        **family.address.model_dump(),
    )
    for index, adult in enumerate(family.adults, start=1):
        dossier.adults.append(
            Adult(
                id=named_id("adult", family.number, str(index)),
                first_name=adult.first_name,
                last_name=adult.last_name,
                recorded_email=adult.email,
                phone=adult.phone,
                roles=["legal_guardian", "payer"] if index == 1 else ["legal_guardian"],
            )
        )
    for child in family.children:
        dossier.children.append(
            Child(
                id=named_id("child", family.number, child.first_name),
                first_name=child.first_name,
                last_name=child.last_name,
                birth_date=birth_date(child.age, today),
                schooling=_schooling(child, town, today),
                menu="standard",
                resident=family.address.postcode == town.town.postcode,
                version=1,
            )
        )
    if family.quotient is not None:
        first_day = today.replace(month=1, day=1)
        dossier.quotients.append(
            Quotient(
                id=new_id(),
                value=family.quotient,
                source="caf",
                valid_from=first_day,
                valid_to=default_end(first_day),
            )
        )
    return dossier


def _schooling(child: ChildEntry, town: Town, today: date) -> list[Schooling]:
    school = next((school for school in town.schools if school.code == child.school), None)
    if school is None:
        return []
    school_id = named_id("site", school.code)
    return [Schooling(school_year=school_year(today), school_id=school_id, level=school.level, class_name=None)]


def birth_date(age: int, today: date) -> date:
    """Of a child who turned `age` a hundred days before `today`."""
    birthday = today - timedelta(days=100)
    if (birthday.month, birthday.day) == (2, 29):
        birthday -= timedelta(days=1)
    return birthday.replace(year=birthday.year - age)


def _events(dossier: Dossier) -> list[Event]:
    """What is to be told of a dossier just stored. Its own event comes last, at the version it has."""
    events: list[Event] = [_child_changed(child, dossier.id) for child in dossier.children]
    if dossier.quotients:
        events.append(
            contract.QuotientChanged(
                version=dossier.version - 1, dossier_id=dossier.id, quotients=dossier.quotient_periods
            )
        )
    return [*events, dossier_changed(dossier)]


def _child_changed(child: Child, dossier_id: UUID) -> contract.ChildChanged:
    return contract.ChildChanged(
        version=child.version,
        child_id=child.id,
        dossier_ids=(dossier_id,),
        first_name=child.first_name,
        last_name=child.last_name,
        birth_date=child.birth_date,
        schooling=tuple(
            contract.Schooling(
                school_year=one.school_year, school_id=one.school_id, level=one.level, class_name=one.class_name
            )
            for one in child.schooling
        ),
        resident=child.resident,
        menu=child.menu,
    )
