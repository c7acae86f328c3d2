"""Importing families or quotients: a file is taken in line by line, then its lines are stored a batch a transaction.

A family is stored whole or not at all; its line is done in the same transaction. Whoever dies goes on where they were;
the same file again stores nobody twice, since a dossier whose number is there stays as it is.
"""

import asyncio
from collections.abc import Iterator, Sequence
from itertools import islice
from typing import Any, BinaryIO
from uuid import UUID

from chassis import clock
from chassis.database import Database, copy
from chassis.identifiers import new_id
from chassis.problems import NotFound, Problem, Unavailable, unexpected
from french.names import name_key
from french.paris import day_in_paris
from sqlalchemy import func, select
from sqlalchemy.ext.asyncio import AsyncSession
from sqlalchemy.orm import selectinload

from dossier.copies import Site
from dossier.households.creating import one_at_a_time
from dossier.imports import quotients
from dossier.imports.columns import Kind
from dossier.imports.families import Fault, Known, Refused, read
from dossier.imports.files import Table
from dossier.imports.models import Import, ImportLine, ImportStatus, Outcome
from dossier.models import Dossier, DossierStatus, Town
from dossier.quotients.recording import differs, record
from dossier.storing import store

BATCH = 500
UNFORESEEN = "Cette ligne n'a pas pu être enregistrée : vérifiez-la, ou saisissez cette famille au guichet."


class NothingToImport(Problem):
    type = "urn:problem:dossier:nothing-to-import"
    status = 422
    title = "Rien à importer"
    detail = "Ce fichier n'a que des titres : aucune ligne n'est à importer."


async def receive(session: AsyncSession, file: BinaryIO, kind: Kind, dry_run: bool, asked_by: UUID | None) -> Import:
    """Take the file in; its families are stored later. Raises FileUnreadable, Malformed, NothingToImport."""
    table = await asyncio.to_thread(Table, file, kind)
    importing = Import(
        id=new_id(),
        status=ImportStatus.WAITING,
        version=1,
        kind=kind,
        dry_run=dry_run,
        columns=table.columns,
        **dict.fromkeys(("lines", "done", "created", "known", "refused"), 0),
        asked_by=asked_by,
        asked_at=clock.now(),
    )
    session.add(importing)
    await session.flush()
    lines = _rows(importing, table)
    while batch := await asyncio.to_thread(lambda: list(islice(lines, BATCH))):
        await copy(session, ImportLine.__table__, batch)
        importing.lines += len(batch)
    table.close()
    if not importing.lines:
        raise NothingToImport
    return importing


def _rows(importing: Import, table: Table) -> Iterator[dict[str, Any]]:
    at = table.columns.index("numero")
    for line, cells in table.lines():
        # PostgreSQL stores no NUL; no value with one is accepted anyway.
        whole = [cell.replace("\0", "\ufffd") for cell in cells]
        number = whole[at][:100] if at < len(whole) else ""
        yield {"import_id": importing.id, "line": line, "number": number, "cells": whole, "faults": []}


async def one(session: AsyncSession, import_id: UUID) -> Import:
    """Raises NotFound."""
    found = await session.get(Import, import_id)
    if found is None:
        raise NotFound
    return found


async def newest(session: AsyncSession, after: UUID | None, most: int) -> Sequence[Import]:
    """The newest first."""
    query = select(Import).order_by(Import.id.desc()).limit(most)
    return (await session.scalars(query if after is None else query.where(Import.id < after))).all()


async def report(
    session: AsyncSession, import_id: UUID, outcome: Outcome | None, after: int, most: int
) -> Sequence[ImportLine]:
    """What became of the lines that come after that one, in their order."""
    query = select(ImportLine).where(
        ImportLine.import_id == import_id, ImportLine.line > after, ImportLine.outcome.is_not(None)
    )
    if outcome is not None:
        query = query.where(ImportLine.outcome == outcome)
    return (await session.scalars(query.order_by(ImportLine.line).limit(most))).all()


async def go_on(database: Database, import_id: UUID | None = None) -> bool:
    """Store the next families of that import, or of the oldest that nobody else is at; False where there are none."""
    async with database.sessions.begin() as session:
        query = select(Import).where(Import.status != ImportStatus.DONE).order_by(Import.id).limit(1)
        if import_id is not None:
            query = query.where(Import.id == import_id)
        importing = await session.scalar(query.with_for_update(skip_locked=True))
        if importing is None:
            return False
        await _take(session, importing)
    return True


