"""Who is offered a freed place, in which order, and until when. Pure; every answer says why, in French."""

from collections import Counter
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime, time, timedelta
from enum import StrEnum
from itertools import groupby
from typing import Literal
from uuid import UUID

from french.calendar import DAY
from french.paris import PARIS, at

from enrolment.catalogue.rules import Bookable, Child, Dossier, dossier_refusal, misfit, refusal

#: No offer runs out at night: one that would does so in the morning, once people have had the time to read. Both ends
#: are one: an offer made later never runs out earlier.
NIGHT, MORNING = time(21), time(9)


class WaitingStatus(StrEnum):
    WAITING = "waiting"
    OFFERED = "offered"
    ACCEPTED = "accepted"
    REFUSED = "refused"
    LAPSED = "lapsed"
    CLOSED = "closed"
    LEFT = "left"


#: Of an entry that is over nothing more becomes: whoever wants to joins again, behind the others.
TRANSITIONS: Mapping[WaitingStatus, frozenset[WaitingStatus]] = dict.fromkeys(WaitingStatus, frozenset()) | {
    WaitingStatus.WAITING: frozenset({WaitingStatus.OFFERED, WaitingStatus.CLOSED, WaitingStatus.LEFT}),
    WaitingStatus.OFFERED: frozenset(
        {WaitingStatus.ACCEPTED, WaitingStatus.REFUSED, WaitingStatus.LAPSED, WaitingStatus.CLOSED}
    ),
}


@dataclass(frozen=True)
class Criterion:
    """What the town gives points for.

    `resident`: the child lives there. `sibling`: another child of the family is, or waits to be, in the same centre in
    these days. `certified`: an agent has certified the criterion's code in the dossier.
    """

    code: str
    kind: Literal["resident", "sibling", "certified"]
    points: int
    explanation: str


@dataclass(frozen=True)
class TownRules:
    """What a town says of its waiting list; without a word time alone decides, and offers stand for a day."""

    offer_hours: int = 24
    criteria: Sequence[Criterion] = ()


@dataclass(frozen=True)
class Counted:
    """A criterion as it counts for somebody: all its points where it is met, else none."""

    code: str
    points: int
    met: bool
    explanation: str


@dataclass(frozen=True)
class Waiting:
    """A child that waits for a week, by what decides on it.

    `busy`: it has a place elsewhere in these days; `of_dossier`: it is still of the family that waits. The dossier is
    none while its copy has not arrived.
    """

    id: UUID
    group_id: UUID
    holiday_week_id: UUID
    joined_at: datetime
    week: Bookable
    child: Child
    dossier: Dossier | None
    of_dossier: bool
    busy: bool
    sibling: bool
    priorities: Collection[str]


@dataclass(frozen=True)
class Group:
    """Children of a family who wait together, mostly one: offered all or none. They share their points."""

    entries: Sequence[Waiting]
    counted: Sequence[Counted]

    @property
    def points(self) -> int:
        return sum(one.points for one in self.counted)

    @property
    def places(self) -> Counter[UUID]:
        """How many places of each week they need."""
        return Counter(entry.holiday_week_id for entry in self.entries)


def impossible(entry: Waiting, now: datetime) -> str | None:
    """Why it can never be offered any more, or none."""
    if not entry.of_dossier:
        return f"{entry.child.first_name} n'est plus de votre dossier."
    if entry.busy:
        return elsewhere(entry.child)
    if entry.dossier is not None and entry.dossier.status != "active":
        return dossier_refusal(entry.dossier)
    return misfit(entry.week, entry.child, now)


def elsewhere(child: Child) -> str:
    return f"{child.first_name} a une autre réservation à ces dates."


def refusal_to_wait(week: Bookable, child: Child, dossier: Dossier | None, now: datetime) -> str | None:
    """Why this child may not wait for that week, or none. Once booking has closed the list goes on until the week
    begins: what is freed then can go nowhere else.
    """
    if now >= week.booking_closes_at:
        return misfit(week, child, now) or dossier_refusal(dossier)
    return refusal(week, child, dossier, now)


def order(entries: Iterable[Waiting], criteria: Sequence[Criterion]) -> list[Group]:
    """By points, then by the time of joining."""
    together = groupby(sorted(entries, key=lambda entry: (entry.group_id, entry.id)), lambda entry: entry.group_id)
    groups = [Group(found, count(criteria, found)) for found in (list(entries) for _, entries in together)]
    return sorted(groups, key=lambda group: (-group.points, group.entries[0].joined_at, group.entries[0].group_id))


def count(criteria: Iterable[Criterion], together: Sequence[Waiting]) -> list[Counted]:
    """Every criterion of the town, as it counts for children who wait together: met by one, met by all."""
    return [
        Counted(one.code, one.points if met else 0, met, one.explanation)
        for one in criteria
        for met in [any(_meets(entry, one) for entry in together)]
    ]


def _meets(entry: Waiting, criterion: Criterion) -> bool:
    match criterion.kind:
        case "resident":
            return entry.child.resident
        case "sibling":
            return entry.sibling
        case "certified":
            return criterion.code in entry.priorities


def share_out(groups: Iterable[Group], free: Mapping[UUID, int]) -> list[Group]:
    """Who is offered what is free, the groups in order: nobody for whom it is enough is passed over.

    A group that needs more than there is keeps its rank, and what is there goes to the next one. A family whose
    dossier is incomplete keeps its rank as well.
    """
    left = Counter(free)
    offered = []
    for group in groups:
        ready = all(dossier_refusal(entry.dossier) is None for entry in group.entries)
        if ready and all(left[week] >= places for week, places in group.places.items()):
            left.subtract(group.places)
            offered.append(group)
    return offered


def offer_ends(offered_at: datetime, hours: int, first_day: date) -> datetime:
    """So many hours later, in the morning where that is at night; never once the week has begun, which alone may be at
    night.
    """
    end = offered_at + timedelta(hours=hours)
    local = end.astimezone(PARIS)
    if local.time() >= NIGHT:
        end = at(local.date() + DAY, MORNING)
    elif local.time() < MORNING:
        end = at(local.date(), MORNING)
    return min(end, at(first_day, time()))
