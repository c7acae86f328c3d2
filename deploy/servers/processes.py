"""A run folder and the processes started in it: none outlives its launcher, however that ends."""

import atexit
import fcntl
import functools
import os
import pwd
import secrets
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Mapping, Sequence
from contextlib import ExitStack, suppress
from dataclasses import dataclass, field
from pathlib import Path
from types import TracebackType
from typing import Literal, Self

from deploy.servers import ports, watcher
from deploy.servers.errors import LauncherError

ROOT = Path(__file__).parents[2]
STOP_S = 15.0
LOG_LINES = 25


@functools.cache
def _pipe_to_watcher() -> int:
    """Start this launcher's watcher; the descriptor of the pipe on which it is told what to end and remove."""
    read_end, write_end = os.pipe()
    process = subprocess.Popen(
        [sys.executable, "-I", "-S", watcher.__file__],
        stdin=read_end,
        stdout=subprocess.DEVNULL,
        cwd="/",
        start_new_session=True,  # Ctrl-C does not reach it, nor a kill of the launcher's whole group
    )
    os.close(read_end)

    def let_go() -> None:
        os.close(write_end)
        process.wait()

    atexit.register(let_go)
    return write_end


def _remove_after_a_crash(kind: Literal["file", "folder"], path: Path) -> None:
    os.write(_pipe_to_watcher(), f"{kind} {path}\n".encode())


def unprivileged(user: str) -> str | None:
    """Whom a server that refuses root runs as: nobody else for an ordinary user, else `user` where there is one."""
    if os.geteuid() != 0:
        return None
    return user if any(entry.pw_name == user for entry in pwd.getpwall()) else "nobody"


@dataclass
class Process:
    """A program that may be started, stopped, killed and started again. It is the leader of a session of its own."""

    name: str
    argv: Sequence[str | Path]
    env: Mapping[str, str]
    log: Path
    user: str | None = None
    cwd: Path = ROOT
    #: Asks the program to stop in order; the other one, when the launcher was killed and nothing need be kept.
    stop_signal: int = signal.SIGTERM
    last_signal: int = signal.SIGKILL
    _running: subprocess.Popen[bytes] | None = field(default=None, repr=False)
    _root: watcher.Member | None = field(default=None, repr=False)

    def start(self) -> None:
        """Start it; its output is added to its log."""
        pipe = _pipe_to_watcher()

        def announce() -> None:  # in the child, before the program: a write only, since other threads may hold locks
            os.write(pipe, b"process %d %d\n" % (os.getpid(), self.last_signal))

        with self.log.open("ab") as log:
            self._running = subprocess.Popen(
                self.argv,
                env=self.env,
                cwd=self.cwd,
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=subprocess.STDOUT,
                start_new_session=True,
                preexec_fn=announce,
                user=self.user,
                group=self.user and pwd.getpwnam(self.user).pw_gid,
                extra_groups=self.user and [],
            )
        self._root = watcher.member(self._running.pid)

    @property
    def pid(self) -> int:
        """Pid of the program last started."""
        if self._running is None:
            raise LauncherError(f"{self.name} has not been started.")
        return self._running.pid

    @property
    def status(self) -> int | None:
        """Exit status (negative: the signal that ended it); None while it runs or before its first start."""
        return self._running.poll() if self._running else None

    @property
    def running(self) -> bool:
        return self._running is not None and self._running.poll() is None

    def family(self) -> set[watcher.Member]:
        """The program, its descendants and whatever else is in their sessions."""
        return watcher.family([self._root] if self._root else [])

    def stop(self, deadline_s: float = STOP_S) -> None:
        """Ask it to stop; at the deadline kill it. Returns when nothing of it, or of what it started, is left."""
        stop([self], deadline_s)

    def kill(self) -> None:
        """`kill -9`, of the program and all that it started."""
        members = self.family()
        for one in members:
            _signal(one.pid, signal.SIGKILL)
        self._gone(members)

    def _gone(self, members: set[watcher.Member]) -> None:
        watcher.end(members | self.family(), 0)
        if self._running:
            self._running.wait()
        self._running = None

    def failure(self, what: str) -> LauncherError:
        """What to say when it has not done what it should: its name, `what` it did, and the end of its log."""
        lines = self.log.read_text(errors="replace").splitlines()[-LOG_LINES:]
        return LauncherError("\n".join([f"{self.name} {what}. The end of {self.log}:", *lines]))


