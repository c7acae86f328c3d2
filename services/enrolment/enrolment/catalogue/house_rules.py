"""The town's règlement of a school year, and each family's acceptance of it."""

from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from chassis.problems import NotFound, Problem
from chassis.reach import Acting
from french.paris import day_in_paris
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.ext.asyncio import AsyncSession

from enrolment.catalogue import school_years
from enrolment.catalogue.models import HouseRules, HouseRulesAcceptance
from enrolment.copies import Dossier


class AnotherVersion(Problem):
    type = "urn:problem:enrolment:another-house-rules-version"
    title = "Une autre version du règlement est en vigueur"
    detail = "Ce n'est pas cette version du règlement qui est en vigueur : relisez-le, puis acceptez-le."


@dataclass(frozen=True)
class Standing:
    """A year's règlement for one family; `acceptance` is none while it has not accepted it."""

    dossier_id: UUID
    rules: HouseRules
    acceptance: HouseRulesAcceptance | None


async def read(session: AsyncSession, acting: Acting, school_year: str | None, now: datetime) -> Standing:
    """Of that school year, else of the current one. Raises NotFound (a dossier, or a year without a règlement)."""
    if acting.at_desk and await session.get(Dossier, acting.dossier_id) is None:
        raise NotFound
    year = await school_years.find(session, school_year, day_in_paris(now))
    rules = await session.get(HouseRules, year.name)
    if rules is None:
        raise NotFound
    acceptance = await session.get(HouseRulesAcceptance, (acting.dossier_id, year.name))
    return Standing(acting.dossier_id, rules, acceptance)


async def accept(
    session: AsyncSession, acting: Acting, version: str, school_year: str | None, now: datetime
) -> Standing:
    """Accept what was read, once a school year and dossier: of two who accept it, the first is kept.

    Raises NotFound, AnotherVersion.
    """
    standing = await read(session, acting, school_year, now)
    rules = standing.rules
    if version != rules.version:
        raise AnotherVersion
    accepted = {"version": rules.version, "accepted_at": now, "account_id": acting.by.sub, "role": acting.by.role}
    key = {"dossier_id": acting.dossier_id, "school_year": rules.school_year}
    row = insert(HouseRulesAcceptance).values(**key, **accepted, name=acting.by.name)
    await session.execute(row.on_conflict_do_nothing())
    kept = await session.get(HouseRulesAcceptance, tuple(key.values()), populate_existing=True)
    return Standing(acting.dossier_id, rules, kept)


async def accepted(session: AsyncSession, dossier_id: UUID, school_year: str) -> bool:
    """Whether the family has accepted that year's règlement; also where there is none."""
    if await session.get(HouseRulesAcceptance, (dossier_id, school_year)) is not None:
        return True
    return await session.get(HouseRules, school_year) is None