async def _take(session: AsyncSession, importing: Import) -> None:
    waiting = select(ImportLine).where(ImportLine.import_id == importing.id, ImportLine.outcome.is_(None))
    lines = (await session.scalars(waiting.order_by(ImportLine.line).limit(BATCH))).all()
    for line, became in zip(lines, await _outcomes(session, importing, lines), strict=True):
        if isinstance(became, Refused):
            line.outcome, line.faults = Outcome.REFUSED, [vars(fault) for fault in became.faults]
        else:
            line.outcome = became
        setattr(importing, line.outcome, getattr(importing, line.outcome) + 1)
        line.cells = None
    importing.done += len(lines)
    if importing.status == ImportStatus.WAITING and importing.done < importing.lines:
        importing.move(ImportStatus.RUNNING)
    elif importing.done == importing.lines:
        importing.move(ImportStatus.DONE)
        importing.finished_at = clock.now()


async def _outcomes(session: AsyncSession, importing: Import, lines: Sequence[ImportLine]) -> list[Outcome | Refused]:
    """What becomes of each; one at which something fails that nobody foresaw is refused alone, and holds up nothing."""
    take = _families if importing.kind == "families" else _quotients
    try:
        async with session.begin_nested():
            return await take(session, importing, lines)
    except Exception as error:
        if isinstance(unexpected(error), Unavailable):
            raise
    if len(lines) == 1:
        return [Refused(Fault("", UNFORESEEN))]
    half = len(lines) // 2
    return [outcome for part in (lines[:half], lines[half:]) for outcome in await _outcomes(session, importing, part)]


async def _families(session: AsyncSession, importing: Import, lines: Sequence[ImportLine]) -> list[Outcome | Refused]:
    await one_at_a_time(session)
    numbers = [line.number for line in lines]
    known = set(await session.scalars(select(Dossier.number).where(Dossier.number.in_(numbers))))
    earliest = select(ImportLine.number, func.min(ImportLine.line)).group_by(ImportLine.number)
    theirs = earliest.where(ImportLine.import_id == importing.id, ImportLine.number.in_(numbers))
    first = {row[0]: row[1] for row in await session.execute(theirs)}
    facts, coming, became = await _known(session), list[Dossier](), list[Outcome | Refused]()
    for line in lines:
        try:
            dossier = read(importing.columns, line.cells or (), facts)
        except Refused as refused:
            became.append(refused)
            continue
        if first[line.number] < line.line:
            became.append(Refused(Fault("numero", f"Ce numéro est déjà celui de la ligne {first[line.number]}.")))
        elif line.number in known:
            became.append(Outcome.KNOWN)
        else:
            became.append(Outcome.CREATED)
            coming.append(dossier)
    if not importing.dry_run:
        await store(session, coming)
    return became


async def _quotients(session: AsyncSession, importing: Import, lines: Sequence[ImportLine]) -> list[Outcome | Refused]:
    theirs = select(Dossier).options(selectinload(Dossier.quotients)).order_by(Dossier.id)
    theirs = theirs.where(Dossier.number.in_([line.number for line in lines]), Dossier.status == DossierStatus.ACTIVE)
    dossiers = {dossier.number: dossier for dossier in await session.scalars(theirs.with_for_update(of=Dossier))}
    today, became = day_in_paris(clock.now()), list[Outcome | Refused]()
    for line in lines:
        try:
            found = quotients.read(importing.columns, line.cells or (), today)
            if line.number not in dossiers:
                raise Refused(Fault("numero", "Aucun dossier en cours ne porte ce numéro."))
        except Refused as refused:
            became.append(refused)
            continue
        dossier = dossiers[line.number]
        if importing.dry_run:
            changed = differs(dossier, found, today)
        else:
            changed = await record(session, dossier, found, today)
        became.append(Outcome.CREATED if changed else Outcome.KNOWN)
    return became


async def _known(session: AsyncSession) -> Known:
    schools = (await session.scalars(select(Site).where(Site.kind == "school"))).all()
    named = {name_key(name): school.id for school in schools for name in (school.name, school.code)}
    return Known(named, await session.scalar(select(Town.postcode)), day_in_paris(clock.now()))


async def import_families(database: Database, _: object) -> None:
    """Every import there is, a batch a transaction."""
    while await go_on(database):
        pass
