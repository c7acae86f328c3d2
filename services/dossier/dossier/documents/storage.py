"""Where documents' files are: in one folder, which API and worker share. What else could keep them needs these methods.

A file comes in under a name that nobody asks for, is sealed under its document's id before the row is committed, and is
deleted as soon as that row is, by whom `left_files` tells it, and some time later where there never was such a row.
Whoever dies in between leaves nothing for good, and nothing legible for longer than COMING_S.
"""

import asyncio
import hashlib
import os
import time
from collections.abc import AsyncIterator, Awaitable, Callable, Iterable, Iterator, Set
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass
from itertools import chain
from pathlib import Path
from uuid import UUID, uuid4

from cryptography.exceptions import InvalidTag

from dossier.documents import sealing
from dossier.keys import Ring

#: Younger files may still get their row. By the machine's clock, as the files' own times are.
UNCLAIMED_S = 24 * 3600
#: No file takes so long to come and be looked at: who was at it has died.
COMING_S = 3600


class FileLost(Exception):
    """It is not there, or nothing opens it."""


@dataclass(frozen=True)
class Incoming:
    """A file that has come: where it is, and the SHA-256 of what came; `checked` is for what is to be kept of it."""

    path: Path
    checked: Path
    digest: bytes


class Folder:
    """The files of all documents, below `root`, sealed by the keys of that ring."""

    def __init__(self, root: Path, ring: Ring) -> None:
        self._incoming, self._kept, self._ring = root / "incoming", root / "kept", ring

    @asynccontextmanager
    async def receive(self, chunks: AsyncIterator[bytes]) -> AsyncIterator[Incoming]:
        """A file as it comes, no more of it in memory than a piece; gone on leaving, unless it was kept."""
        await asyncio.to_thread(self._incoming.mkdir, parents=True, exist_ok=True)
        name = str(uuid4())
        path, checked = self._incoming / name, self._incoming / f"{name}.checked"
        digest = hashlib.sha256()
        try:
            with await asyncio.to_thread(path.open, "xb") as file:
                async for chunk in chunks:
                    digest.update(chunk)
                    await asyncio.to_thread(file.write, chunk)
            yield Incoming(path, checked, digest.digest())
        finally:
            for left in (path, checked):
                left.unlink(missing_ok=True)

    async def keep(self, incoming: Incoming, document_id: UUID) -> None:
        """What was checked is the document's file, sealed and on the disk for good."""
        await asyncio.to_thread(self._keep, incoming.checked, document_id)

    def _keep(self, checked: Path, document_id: UUID) -> None:
        with checked.open("rb") as file:
            self._put(document_id, sealing.pieces(file))

    def _put(self, document_id: UUID, content: Iterable[bytes]) -> None:
        """All of it, or what was there before."""
        place, coming = self.path(document_id), self._incoming / str(uuid4())
        for folder in (place.parent, self._incoming):
            folder.mkdir(parents=True, exist_ok=True)
        try:
            with coming.open("xb") as file:
                sealing.seal(self._ring, _about(document_id), content, file)
                file.flush()
                os.fsync(file.fileno())
            coming.replace(place)
        finally:
            coming.unlink(missing_ok=True)
        opened = os.open(place.parent, os.O_RDONLY)
        try:
            os.fsync(opened)
        finally:
            os.close(opened)

    def opened(self, document_id: UUID) -> Iterator[bytes]:
        """The file as it was handed in, piece by piece, of which the first is already read. Raises FileLost."""
        content = sealing.opened(self._ring, _about(document_id), self.path(document_id))
        try:
            return chain([next(content)], content)
        except (FileNotFoundError, KeyError, InvalidTag) as error:
            raise FileLost from error

    def seal_anew(self, document_id: UUID) -> bool:
        """By the newest key, where another has sealed it; whether it was so. Raises FileLost.

        Nobody may delete it meanwhile.
        """
        place = self.path(document_id)
        try:
            if sealing.key_of(place) == self._ring.newest:
                return False
            self._put(document_id, sealing.opened(self._ring, _about(document_id), place))
        except (FileNotFoundError, KeyError, InvalidTag) as error:
            raise FileLost from error
        return True

    def delete(self, document_id: UUID) -> None:
        """There may be none any more."""
        self.path(document_id).unlink(missing_ok=True)

    def path(self, document_id: UUID) -> Path:
        """Where that document's file is, if it is there."""
        name = str(document_id)
        return self._kept / name[-2:] / name

    def clear(self) -> None:
        """Delete what was left half received."""
        for path in _older(self._incoming, COMING_S):
            path.unlink(missing_ok=True)

    async def sweep(self, known: Callable[[Set[UUID]], Awaitable[Set[UUID]]]) -> int:
        """Delete files of no document that `known` answers; how many."""
        old = await asyncio.to_thread(
            lambda: [path for one in self._kept.glob("??") for path in _older(one, UNCLAIMED_S)]
        )
        names = {UUID(path.name): path for path in old}
        theirs = await known(names.keys()) if names else set()
        orphans = [path for name, path in names.items() if name not in theirs]
        for path in orphans:
            await asyncio.to_thread(path.unlink, missing_ok=True)
        return len(orphans)


def _about(document_id: UUID) -> str:
    return f"document {document_id}"


def _older(folder: Path, age_s: float) -> Iterator[Path]:
    before = time.time() - age_s
    for path in folder.glob("*"):
        with suppress(FileNotFoundError):  # another worker was faster
            if path.stat().st_mtime < before:
                yield path
