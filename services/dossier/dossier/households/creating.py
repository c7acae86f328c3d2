"""A dossier is created, once: the next number where none is given, and not for a family that seems to have one."""

from collections.abc import Collection, Mapping, Sequence
from typing import Any

from chassis.desk import note
from chassis.identifiers import new_id
from chassis.problems import Problem
from contracts.dossier import PostalAddress
from sqlalchemy import BigInteger, and_, cast, func, select, text
from sqlalchemy.exc import IntegrityError
from sqlalchemy.ext.asyncio import AsyncSession

from dossier import dossiers
from dossier.households import adults
from dossier.households.children import NewChild, born
from dossier.households.rules import Named, with_payer
from dossier.models import COUNTED, Adult, Dossier, DossierStatus


class NumberTaken(Problem):
    type = "urn:problem:dossier:number-taken"
    title = "Numéro déjà donné"
    detail = "Un autre dossier porte ce numéro : choisissez-en un autre, ou laissez le portail donner le suivant."


class DossierKnown(Problem):
    type = "urn:problem:dossier:dossier-known"
    title = "Dossier déjà connu"

    def __init__(self, number: str = "") -> None:
        super().__init__(
            f"Le dossier {number} a un adulte de ce nom et de ce prénom, de la même adresse ou du même courriel :"
            " complétez-le, ou dites pourquoi il en faut un autre."
        )


async def create(
    session: AsyncSession,
    number: str | None,
    address: PostalAddress,
    grown_up: Sequence[Mapping[str, Any]],
    young: Collection[NewChild],
    override_reason: str | None,
) -> Dossier:
    """Raises NumberTaken, DossierKnown, Malformed, ChildKnown."""
    await one_at_a_time(session)
    if override_reason is None:
        await _refuse_known(session, address, grown_up)
    dossier = await empty(session, number, address)
    roles = with_payer(one["roles"] for one in grown_up)
    dossier.adults = [
        adults.adult(dossier.id, one["email"], theirs, {key: one[key] for key in ("first_name", "last_name", "phone")})
        for one, theirs in zip(grown_up, roles, strict=True)
    ]
    session.add(dossier)
    try:
        await session.flush()
    except IntegrityError as error:
        raise NumberTaken from error
    for index, one in enumerate(young):
        await born(session, dossier, one, f"/children/{index}")
    await dossiers.changed(session, dossier)
    note(session, subject_id=dossier.id, dossier_id=dossier.id)
    return dossier


async def empty(session: AsyncSession, number: str | None, address: PostalAddress | None) -> Dossier:
    """A dossier of nobody yet, and not stored, while nobody else makes one."""
    return Dossier(
        id=new_id(),
        number=number or await _next_number(session),
        status=DossierStatus.ACTIVE,
        priorities=[],
        version=0,
        children=[],
        payers=[],
        quotients=[],
        certifications=[],
        **(address.model_dump() if address else {}),
    )


async def one_at_a_time(session: AsyncSession) -> None:
    """Until the end of the transaction nobody else makes dossiers: two would take one number, or be one family."""
    await session.execute(select(func.pg_advisory_xact_lock(func.hashtextextended("new dossiers", 0))))


async def _next_number(session: AsyncSession) -> str:
    """One more than the highest that is a number."""
    highest = select(func.max(cast(Dossier.number, BigInteger))).where(text(COUNTED))
    return str((await session.scalar(highest) or 0) + 1)


async def _refuse_known(session: AsyncSession, address: PostalAddress, grown_up: Sequence[Mapping[str, Any]]) -> None:
    """Raises DossierKnown for a dossier that has one of these adults, by name and by address or email."""
    emails = [one["email"].casefold() for one in grown_up if one["email"]]
    same_home = and_(Dossier.postcode == address.postcode, func.lower(Dossier.street) == func.lower(address.street))
    alike = (
        select(Adult.first_name, Adult.last_name, Dossier.number)
        .join(Dossier, Dossier.id == Adult.dossier_id)
        .where(Dossier.status == DossierStatus.ACTIVE)
    )
    # Two statements, each by its index.
    found = [*await session.execute(alike.where(same_home))]
    found += await session.execute(alike.where(func.lower(Adult.recorded_email).in_(emails)))
    names = [Named(one["first_name"], one["last_name"]) for one in grown_up]
    for first_name, last_name, number in found:
        if any(Named(first_name, last_name).is_same(name) for name in names):
            raise DossierKnown(number)
