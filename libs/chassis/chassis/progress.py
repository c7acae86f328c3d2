"""How far a command is, on the terminal's last line."""

import sys

_BAR = 30


def show(done: int, there_are: int) -> None:
    full = _BAR * done // there_are if there_are else _BAR
    end = "\n" if done >= there_are else "\r"
    print(f"[{'#' * full:{_BAR}}] {done} / {there_are}", end=end, file=sys.stderr, flush=True)
