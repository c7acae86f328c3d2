"""Dossiers: read, told to others, and tied to the accounts of their adults."""

from collections.abc import Collection
from datetime import datetime
from uuid import UUID

from chassis import clock
from chassis.editing import Seen
from chassis.outbox import publish
from chassis.problems import NotFound, Problem
from chassis.reach import Reach
from contracts import dossier as contract
from contracts.identity import AccountActivated, AccountClosed
from french.paris import day_in_paris
from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncSession
from sqlalchemy.orm import selectinload
from sqlalchemy.orm.attributes import set_committed_value

from dossier import children
from dossier.copies import keep_account
from dossier.judging import judge, may_change_by_itself
from dossier.models import Adult, Dossier, DossierStatus, Town

#: Judged at once.
BATCH = 500


class Archived(Problem):
    type = "urn:problem:dossier:archived"
    title = "Dossier archivé"
    detail = "Ce dossier est archivé et ne se modifie plus."


WHOLE = (
    selectinload(Dossier.adults).joinedload(Adult.account),
    selectinload(Dossier.children).options(*children.parts()),
    selectinload(Dossier.quotients),
    selectinload(Dossier.payers),
    selectinload(Dossier.certifications),
)


async def read(session: AsyncSession, reach: Reach, dossier_id: UUID | None) -> Dossier:
    """The whole dossier; raises NotFound."""
    dossier = await session.get(Dossier, dossier_id, options=WHOLE) if reach.covers(dossier_id) else None
    if dossier is None or not admits(dossier, reach):
        raise NotFound
    return dossier


def admits(dossier: Dossier, reach: Reach) -> bool:
    """Not the guardian it no longer has, whose token may be good for a moment yet."""
    return reach.guardian_id is None or any(
        one.id == reach.guardian_id and "legal_guardian" in one.roles for one in dossier.adults
    )


async def edited(session: AsyncSession, reach: Reach, dossier_id: UUID, seen: Seen | None = None) -> Dossier:
    """The whole dossier, locked before any of its children, for who has seen it as it is.

    Raises NotFound, Archived, Stale.
    """
    if not reach.covers(dossier_id):
        raise NotFound
    dossier = await session.get(Dossier, dossier_id, options=WHOLE, with_for_update=True)
    if dossier is None or not admits(dossier, reach):
        raise NotFound
    if dossier.status is DossierStatus.ARCHIVED:
        raise Archived
    if seen:
        seen.refuse_if_older(dossier.version)
    return dossier


async def link_account(session: AsyncSession, event: AccountActivated | AccountClosed) -> None:
    """Keep the account of an adult, or that it is closed, and tell the address that the dossier now has for them."""
    if not await keep_account(session, event):
        return
    dossier_id = await session.scalar(select(Adult.dossier_id).where(Adult.id == event.guardian_id))
    if dossier_id is not None:
        await changed(session, await session.get_one(Dossier, dossier_id, options=WHOLE, with_for_update=True))


async def changed(session: AsyncSession, dossier: Dossier) -> None:
    """Tell that a whole dossier, whose row is locked, is now so."""
    await session.flush()
    await judge(session, [dossier], clock.now())
    dossier.version += 1
    await publish(session, dossier_changed(dossier))


async def judged(session: AsyncSession, dossier_ids: Collection[UUID]) -> None:
    """Tell of those dossiers in which something else is missing than was told, after something beside them changed."""
    await session.flush()
    for dossier_id in sorted(dossier_ids):
        dossier = await session.get_one(
            Dossier, dossier_id, options=WHOLE, with_for_update=True, populate_existing=True
        )
        if await judge(session, [dossier], clock.now()):
            await changed(session, dossier)


async def judge_all(session: AsyncSession, now: datetime) -> bool:
    """Once a day, for what days bring about, and when the town asks for something else: a batch of the dossiers.

    Whether there are more; another worker that is at it is left alone.
    """
    today = day_in_paris(now)
    due = select(Town).where(Town.judged_on.is_distinct_from(today)).with_for_update(skip_locked=True)
    town = await session.scalar(due)
    if town is None:
        return False
    if town.judged_on and not may_change_by_itself(town):
        town.judged_on = today
        return False
    query = select(Dossier).where(Dossier.status == DossierStatus.ACTIVE).order_by(Dossier.id).limit(BATCH)
    if town.judged_to:
        query = query.where(Dossier.id > town.judged_to)
    batch = (await session.scalars(query.options(*WHOLE))).all()
    with session.no_autoflush:  # judged without a lock: what seems changed is looked at again under one
        before = {dossier.id: dossier.missing for dossier in batch}
        seem = [dossier.id for dossier in await judge(session, batch, now)]
        for dossier in batch:
            set_committed_value(dossier, "missing", before[dossier.id])
    await judged(session, seem)
    if len(batch) < BATCH:
        town.judged_on, town.judged_to = today, None
    else:
        town.judged_to = batch[-1].id
    return len(batch) == BATCH


async def quotients_changed(session: AsyncSession, dossier: Dossier) -> None:
    """Tell that the quotients of a whole dossier, whose row is locked, are now so."""
    dossier.version += 1
    told = contract.QuotientChanged(version=dossier.version, dossier_id=dossier.id, quotients=dossier.quotient_periods)
    await publish(session, told)


def dossier_changed(dossier: Dossier) -> contract.DossierChanged:
    """The dossier as it is now, at its present version."""
    return contract.DossierChanged(
        version=dossier.version,
        dossier_id=dossier.id,
        number=dossier.number,
        status=dossier.status,
        adults=tuple(
            contract.Adult(
                adult_id=adult.id,
                first_name=adult.first_name,
                last_name=adult.last_name,
                roles=tuple(adult.roles),
                email=adult.email,
            )
            for adult in dossier.adults
        ),
        address=dossier.address,
        missing=tuple(dossier.missing),
        priorities=tuple(dossier.priorities),
        payers=tuple(contract.Payer(adult_id=one.adult_id, valid_from=one.valid_from) for one in dossier.payers),
        merged_into=dossier.merged_into,
    )
