"""Moments as a browser's inputs say them, in Paris, and as the API takes them."""

from datetime import datetime

from french.paris import PARIS, at


def as_input(moment: datetime | None) -> str:
    """« 2027-01-04T08:30 », empty for none."""
    return f"{moment.astimezone(PARIS):%Y-%m-%dT%H:%M}" if moment else ""


def as_moment(said: str) -> str | None:
    """With its offset; none for nothing. Raises ValueError."""
    if not said.strip():
        return None
    local = datetime.fromisoformat(said.strip())
    return at(local.date(), local.time().replace(tzinfo=None)).isoformat()
