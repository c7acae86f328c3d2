from concurrent.futures import ThreadPoolExecutor

from chassis import migrations
from chassis.testing import Databases
from enrolment.models import Base


async def test_migrated_database_is_what_the_models_say(databases: Databases) -> None:
    with ThreadPoolExecutor(1) as threads:
        found = threads.submit(migrations.missing, "enrolment", databases.owner_url, Base.metadata).result()
    assert found == []
