"""Ends what a launcher that was killed has left: run beside it in a session of its own, standard library only.

It reads a pipe of which only the launcher holds the other end. Each child announces itself there before it becomes the
program asked for, so that none is missed; when the pipe closes, the launcher is gone.
"""

import contextlib
import os
import shutil
import signal
import sys
import time
from collections.abc import Iterable
from pathlib import Path
from typing import NamedTuple

GRACE_S = 5.0


class Member(NamedTuple):
    """One running process; the start time tells it from a later one that was given the same pid."""

    pid: int
    parent: int
    session: int
    started: int


def member(pid: int) -> Member | None:
    """The process of that pid, or None when there is none that still runs (a zombie does not)."""
    try:
        stat = Path(f"/proc/{pid}/stat").read_text(errors="replace")
    except OSError:
        return None
    state, parent, _group, session, *rest = stat[stat.rindex(")") + 2 :].split()
    return None if state in "ZX" else Member(pid, int(parent), int(session), int(rest[15]))


def family(roots: Iterable[Member]) -> set[Member]:
    """The given processes, their descendants, and all in the sessions of both (a root may have ended before)."""
    pids_now = (int(entry.name) for entry in Path("/proc").iterdir() if entry.name.isdigit())
    everyone = [found for pid in pids_now if (found := member(pid))]
    started = {one.pid: one.started for one in everyone}
    pids = {root.pid for root in roots if started.get(root.pid, root.started) == root.started}
    known = 0
    while known < len(pids):
        known = len(pids)
        pids |= {one.pid for one in everyone if one.parent in pids or one.session in pids}
    return {one for one in everyone if one.pid in pids}


def end(members: Iterable[Member], grace_s: float) -> None:
    """Wait until none of them runs, killing the rest after `grace_s` seconds."""
    deadline = time.monotonic() + grace_s
    left = set(members)
    while left := {one for one in left if (now := member(one.pid)) and now.started == one.started}:
        late = time.monotonic() - deadline
        if late > GRACE_S:
            return  # unkillable, stuck in the kernel
        if late >= 0:
            for one in left:
                with contextlib.suppress(ProcessLookupError):
                    os.kill(one.pid, signal.SIGKILL)
        time.sleep(0.01)


def watch() -> None:
    """Keep what is announced until the pipe closes, then end and remove it all.

    Lines: `process PID LAST_SIGNAL`, `file PATH`, `folder PATH`.
    """
    roots: list[tuple[Member, int]] = []
    files, folders = [], []
    for line in sys.stdin:
        kind, _, rest = line.rstrip("\n").partition(" ")
        if kind == "file":
            files.append(Path(rest))
        elif kind == "folder":
            folders.append(Path(rest))
        else:
            pid, last_signal = map(int, rest.split())
            if found := member(pid):
                roots.append((found, last_signal))
    for file in files:  # first, before a next launcher writes them anew
        file.unlink(missing_ok=True)
    everything = family(root for root, _ in roots)
    orderly = family(root for root, last_signal in roots if last_signal != signal.SIGKILL)
    running = {(one.pid, one.started) for one in everything}
    for root, last_signal in roots:
        if (root.pid, root.started) in running:
            with contextlib.suppress(ProcessLookupError):
                os.kill(root.pid, last_signal)
    end(everything - orderly, 0)
    end(orderly, GRACE_S)
    for folder in folders:
        shutil.rmtree(folder, ignore_errors=True)


if __name__ == "__main__":
    watch()
