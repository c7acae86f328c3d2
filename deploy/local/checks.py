"""What no general tool knows of: models without their migration, generated files that are out of date."""

import json
from pathlib import Path
from typing import Any

from chassis import broker, migrations, towns

from deploy.local.prepare import services
from deploy.local.stack import DEFINITIONS, SERVICES, TOWN
from deploy.servers.postgres import databases, postgres

SCHEMA = TOWN.with_name("town.schema.json")


def faults(folder: Path) -> list[str]:
    """One sentence for each fault, none when all is well. Works in `folder`, on a PostgreSQL of its own."""
    found = []
    if not DEFINITIONS.exists() or json.loads(DEFINITIONS.read_text()) != definitions():
        found.append(f"{DEFINITIONS.name} is not what the HANDLERS tables say: `python -m deploy.local definitions`.")
    if not SCHEMA.exists() or json.loads(SCHEMA.read_text()) != towns.schema():
        found.append(f"{SCHEMA.name} is not what the services' slices say: `python -m deploy.local schema`.")
    with postgres(folder) as admin_url, databases(admin_url, SERVICES) as made:
        for service in services():
            owner_url = made[service.name].owner_url
            migrations.upgrade(service.name, owner_url)
            differences = migrations.missing(service.name, owner_url, service.metadata)
            found += [f"{service.name} lacks a migration: {difference}" for difference in differences]
    return found


def definitions() -> dict[str, Any]:
    """RabbitMQ's topology as `deploy/rabbitmq/definitions.json` must hold it."""
    return broker.definitions({service.name: service.handlers for service in services()})
