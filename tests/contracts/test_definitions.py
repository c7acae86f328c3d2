"""The broker's topology is what the services' HANDLERS tables say."""

import json

from contracts import EVENTS

from deploy.local.checks import definitions
from deploy.local.stack import DEFINITIONS


def test_the_definitions_are_those_of_the_handlers() -> None:
    assert json.loads(DEFINITIONS.read_text()) == definitions(), "run `python -m deploy.local definitions`"


def test_each_event_has_a_listener() -> None:
    assert {binding["routing_key"] for binding in definitions()["bindings"]} == set(EVENTS)


def test_each_queue_outlives_the_broker_and_sets_aside_without_losing() -> None:
    queues = {queue["name"]: queue for queue in definitions()["queues"]}
    for name, queue in queues.items():
        assert queue["durable"]
        assert queue["arguments"]["x-queue-type"] == "quorum"
        if name.endswith(".events"):
            assert queue["arguments"]["x-dead-letter-strategy"] == "at-least-once"
            assert queue["arguments"]["x-dead-letter-routing-key"] in queues
