"""The clock: moved by a file outside production, and only there."""

from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from chassis import clock


def ahead() -> float:
    """Seconds by which the clock runs before the machine's."""
    return round((clock.now() - datetime.now(UTC)) / timedelta(seconds=1))


def test_without_a_file_the_time_is_the_machines(clock_file: Path) -> None:
    assert not clock_file.exists()
    assert ahead() == 0


def test_the_file_is_read_again_each_time(clock_file: Path) -> None:
    for seconds in (259_200, -60, 0):
        clock_file.write_text(f"{seconds}\n")
        assert ahead() == seconds
    clock_file.write_text("")
    assert ahead() == 0


def test_the_time_knows_its_zone() -> None:
    assert clock.now().tzinfo is UTC


def test_in_production_a_clock_file_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("ENVIRONMENT", "production")
    with pytest.raises(RuntimeError, match="production"):
        clock.now()
    monkeypatch.delenv("CLOCK_FILE")
    assert ahead() == 0
