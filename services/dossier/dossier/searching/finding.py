"""Dossiers by what is remembered of them: number, names in any order, address; begun only, or misspelt."""

from collections.abc import Collection, Sequence
from uuid import UUID

from sqlalchemy import ColumnElement, case, cast, func, not_, select, text
from sqlalchemy.dialects.postgresql import TSQUERY
from sqlalchemy.ext.asyncio import AsyncSession
from sqlalchemy.orm import selectinload

from dossier.models import Dossier
from dossier.searching import rules
from dossier.searching.models import SearchText, SearchWord

#: So many words like the one asked for are tried.
LIKES = 10
NAMES = (selectinload(Dossier.adults), selectinload(Dossier.children))


async def find(session: AsyncSession, asked: str | None, after: UUID | None, most: int) -> Sequence[Dossier]:
    """Dossiers with their adults and children, those after `after`: first the one of that number, then those that have
    all the words, then their beginnings, then words like them; each by number. All by number where nothing is asked.
    """
    found = await _ids(session, asked, after, most)
    dossiers = {dossier.id: dossier for dossier in await named(session, found)}
    return [dossiers[one] for one in found]


async def named(session: AsyncSession, ids: Collection[UUID]) -> Sequence[Dossier]:
    """Those of these that there are, with their adults and children, by number."""
    query = select(Dossier).options(*NAMES).where(Dossier.id.in_(ids)).order_by(Dossier.number)
    return (await session.scalars(query)).all()


async def _ids(session: AsyncSession, asked: str | None, after: UUID | None, most: int) -> Sequence[UUID]:
    """Each kind is only asked for where those before have not filled the page."""
    kinds: list[ColumnElement[bool]] = [SearchText.dossier_id.is_not(None)]
    words: tuple[str, ...] = ()
    if asked is not None:
        words = rules.asked(await session.scalar(select(func.plain_words(asked))) or ())
        if not words:
            return []
        kinds = [SearchText.number == asked.strip(), _has(rules.whole(words)), _has(rules.beginnings(words))]
        if any(map(rules.slips, words)):
            kinds.append(_has(rules.alike(words, await _likes(session, words))))
    reached, number = 0, ""
    if after is not None:
        seen = select(case(*((kind, at) for at, kind in enumerate(kinds))), SearchText.number)
        row = (await session.execute(seen.where(SearchText.dossier_id == after))).one_or_none()
        if row is None or row[0] is None:  # unknown, or changed meanwhile so that it is not of these any more
            return []
        reached, number = row
    found: list[UUID] = []
    for at in range(reached, len(kinds)):
        query = select(SearchText.dossier_id, SearchText.number).where(kinds[at], *map(not_, kinds[:at]))
        if at == reached:
            query = query.where(SearchText.number > number)
        if at > 0:
            # By the words' index: in the order of numbers it would read the whole town to find the few.
            those = query.cte().prefix_with("MATERIALIZED")
            query = select(those.c.dossier_id, those.c.number)
        found += await session.scalars(query.order_by(text("number")).limit(most - len(found)))
        if len(found) == most:
            break
    return found


def _has(query: str) -> ColumnElement[bool]:
    return SearchText.words.bool_op("@@")(cast(query, TSQUERY))


async def _likes(session: AsyncSession, words: Sequence[str]) -> dict[str, list[str]]:
    """The nearest there are to each of the words."""
    likes: dict[str, list[str]] = {}
    for word in words:
        if slips := rules.slips(word):
            distance = func.levenshtein_less_equal(SearchWord.word, word, slips)
            near = select(SearchWord.word).where(distance.between(1, slips)).order_by(distance, SearchWord.word)
            likes[word] = list(await session.scalars(near.limit(LIKES)))
    return likes
