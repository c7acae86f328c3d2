"""Dossiers: read, told to others, and tied to the accounts of their adults."""

from uuid import UUID

from chassis.editing import Seen
from chassis.outbox import publish
from chassis.problems import NotFound, Problem
from chassis.reach import Reach
from contracts import dossier as contract
from contracts.identity import AccountActivated, AccountClosed
from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncSession
from sqlalchemy.orm import selectinload

from dossier import children
from dossier.copies import keep_account
from dossier.models import Adult, Dossier, DossierStatus


class Archived(Problem):
    type = "urn:problem:dossier:archived"
    title = "Dossier archivé"
    detail = "Ce dossier est archivé et ne se modifie plus."


WHOLE = (
    selectinload(Dossier.adults).joinedload(Adult.account),
    selectinload(Dossier.children).options(*children.parts()),
    selectinload(Dossier.quotients),
    selectinload(Dossier.certifications),
)


async def read(session: AsyncSession, reach: Reach, dossier_id: UUID | None) -> Dossier:
    """The whole dossier; raises NotFound."""
    dossier = await session.get(Dossier, dossier_id, options=WHOLE) if reach.covers(dossier_id) else None
    if dossier is None or not admits(dossier, reach):
        raise NotFound
    return dossier


def admits(dossier: Dossier, reach: Reach) -> bool:
    """Not the guardian it no longer has, whose token is good for some minutes yet."""
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
    dossier.version += 1
    await publish(session, dossier_changed(dossier))


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
        missing=dossier.missing,
        priorities=tuple(dossier.priorities),
    )
