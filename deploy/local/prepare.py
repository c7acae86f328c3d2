"""`python -m deploy.local.prepare TOWN [FAMILIES]`: `migrate`, then `load TOWN`, of every service, in one process.

The same by `python -m SERVICE` would be ten processes, each spending two seconds on importing the same libraries.
"""

import asyncio
import os
import sys
from importlib import import_module
from pathlib import Path
from typing import Any

from chassis import command, migrations, towns
from chassis.service import Service

from deploy.local.stack import SERVICES


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


def main() -> None:
    """Owners' database URLs are taken from the environment, as the services take theirs."""
    try:
        town = towns.read(Path(sys.argv[1]))
        if len(sys.argv) > 2:
            town = of_families(town, int(sys.argv[2]))
        towns.validated(town)  # before any database is touched
    except towns.TownError as error:
        raise SystemExit(str(error)) from None
    for service in services():
        owner_url = os.environ[f"{service.name.upper()}_OWNER_DATABASE_URL"]
        migrations.upgrade(service.name, owner_url)
        asyncio.run(command.load(service, owner_url, town))


if __name__ == "__main__":
    main()
