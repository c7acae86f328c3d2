"""What no general tool knows of: models without their migration, generated files that are out of date."""

import json
from pathlib import Path
from typing import Any

from chassis import broker, law, migrations, towns
from chassis.schema import Part, steps

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
    found += [f"{service.name}: {fault}" for service in services() for fault in law.faults(service.metadata)]
    for service, (there, declared) in _schemas(folder).items():
        found += [f"{service}: the migrations make what no model declares: {part}" for part in sorted(there - declared)]
        found += [
            f"{service}: the migrations lack what the models declare: {part}" for part in sorted(declared - there)
        ]
    return found


def revision(folder: Path) -> dict[str, list[str]]:
    """For each service the statements that its next migration might consist of."""
    return {service: steps(*schemas) for service, schemas in _schemas(folder).items()}


def _schemas(folder: Path) -> dict[str, tuple[set[Part], set[Part]]]:
    """Each service's schema as its migrations make it, and as its models declare it."""
    found = {}
    with (
        postgres(folder) as admin_url,
        databases(admin_url, SERVICES) as made,
        databases(admin_url, SERVICES, "_declared") as scratch,
    ):
        for service in services():
            owner_url = made[service.name].owner_url
            migrations.upgrade(service.name, owner_url)
            found[service.name] = migrations.schemas(owner_url, scratch[service.name].owner_url, service.metadata)
    return found


def definitions() -> dict[str, Any]:
    """RabbitMQ's topology as `deploy/rabbitmq/definitions.json` must hold it."""
    return broker.definitions({service.name: service.handlers for service in services()})
