"""The service these tests are of."""

import pytest
from chassis.service import Service
from planning.main import SERVICE


@pytest.fixture(scope="session")
def service() -> Service:
    return SERVICE
