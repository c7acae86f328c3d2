"""What the town's file names is known by its name wherever it is needed."""

import asyncpg
import pytest

from deploy.local.stack import Stack


async def rows(url: str, query: str) -> list[tuple[object, ...]]:
    connection = await asyncpg.connect(url)
    try:
        return [tuple(row) for row in await connection.fetch(query)]
    finally:
        await connection.close()


@pytest.mark.parametrize("service", ["identity", "dossier", "planning"])
async def test_sites_are_known_as_enrolment_has_them(stack: Stack, service: str) -> None:
    query = "SELECT id, code, kind, name FROM sites ORDER BY id"
    owned = await rows(stack.databases["enrolment"], query)
    assert len(owned) == 7
    assert await rows(stack.databases[service], query) == owned


async def test_regies_are_known_to_identity_as_billing_has_them(stack: Stack) -> None:
    query = "SELECT code, name FROM regies"
    assert await rows(stack.databases["identity"], query) == await rows(stack.databases["billing"], query) != []


async def test_children_go_to_schools_of_the_catalogue(stack: Stack) -> None:
    schools = await rows(stack.databases["enrolment"], "SELECT id FROM sites WHERE kind = 'school'")
    attended = await rows(stack.databases["dossier"], "SELECT DISTINCT school_id FROM schooling")
    assert attended
    assert set(attended) <= set(schools)
