"""Where documents' files are: in one folder, which API and worker share. What else could keep them needs these methods.

A file comes in under a name that nobody asks for, is put under its document's id before the row is committed, and is
deleted some time after there is no such row: whoever dies in between leaves nothing for good.
"""

import asyncio
import hashlib
import os
import time
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator, Set
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from uuid import UUID, uuid4

#: Younger files may still get their row. By the machine's clock, as the files' own times are.
UNCLAIMED_S = 24 * 3600


@dataclass(frozen=True)
class Incoming:
    """A file that has come: where it is, and the SHA-256 of what came; `checked` is for what is to be kept of it."""

    path: Path
    checked: Path
    digest: bytes


class Folder:
    """The files of all documents, below `root`."""

    def __init__(self, root: Path) -> None:
        self._incoming, self._kept = root / "incoming", root / "kept"

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
        """What was checked is the document's file, on the disk for good."""
        await asyncio.to_thread(self._keep, incoming.checked, document_id)

    def _keep(self, checked: Path, document_id: UUID) -> None:
        place = self.path(document_id)
        place.parent.mkdir(parents=True, exist_ok=True)
        with checked.open("rb+") as file:
            os.fsync(file.fileno())
        checked.replace(place)
        folder = os.open(place.parent, os.O_RDONLY)
        try:
            os.fsync(folder)
        finally:
            os.close(folder)

    def path(self, document_id: UUID) -> Path:
        """Where that document's file is, if it is there."""
        name = str(document_id)
        return self._kept / name[-2:] / name

    async def sweep(self, known: Callable[[Set[UUID]], Awaitable[Set[UUID]]]) -> int:
        """Delete what was left half received, and files of no document that `known` answers; how many."""
        old = await asyncio.to_thread(lambda: list(self._old()))
        orphans = [path for path in old if path.parent == self._incoming]
        names = {UUID(path.name): path for path in old if path.parent != self._incoming}
        theirs = await known(names.keys()) if names else set()
        orphans += [path for name, path in names.items() if name not in theirs]
        for path in orphans:
            await asyncio.to_thread(path.unlink, missing_ok=True)
        return len(orphans)

    def _old(self) -> Iterator[Path]:
        before = time.time() - UNCLAIMED_S
        for folder in (self._incoming, *self._kept.glob("??")):
            for path in folder.glob("*"):
                with suppress(FileNotFoundError):  # another worker was faster
                    if path.stat().st_mtime < before:
                        yield path
