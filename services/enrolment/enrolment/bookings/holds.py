"""Holding a booking, a hot path: what is read decides, and the conditional update has the last word on places."""

from collections import Counter
from collections.abc import Iterable, Sequence
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

from asyncpg import Connection
from chassis.identifiers import new_id
from chassis.problems import Problem
from chassis.reach import Acting

from enrolment.bookings import places
from enrolment.bookings.places import Hold, Refused, Wanted, Wish
from enrolment.catalogue.rules import refusal


class LinesRefused(Problem):
    """Some lines cannot be had: `errors` names each one."""

    def __init__(self, refused: Iterable[Refused]) -> None:
        super().__init__(
            errors=[
                {
                    "pointer": f"/lines/{one.wish.position}",
                    "detail": one.detail,
                    "child_id": str(one.wish.child_id),
                    "holiday_week_id": str(one.wish.holiday_week_id),
                }
                for one in refused
            ]
        )


class NotEligible(LinesRefused):
    type = "urn:problem:enrolment:not-eligible"
    title = "Réservation impossible"
    detail = (
        "Au moins une ligne ne peut pas être réservée : voyez pourquoi au détail de chacune. Rien n'est enregistré."
    )


class OverlappingWeek(LinesRefused):
    type = "urn:problem:enrolment:overlapping-week"
    title = "Semaines qui se chevauchent"
    detail = (
        "Un enfant ne peut pas avoir deux réservations sur les mêmes jours : retirez la ligne. Rien n'est enregistré."
    )


class SeveralRegies(LinesRefused):
    type = "urn:problem:enrolment:several-regies"
    title = "Réservation à faire en plusieurs fois"
    detail = (
        "Ces semaines ne se paient pas auprès de la même régie : faites une réservation pour chaque régie. "
        "Rien n'est enregistré."
    )


class WeekFull(LinesRefused):
    type = "urn:problem:enrolment:week-full"
    title = "Semaine complète"
    detail = (
        "Il n'y a plus assez de places pour toutes les lignes ; rien n'est enregistré. Choisissez une autre semaine, "
        "ou demandez à garder ce qui est disponible."
    )


async def judge(
    connection: Connection, acting: Acting, wishes: Sequence[Wish], keep_available: bool, now: datetime
) -> Hold:
    """The hold that these wishes make, all or none; with `keep_available` of what is left, and what is refused.

    Raises NotFound (a child or week), NotEligible, SeveralRegies, OverlappingWeek, WeekFull.
    """
    # Where a part may be kept, what is left is read once and for all; else the conditional update has the last word.
    if keep_available:
        await places.lock(connection, {wish.holiday_week_id for wish in wishes})
    wanted = await places.read(connection, acting, wishes)
    refuse_impossible(wanted, wanted[0].regie, now)
    kept, full = share_out(wanted)
    if full and not (keep_available and kept):
        raise WeekFull(full)
    minutes = min(line.week.hold_minutes for line in kept)
    return Hold(new_id(), acting.dossier_id, kept, full, now + timedelta(minutes=minutes), now)


async def take(connection: Connection, hold: Hold, answer: Sequence[Any]) -> None:
    """Make it so, and keep the answer to the request (`Once.row`). Raises WeekFull, OverlappingWeek, TwinRunning."""
    gone, overlapping = await places.take_for(connection, hold, answer)
    if gone:
        raise WeekFull(no_place(line) for line in hold.lines if line.week.id in gone)
    if overlapping:
        raise OverlappingWeek(overlaps(line) for line in hold.lines if line.position in overlapping)


def refuse_impossible(wanted: Sequence[Wanted], regie: str, now: datetime) -> None:
    """Raises NotEligible, SeveralRegies (not that one), OverlappingWeek for what no place could make possible."""
    refused, elsewhere, overlapping = [], [], []
    for line in wanted:
        if why := refusal(line.week, line.child, line.dossier, now):
            refused.append(Refused(line, why))
        elif line.regie != regie:
            elsewhere.append(_elsewhere(line))
        elif line.busy:
            overlapping.append(overlaps(line))
    if refused:
        raise NotEligible(refused)
    if elsewhere:
        raise SeveralRegies(elsewhere)
    if overlapping:
        raise OverlappingWeek(overlapping)


def share_out(wanted: Sequence[Wanted]) -> tuple[list[Wanted], list[Refused]]:
    """Places as they were read, given out in the order asked: who gets one, who does not."""
    given: Counter[UUID] = Counter()
    kept, full = [], []
    for line in wanted:
        if given[line.week.id] < line.week.places - line.week.taken:
            given[line.week.id] += 1
            kept.append(line)
        else:
            full.append(no_place(line))
    return kept, full


def no_place(line: Wanted) -> Refused:
    week = line.week
    return Refused(line, f"{week.centre}, {week.name}, {week.group_name} : il ne reste pas assez de places.")


def _elsewhere(line: Wanted) -> Refused:
    return Refused(
        line,
        f"{line.week.centre}, {line.week.name} : cette semaine ne se paie pas auprès de la même régie que la première "
        "ligne ; réservez-la à part.",
    )


def overlaps(line: Wanted) -> Refused:
    return Refused(line, f"{line.child.first_name} a déjà une réservation aux dates de « {line.week.name} ».")
