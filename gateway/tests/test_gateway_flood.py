"""The flood limit: by address, by window, and nothing kept of windows that are over."""

import threading
from types import SimpleNamespace

import pytest
from gateway.flood import Flood


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> list[float]:
    """The seconds that the limit reads."""
    now = [100.0]
    monkeypatch.setattr("gateway.flood.time", SimpleNamespace(monotonic=lambda: now[0]))
    return now


def test_each_address_has_its_own_requests_and_again_in_the_next_window(clock: list[float]) -> None:
    limit = Flood("2/second")
    assert [limit.allows("one") for _ in range(3)] == [True, True, False]
    assert limit.allows("another")
    clock[0] += 1
    assert [limit.allows("one") for _ in range(3)] == [True, True, False]


def test_a_window_that_is_over_is_forgotten_and_no_thread_is_needed_for_it(clock: list[float]) -> None:
    limit, threads = Flood("2/minute"), threading.active_count()
    for address in range(1000):
        limit.allows(str(address))
    clock[0] += 60
    limit.allows("one")
    assert (len(limit._seen), threading.active_count()) == (1, threads)


@pytest.mark.parametrize("limit", ["", "1000", "1000 per second", "-1/second", "1/day"])
def test_a_limit_that_is_not_written_so_is_refused(limit: str) -> None:
    with pytest.raises(ValueError, match="1000/second"):
        Flood(limit)
