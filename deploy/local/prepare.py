"""`python -m deploy.local.prepare TOWN [FAMILIES]`: `migrate`, then `load TOWN`, of every service, in one process.

The same by `python -m SERVICE` would be ten processes, each spending two seconds on importing the same libraries. With
a number of families everybody hears of them by COPY, and they are enrolled and have reserved (`deploy.local.town`).
"""

import asyncio
import os
import sys
from collections.abc import Mapping
from importlib import import_module
from pathlib import Path
from typing import Any

from chassis import command, migrations, towns
from chassis.service import Service

from deploy.local.stack import SERVICES
from deploy.local.town.making import make, refuse_a_town
from deploy.servers.errors import LauncherError


def services() -> list[Service]:
    """Each service as its `main.py` describes it."""
    return [import_module(f"{name}.main").SERVICE for name in SERVICES]


def of_families(town: dict[str, Any], count: int) -> dict[str, Any]:
    """The town with so many families: those written in it, and as many drawn as are still wanted; places by the day
    grow with their number."""
    written, drawn_for = len(town.get("families", ())), town["generated_families"]
    drawn = max(0, count - written)
    # Where so many more children go, there are as many more places each day.
    times = max(1, -(-count // (written + drawn_for["count"])))
    activities = [
        entry | {"bands": [band | {"places": band["places"] * times} for band in entry.get("bands", ())]}
        for entry in town["activities"]
    ]
    return town | {"generated_families": drawn_for | {"count": drawn}, "activities": activities}


def prepared(town: dict[str, Any], owner_urls: Mapping[str, str], *, by_copy: bool) -> None:
    """Migrate the databases, load the town into each; `by_copy` also what comes of that in all of them.

    Raises TownError, LauncherError.
    """
    towns.validated(town)  # before any database is touched
    found = services()
    for service in found:
        migrations.upgrade(service.name, owner_urls[service.name])
    if by_copy:
        asyncio.run(refuse_a_town(owner_urls))
    for service in found:
        asyncio.run(command.load(service, owner_urls[service.name], town))
    if by_copy:
        asyncio.run(make(found, owner_urls, town))


def main() -> None:
    """Owners' database URLs are taken from the environment, as the services take theirs."""
    owner_urls = {name: os.environ[f"{name.upper()}_OWNER_DATABASE_URL"] for name in SERVICES}
    try:
        town = towns.read(Path(sys.argv[1]))
        by_copy = len(sys.argv) > 2
        prepared(of_families(town, int(sys.argv[2])) if by_copy else town, owner_urls, by_copy=by_copy)
    except (towns.TownError, LauncherError) as error:
        raise SystemExit(str(error)) from None


if __name__ == "__main__":
    main()
