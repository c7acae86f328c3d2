"""Where PostgreSQL, RabbitMQ and Chromium are on this machine, and their installation where they are missing."""

import os
import shutil
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from deploy.servers.errors import LauncherError

OLDEST_POSTGRES = 15
FONT = Path("/usr/share/fonts/truetype/dejavu/DejaVuSans.ttf")
POLICY = Path("/usr/sbin/policy-rc.d")
SET_ASIDE = POLICY.with_name("policy-rc.d.set-aside")


def postgres_programs() -> Path:
    """Folder of `initdb` and `postgres`, of the newest version installed. Raises LauncherError where there is none."""
    found = {
        int(folder.parent.name): folder
        for folder in Path("/usr/lib/postgresql").glob("*/bin")
        if folder.parent.name.isdigit() and (folder / "initdb").exists()
    }
    if not found or max(found) < OLDEST_POSTGRES:
        raise LauncherError(f"PostgreSQL {OLDEST_POSTGRES} or later is missing: run `make setup`.")
    return found[max(found)]


def rabbitmq_server() -> Path:
    """RabbitMQ's own start script, not Debian's wrapper of it, which insists on the system's folders."""
    script = Path("/usr/lib/rabbitmq/bin/rabbitmq-server")
    if not script.exists() or not shutil.which("erl"):
        raise LauncherError("RabbitMQ is missing: run `make setup`.")
    return script


def chromium() -> Path:
    """The browser in which tests look at the pages; it has letters to draw. Raises LauncherError."""
    found = shutil.which("chromium")
    if not found or not FONT.exists():
        raise LauncherError("Chromium or its fonts are missing: run `make setup`.")
    return Path(found)


def install() -> None:
    """Install by apt what neither the environment nor this machine provides; no server is started.

    Raises LauncherError, naming what is missing, where that cannot be done.
    """
    missing: list[str] = []
    for packages, url, find in (
        (["postgresql"], "ESPACE_POSTGRES_URL", postgres_programs),
        (["rabbitmq-server"], "ESPACE_AMQP_URL", rabbitmq_server),
        (["chromium", "fonts-dejavu-core"], None, chromium),
    ):
        if not (url and os.environ.get(url)):
            try:
                find()
            except LauncherError:
                missing += packages
    if not shutil.which("curl"):  # the documentation's commands are run as they stand
        missing.append("curl")
    if not missing:
        return
    if os.geteuid() != 0 or not shutil.which("apt-get"):
        raise LauncherError(
            f"Missing on this machine: {' and '.join(missing)}. Install it as root (Debian: apt-get install"
            f" {' '.join(missing)}), or name servers in ESPACE_POSTGRES_URL and ESPACE_AMQP_URL."
        )
    with _no_server_started():
        _apt("update", "-qq")
        _apt("install", "-y", "-qq", "--no-install-recommends", *missing)


def _apt(*arguments: str) -> None:
    done = subprocess.run(
        ["apt-get", *arguments],
        env={**os.environ, "DEBIAN_FRONTEND": "noninteractive"},
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
    )
    if done.returncode:
        raise LauncherError(f"apt-get {arguments[0]} failed: {done.stderr.strip() or done.stdout.strip()[-500:]}")


@contextmanager
def _no_server_started() -> Iterator[None]:
    """Debian's packages start their server at once, on its standard port, unless this policy forbids it."""
    if POLICY.exists() and not SET_ASIDE.exists():  # both are there after a crash: the one set aside is the machine's
        POLICY.rename(SET_ASIDE)
    POLICY.write_text("#!/bin/sh\nexit 101\n")
    POLICY.chmod(0o755)
    try:
        yield
    finally:
        if SET_ASIDE.exists():
            SET_ASIDE.rename(POLICY)
        else:
            POLICY.unlink()
