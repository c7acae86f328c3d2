"""Every family as a line of the file that an import takes."""

import csv
import io
from collections.abc import AsyncIterator, Mapping
from typing import Any, TypeVar
from uuid import UUID

from chassis import clock
from chassis.database import Database
from french.calendar import school_year
from french.paris import day_in_paris
from sqlalchemy import func, select
from sqlalchemy.ext.asyncio import AsyncSession
from sqlalchemy.orm import selectinload

from dossier.copies import Site
from dossier.imports.columns import LEVELS, MENUS, ROLES, SOURCES, titles
from dossier.imports.files import neutral
from dossier.models import Adult, Child, Dossier, DossierStatus, dossier_children

T = TypeVar("T")
BATCH = 500
_WHOLE = (
    selectinload(Dossier.adults).joinedload(Adult.account),
    selectinload(Dossier.children).selectinload(Child.schooling),
    selectinload(Dossier.quotients),
)


async def pieces(database: Database) -> AsyncIterator[bytes]:
    """The file, no more of it in memory than a batch of families, read in a transaction each."""
    async with database.sessions.begin() as session:
        columns = titles(await _most(session, Adult.dossier_id), await _most(session, dossier_children.c.dossier_id))
        named = await session.execute(select(Site.id, Site.name).where(Site.kind == "school"))
        schools = {row[0]: row[1] for row in named}
    yield b"\xef\xbb\xbf" + _written([dict(zip(columns, columns, strict=True))], columns)
    after = ""
    while True:
        async with database.sessions.begin() as session:
            query = select(Dossier).options(*_WHOLE).order_by(Dossier.number).limit(BATCH)
            query = query.where(Dossier.number > after, Dossier.status == DossierStatus.ACTIVE)
            found = (await session.scalars(query)).all()
        if not found:
            return
        after = found[-1].number
        yield _written([_line(dossier, schools) for dossier in found], columns)


async def _most(session: AsyncSession, of: Any) -> int:
    """How many the dossier has that has most of them; one at least."""
    counts = select(of, func.count().label("count")).group_by(of).subquery()
    return await session.scalar(select(func.max(counts.c.count))) or 1


def _written(lines: list[dict[str, str]], columns: list[str]) -> bytes:
    text = io.StringIO()
    writer = csv.DictWriter(text, columns, restval="", extrasaction="ignore", delimiter=";", lineterminator="\r\n")
    writer.writerows({column: neutral(cell) for column, cell in line.items()} for line in lines)
    return text.getvalue().encode()


def _line(dossier: Dossier, schools: Mapping[UUID, str]) -> dict[str, str]:
    line = {
        "numero": dossier.number,
        "rue": dossier.street or "",
        "code_postal": dossier.postcode or "",
        "commune": dossier.city or "",
    }
    roles, menus, levels, sources = map(_inverse, (ROLES, MENUS, LEVELS, SOURCES))
    for number, adult in enumerate(dossier.adults, start=1):
        line |= {
            f"adulte{number}_nom": adult.last_name,
            f"adulte{number}_prenom": adult.first_name,
            f"adulte{number}_courriel": adult.email or "",
            f"adulte{number}_telephone": adult.phone or "",
            f"adulte{number}_role": " ".join(roles[role] for role in adult.roles),
        }
    this_year = school_year(day_in_paris(clock.now()))
    for number, child in enumerate(dossier.children, start=1):
        line |= {
            f"enfant{number}_nom": child.last_name,
            f"enfant{number}_prenom": child.first_name,
            f"enfant{number}_naissance": f"{child.birth_date:%d/%m/%Y}",
            f"enfant{number}_menu": menus[child.menu],
        }
        year = next((one for one in child.schooling if one.school_year == this_year), None)
        if year and year.school_id in schools:
            line |= {
                f"enfant{number}_ecole": schools[year.school_id],
                f"enfant{number}_niveau": levels[year.level],
                f"enfant{number}_classe": year.class_name or "",
            }
    if dossier.quotients:
        newest = dossier.quotients[-1]
        line |= {
            "quotient": str(newest.value),
            "quotient_source": sources[newest.source],
            "quotient_debut": f"{newest.valid_from:%d/%m/%Y}",
        }
    return line


def _inverse(words: Mapping[str, T]) -> dict[T, str]:
    return {meaning: word for word, meaning in words.items()}
