"""Loading a town's families, and the kinds of documents that it asks for."""

from collections.abc import Sequence
from datetime import date, timedelta
from itertools import islice
from typing import Any
from uuid import UUID

from chassis import clock
from chassis.identifiers import named_id, new_id
from french.calendar import school_year
from french.paris import day_in_paris
from sqlalchemy import select, text
from sqlalchemy.ext.asyncio import AsyncSession
from sqlalchemy.orm.attributes import set_committed_value

from dossier.copies import Account
from dossier.documents import kinds
from dossier.families import ChildEntry, Family, Town, families
from dossier.models import Adult, Child, Dossier, DossierStatus, Quotient, Schooling
from dossier.models import Town as TownRow
from dossier.quotient import default_end
from dossier.storing import store

BATCH = 500


async def load(session: AsyncSession, town: Town) -> None:
    """Store the families that are not there yet and tell of each; those that are there stay as they are."""
    # No second load meanwhile, and no account activated between reading accounts and committing the adults.
    await session.execute(text("LOCK TABLE accounts IN SHARE ROW EXCLUSIVE MODE"))
    await kinds.store(session, town.document_kinds)
    today = day_in_paris(clock.now())
    certified = [one.code for one in town.waiting_list.criteria if one.kind == "certified"]
    needs = {
        "needed_fields": list(town.completeness.fields),
        "needed_documents": list(town.completeness.documents),
        "certified_yearly": town.completeness.certification,
    }
    await _choose(session, {"postcode": town.town.postcode, "priorities": certified}, needs, today)
    coming = families(town)
    while batch := list(islice(coming, BATCH)):
        await _store(session, batch, town, today)


async def _choose(session: AsyncSession, chosen: dict[str, Any], needs: dict[str, Any], today: date) -> None:
    """Where dossiers need something else than before, those that are there are judged anew."""
    row = await session.get(TownRow, True, with_for_update=True)
    if row is None:
        session.add(TownRow(only_row=True, **chosen, **needs, judged_on=today, judged_to=None))
    else:
        if any(getattr(row, name) != value for name, value in needs.items()):
            needs = needs | {"judged_on": None, "judged_to": None}
        for name, value in (chosen | needs).items():
            setattr(row, name, value)
    await session.flush()


async def _store(session: AsyncSession, batch: Sequence[Family], town: Town, today: date) -> None:
    known = set(await session.scalars(select(Dossier.number).where(Dossier.number.in_([f.number for f in batch]))))
    dossiers = [_dossier(family, town, today) for family in batch if family.number not in known]
    adults = [adult for dossier in dossiers for adult in dossier.adults]
    # An account may have been heard of before its adult is loaded.
    accounts = select(Account).where(Account.guardian_id.in_([adult.id for adult in adults]))
    of = {account.guardian_id: account for account in await session.scalars(accounts)}
    for adult in adults:
        set_committed_value(adult, "account", of.get(adult.id))
    await store(session, dossiers)


def _dossier(family: Family, town: Town, today: date) -> Dossier:
    dossier_id = named_id("dossier", family.number)
    dossier = Dossier(
        id=dossier_id,
        number=family.number,
        status=DossierStatus.ACTIVE,
        priorities=[],
        version=1 if family.quotient is None else 2,  # one for each event about it
        **family.address.model_dump(),
    )
    for index, adult in enumerate(family.adults, start=1):
        dossier.adults.append(
            Adult(
                id=named_id("adult", family.number, str(index)),
                dossier_id=dossier_id,
                first_name=adult.first_name,
                last_name=adult.last_name,
                recorded_email=adult.email,
                phone=adult.phone,
                roles=["legal_guardian", "payer"] if index == 1 else ["legal_guardian"],
            )
        )
    dossier.adults.sort(key=lambda adult: (adult.first_name, adult.id))  # as they are read later
    for child in family.children:
        child_id = named_id("child", family.number, child.first_name)
        dossier.children.append(
            Child(
                id=child_id,
                first_name=child.first_name,
                last_name=child.last_name,
                birth_date=birth_date(child.age, today),
                schooling=_schooling(child_id, child, town, today),
                menu="standard",
                custody=None,
                resident=family.address.postcode == town.town.postcode,
                version=1,
            )
        )
    if family.quotient is not None:
        first_day = today.replace(month=1, day=1)
        dossier.quotients.append(
            Quotient(
                id=new_id(),
                dossier_id=dossier_id,
                value=family.quotient,
                source="caf",
                valid_from=first_day,
                valid_to=default_end(first_day),
            )
        )
    return dossier


def _schooling(child_id: UUID, child: ChildEntry, town: Town, today: date) -> list[Schooling]:
    school = next((school for school in town.schools if school.code == child.school), None)
    if school is None:
        return []
    return [
        Schooling(
            child_id=child_id,
            school_year=school_year(today),
            school_id=named_id("site", school.code),
            level=school.level,
        )
    ]


def birth_date(age: int, today: date) -> date:
    """Of a child who turned `age` a hundred days before `today`."""
    birthday = today - timedelta(days=100)
    if (birthday.month, birthday.day) == (2, 29):
        birthday -= timedelta(days=1)
    return birthday.replace(year=birthday.year - age)
