"""Told again: the accounts of guardians, and nobody else's."""

from chassis import towns
from chassis.command import load
from chassis.database import Database
from chassis.service import Service
from chassis.testing import Databases

from deploy.local.stack import TOWN
from tests.republishing import republish


async def test_the_accounts_of_guardians_are_told_as_they_were_told_last(
    service: Service, databases: Databases, database: Database
) -> None:
    await load(service, databases.owner_url, towns.read(TOWN))
    before, again = await republish(service, database)
    assert before
    assert again == before
