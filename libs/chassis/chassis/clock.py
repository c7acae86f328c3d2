"""The only source of the time. Outside production the file named by CLOCK_FILE shifts it by so many seconds."""

import os
from datetime import UTC, datetime, timedelta
from pathlib import Path

from chassis.settings import in_production


def shift() -> float:
    """Seconds to add to the machine's clock, read again at each call (an absent file shifts nothing).

    Raises RuntimeError in production, where nobody may move the time.
    """
    path = os.environ.get("CLOCK_FILE")
    if not path:
        return 0.0
    if in_production():
        raise RuntimeError("CLOCK_FILE is set, and the clock may not be shifted in production.")
    try:
        return float(Path(path).read_text() or 0)
    except FileNotFoundError:
        return 0.0


def now() -> datetime:
    """The present moment, aware, in UTC."""
    return datetime.now(UTC) + timedelta(seconds=shift())