def _signal(pid: int, number: int) -> None:
    with suppress(ProcessLookupError):
        os.kill(pid, number)


def stop(processes: Sequence[Process], deadline_s: float = STOP_S) -> None:
    """Stop them all at once: each is asked, and what is left of any after `deadline_s` seconds is killed."""
    families = {process.name: process.family() for process in processes}
    for process in processes:
        if process.running:
            _signal(process.pid, process.stop_signal)
    deadline = time.monotonic() + deadline_s
    for process in processes:
        if process._running:
            with suppress(subprocess.TimeoutExpired):
                process._running.wait(max(0.0, deadline - time.monotonic()))
        process._gone(families[process.name])


class RunFolder:
    """The folder of one stack: its lock, logs, ports, data folders and processes, all given back on leaving."""

    def __init__(self, path: Path) -> None:
        self.path = path.absolute()
        self.processes: dict[str, Process] = {}
        self._held = ExitStack()

    def __enter__(self) -> Self:
        self.path.mkdir(parents=True, exist_ok=True)
        lock = self._held.enter_context((self.path / "lock").open("w"))
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            self._held.close()
            raise LauncherError(f"A stack is already running in {self.path}: stop it first.") from None
        shutil.rmtree(self.path / "logs", ignore_errors=True)
        (self.path / "logs").mkdir(mode=0o700)  # what the servers tell may be personal
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        try:
            stop(list(self.processes.values()))
        finally:
            self._held.close()

    def port(self) -> int:
        """A free loopback port, kept for this folder until the end."""
        return self._held.enter_context(ports.reserved())

    def data(self, name: str, user: str | None) -> Path:
        """An empty folder that `user` owns, removed at the end.

        Not in the run folder: the checkout may lie where that user may not go, and a path there may be long.
        """
        path = Path("/var/tmp") / f"espace-{name}-{secrets.token_hex(6)}"  # noqa: S108 (0700 under a name nobody can foresee)
        _remove_after_a_crash("folder", path)
        path.mkdir(mode=0o700)
        self._held.callback(shutil.rmtree, path)
        if user:
            shutil.chown(path, user, pwd.getpwnam(user).pw_gid)
        return path

    def file(self, name: str) -> Path:
        """Where a file of this run goes; not there now, and removed at the end."""
        path = self.path / name
        path.unlink(missing_ok=True)
        _remove_after_a_crash("file", path)
        self._held.callback(path.unlink, missing_ok=True)
        return path

    def process(
        self,
        name: str,
        argv: Sequence[str | Path],
        env: Mapping[str, str],
        *,
        user: str | None = None,
        cwd: Path = ROOT,
        stop_signal: int = signal.SIGTERM,
        last_signal: int = signal.SIGKILL,
    ) -> Process:
        """A process of this folder, not started yet, writing to `logs/NAME.log`."""
        log = self.path / "logs" / f"{name}.log"
        process = Process(name, argv, env, log, user, cwd, stop_signal, last_signal)
        self.processes[name] = process
        return process

    def check(self) -> None:
        """Raise the failure of a process that has ended without being asked to."""
        for process in self.processes.values():
            if process.status is not None:
                raise process.failure(f"ended with status {process.status}")

    def wait_until(self, ready: Callable[[], bool], process: Process, deadline_s: float) -> None:
        """Return when `ready()`. Raises the failure of one that ends meanwhile, or of `process` at the deadline."""
        deadline = time.monotonic() + deadline_s
        while not ready():
            self.check()
            if time.monotonic() > deadline:
                raise process.failure(f"was not ready after {deadline_s:.0f} s")
            time.sleep(0.03)

    def finish(self, processes: Sequence[Process], deadline_s: float) -> None:
        """Wait until these have ended well. Raises the failure of one that did not, or that takes too long."""
        deadline = time.monotonic() + deadline_s
        waiting = list(processes)
        while waiting:
            for process in waiting:
                if process.status:
                    raise process.failure(f"ended with status {process.status}")
            waiting = [process for process in waiting if process.status is None]
            if waiting and time.monotonic() > deadline:
                raise waiting[0].failure(f"had not finished after {deadline_s:.0f} s")
            time.sleep(0.03)
        for process in processes:
            del self.processes[process.name]
