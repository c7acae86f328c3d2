"""Asking API Particulier for quotients: of one family, or of all whose adults agreed; always between two transactions.

A campaign is done by one worker at a time, family by family, each with its outcome in the transaction that records the
quotient: whoever dies goes on where they were.
"""

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import timedelta
from typing import Any
from uuid import UUID

from chassis import clock
from chassis.database import Database
from chassis.identifiers import new_id
from chassis.problems import NotFound
from chassis.reach import Reach
from french.paris import day_in_paris
from sqlalchemy import any_, func, insert, literal, select, update
from sqlalchemy.ext.asyncio import AsyncSession

from dossier import dossiers
from dossier.models import Adult, Dossier, DossierStatus
from dossier.quotients.models import Asked, Campaign, CampaignStatus, QuotientConsent
from dossier.quotients.particulier import (
    PAUSE_S,
    Access,
    CivilStatus,
    NotConnected,
    Particulier,
    ParticulierDown,
    Quotient,
    TokenRefused,
    Unknown,
    connected,
)
from dossier.quotients.recording import Found, Source, record

#: Fifteen calls a second at most, of the twenty that a token may make.
PACE_S = 1 / 15
#: A worker tells before each family that it lives; whoever says nothing for so long is taken for dead.
LEASE = timedelta(seconds=PAUSE_S)
_SOURCES: dict[str, Source] = {"CNAF": "caf", "MSA": "msa"}
NOBODY_AGREED = "Aucun adulte de ce dossier n'a accepté que son quotient soit demandé."


@dataclass(frozen=True)
class Answer:
    """`outcome` is changed, unchanged, unknown or no_consent; `detail` says in French what was found, or why not."""

    outcome: str
    detail: str


async def who_agreed(session: AsyncSession, reach: Reach, dossier_id: UUID) -> list[CivilStatus]:
    """Those to ask for, who pays first. Raises NotFound."""
    if not reach.covers(dossier_id) or await session.get(Dossier, dossier_id) is None:
        raise NotFound
    return await _agreed(session, dossier_id)


async def _agreed(session: AsyncSession, dossier_id: UUID) -> list[CivilStatus]:
    query = select(QuotientConsent).join(Adult, Adult.id == QuotientConsent.adult_id)
    pays = literal("payer") == any_(Adult.roles)
    theirs = query.where(QuotientConsent.dossier_id == dossier_id).order_by(pays.desc(), QuotientConsent.agreed_at)
    return [
        CivilStatus(one.birth_name, one.first_names, one.sex, one.birth_date, one.birth_country, one.birthplace)
        for one in await session.scalars(theirs)
    ]


@dataclass(frozen=True)
class Hit:
    person: CivilStatus
    quotient: Quotient


async def ask(particulier: Particulier, agreed: Sequence[CivilStatus]) -> Hit | Answer:
    """For the first who is known there. Raises TokenRefused, ParticulierDown."""
    why = NOBODY_AGREED
    for person in agreed:
        try:
            return Hit(person, await particulier.quotient(person))
        except Unknown as unknown:
            why = str(unknown)
    return Answer("unknown" if agreed else "no_consent", why)


async def keep(session: AsyncSession, dossier_id: UUID, found: Hit | Answer) -> Answer:
    """Record what was found, from the next month on, unless that person agrees no more."""
    if isinstance(found, Answer):
        return found
    dossier = await session.get(Dossier, dossier_id, options=dossiers.WHOLE, with_for_update=True)
    if (
        dossier is None
        or dossier.status != DossierStatus.ACTIVE
        or found.person not in await _agreed(session, dossier_id)
    ):
        return Answer("no_consent", NOBODY_AGREED)
    said, today = found.quotient, day_in_paris(clock.now())
    changed = await record(session, dossier, Found(said.value, _SOURCES[said.provider]), today)
    detail = f"Quotient de {said.value} €, connu en {said.month:02}/{said.year}."
    return Answer("changed" if changed else "unchanged", detail)


# ------------------------------------------------------------------------------------------------- of all families


async def begin(session: AsyncSession, access: Access, reach: Reach) -> Campaign:
    """A campaign of all families of which an adult agreed, or the one that goes on. Raises NotConnected."""
    if not access.token:
        raise NotConnected
    await session.execute(select(func.pg_advisory_xact_lock(func.hashtextextended("quotient campaigns", 0))))
    running = await session.scalar(select(Campaign).where(Campaign.status == CampaignStatus.RUNNING))
    if running is not None:
        return running
    now = clock.now()
    campaign = Campaign(
        id=new_id(), status=CampaignStatus.RUNNING, version=1, asked_by=reach.sub, asked_at=now, next_at=now
    )
    session.add(campaign)
    await session.flush()
    agreed = select(Dossier.id).where(
        Dossier.status == DossierStatus.ACTIVE, Dossier.id.in_(select(QuotientConsent.dossier_id))
    )
    theirs = [{"campaign_id": campaign.id, "dossier_id": one} for one in await session.scalars(agreed)]
    if theirs:
        await session.execute(insert(Asked), theirs)
    return campaign


