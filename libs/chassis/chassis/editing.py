"""What several people may edit carries its version as an ETag; who writes says by If-Match which one they have seen."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Annotated, Protocol, TypeVar

from fastapi import Depends, Header, Response
from sqlalchemy.ext.asyncio import AsyncSession

from chassis.problems import Problem


class IfMatchMissing(Problem):
    type = "urn:problem:if-match-missing"
    status = 428
    title = "Version non précisée"
    detail = "Cette modification doit porter un en-tête If-Match : l'ETag de ce que vous avez lu en dernier."


class Stale(Problem):
    type = "urn:problem:stale"
    status = 412
    title = "Modifié entre-temps"
    detail = "Quelqu'un d'autre a modifié ces informations entre-temps : rechargez-les, puis recommencez."


def etag(version: int) -> str:
    """The header of what has that version."""
    return f'"{version}"'


class _Versioned(Protocol):
    @property
    def version(self) -> int: ...


Edited = TypeVar("Edited", bound=_Versioned)


def tagged(response: Response, thing: Edited) -> Edited:
    """The thing, whose version the response tells."""
    response.headers["ETag"] = etag(thing.version)
    return thing


class Seen:
    """What the caller has seen. Only exact versions count: `*` and weak ones would overwrite what nobody has read."""

    def __init__(self, if_match: str | None) -> None:
        if not if_match:
            raise IfMatchMissing
        self._tags = {tag.strip() for tag in if_match.split(",")}

    def refuse_if_older(self, version: int) -> None:
        """Raises Stale unless that version is what they have seen; ask under the lock of what is edited."""
        if etag(version) not in self._tags:
            raise Stale


# A coroutine: the framework would run anything else in a thread.
async def seen_version(if_match: Annotated[str | None, Header()] = None) -> Seen:
    return Seen(if_match)


#: For an endpoint that edits, declared after its policy: `seen: SeenVersion`.
SeenVersion = Annotated[Seen, Depends(seen_version)]


@asynccontextmanager
async def tried(session: AsyncSession, *, preview: bool) -> AsyncIterator[None]:
    """What is done in here is undone again by a preview; answer from it before it ends."""
    if not preview:
        yield
        return
    attempt = await session.begin_nested()
    yield
    await attempt.rollback()
