"""A flood from one address is told to wait: so many requests a window of time, counted in this process alone."""

import re
import time
from collections import Counter

_WINDOWS_S = {"second": 1, "minute": 60, "hour": 3600}


class Flood:
    """Counts by address; all are forgotten when a window ends, so that no more than one window is ever in memory."""

    def __init__(self, limit: str) -> None:
        """`limit` is written « 1000/second », or by minute or hour. Raises ValueError."""
        said = re.fullmatch(r"(\d+)/(second|minute|hour)", limit)
        if said is None:
            raise ValueError("a number of requests a second, minute or hour, as in 1000/second")
        self.allowed, self.window_s = int(said[1]), _WINDOWS_S[said[2]]
        self._window, self._seen = 0.0, Counter[str]()

    def allows(self, address: str) -> bool:
        window = time.monotonic() // self.window_s
        if window != self._window:
            self._window, self._seen = window, Counter()
        self._seen[address] += 1
        return self._seen[address] <= self.allowed