@dataclass(frozen=True)
class Progress:
    """Of `total` families so many have been asked for, by outcome."""

    campaign: Campaign
    total: int
    outcomes: dict[str, int]


async def progress(session: AsyncSession, campaign_id: UUID) -> Progress:
    """Raises NotFound."""
    campaign = await session.get(Campaign, campaign_id)
    if campaign is None:
        raise NotFound
    return (await _counted(session, [campaign]))[0]


async def newest(session: AsyncSession, after: UUID | None, most: int) -> list[Progress]:
    """The newest first."""
    query = select(Campaign).order_by(Campaign.id.desc()).limit(most)
    found = await session.scalars(query if after is None else query.where(Campaign.id < after))
    return await _counted(session, found.all())


async def _counted(session: AsyncSession, campaigns: Sequence[Campaign]) -> list[Progress]:
    counts = select(Asked.campaign_id, Asked.outcome, func.count()).group_by(Asked.campaign_id, Asked.outcome)
    of: dict[UUID, dict[str | None, int]] = {one.id: {} for one in campaigns}
    for campaign_id, outcome, count in await session.execute(counts.where(Asked.campaign_id.in_(of))):
        of[campaign_id][outcome] = count
    return [
        Progress(one, sum(of[one.id].values()), {name: count for name, count in of[one.id].items() if name})
        for one in campaigns
    ]


async def not_found(session: AsyncSession, campaign_id: UUID, after: str, most: int) -> Sequence[Any]:
    """Families after that number of whom no quotient was found: number, dossier_id, outcome, detail."""
    query = select(Dossier.number, Asked.dossier_id, Asked.outcome, Asked.detail).join(Dossier)
    theirs = query.where(Asked.campaign_id == campaign_id, Asked.outcome.in_(["unknown", "no_consent"]))
    return (await session.execute(theirs.where(Dossier.number > after).order_by(Dossier.number).limit(most))).all()


async def ask_for_everybody(database: Database, access: Access) -> None:
    """Go on with the campaign that runs, if nobody else does, until it is done or API Particulier wants a pause."""
    async with database.sessions.begin() as session:
        query = select(Campaign).where(Campaign.status == CampaignStatus.RUNNING, Campaign.next_at <= clock.now())
        campaign = await session.scalar(query.with_for_update(skip_locked=True))
        if campaign is None:
            return
        campaign.next_at = clock.now() + LEASE
    try:
        async with connected(access) as particulier:
            more = True
            while more:
                more = await _next(database, particulier, campaign.id)
                await asyncio.sleep(PACE_S)
    except (NotConnected, TokenRefused, ParticulierDown) as problem:
        pause = timedelta(seconds=problem.retry_after_s or PAUSE_S)
        async with database.sessions.begin() as session:
            stopped = update(Campaign).where(Campaign.id == campaign.id)
            await session.execute(stopped.values(next_at=clock.now() + pause, trouble=problem.detail))


async def _next(database: Database, particulier: Particulier, campaign_id: UUID) -> bool:
    """Ask for the next family; False where there is none, and the campaign is done. Raises TokenRefused,
    ParticulierDown.
    """
    async with database.sessions.begin() as session:
        campaign = await session.get_one(Campaign, campaign_id, with_for_update=True)
        waiting = select(Asked.dossier_id).where(Asked.campaign_id == campaign_id, Asked.outcome.is_(None))
        dossier_id = await session.scalar(waiting.order_by(Asked.dossier_id).limit(1))
        if dossier_id is None:
            if campaign.status == CampaignStatus.RUNNING:
                campaign.move(CampaignStatus.DONE)
                campaign.finished_at, campaign.trouble = clock.now(), None
            return False
        campaign.next_at = clock.now() + LEASE
        agreed = await _agreed(session, dossier_id)
    found = await ask(particulier, agreed)
    async with database.sessions.begin() as session:
        answer = await keep(session, dossier_id, found)
        this = update(Asked).where(Asked.campaign_id == campaign_id, Asked.dossier_id == dossier_id)
        await session.execute(this.values(outcome=answer.outcome, detail=answer.detail))
        await session.execute(update(Campaign).where(Campaign.id == campaign_id).values(trouble=None))
    return True
