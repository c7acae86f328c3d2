"""What the suite has short, at length: whatever is sent to any operation, under any role."""

from pathlib import Path

import pytest
from chassis.service import Service
from chassis.testing import Databases, Signer

from tests.security.any_input import answers, drawn, running, tokens_of
from tests.security.test_any_input import service

__all__ = ["service"]  # a fixture

pytestmark = pytest.mark.lab
EXAMPLES = 60


async def test_whatever_is_sent_is_no_error_of_the_servers(
    service: Service, databases: Databases, signer: Signer, tmp_path: Path
) -> None:
    async with running(service, databases, signer, tmp_path) as (client, document, known):
        tokens = await tokens_of(databases, signer, known)
        _, faults = await answers(client, drawn(document, known, EXAMPLES), tokens)
    assert faults == []
