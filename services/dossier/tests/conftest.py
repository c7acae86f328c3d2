"""The service these tests are of."""

import pytest
from chassis.service import Service
from dossier.main import SERVICE


@pytest.fixture(scope="session")
def service() -> Service:
    return SERVICE
