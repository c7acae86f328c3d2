"""What an edit of the town's calendar or of an activity's rules would change, as an administrator reads it. Pure."""

from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import date

from web.answers.planning import DeadlineChange


@dataclass
class Touched:
    """Of one activity: the days that are no longer, those that are added, and those whose deadlines move."""

    name: str
    closed: list[date] = field(default_factory=list)
    opened: list[date] = field(default_factory=list)
    moved: list[DeadlineChange] = field(default_factory=list)


def touched(changes: Iterable[DeadlineChange]) -> list[Touched]:
    """By activity, in the order of the answer."""
    found: dict[str, Touched] = {}
    for one in changes:
        activity = found.setdefault(one.activity_name, Touched(one.activity_name))
        if one.after is None:
            activity.closed.append(one.date)
        elif one.before is None:
            activity.opened.append(one.date)
        else:
            activity.moved.append(one)
    return list(found.values())
