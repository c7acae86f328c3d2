"""Holding a booking, a hot path: what is read decides, and the conditional update has the last word on places."""

from collections import Counter
from collections.abc import Iterable, Sequence
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

from asyncpg import Connection
from chassis.identifiers import new_id
from chassis.problems import Malformed, Problem
from chassis.reach import Acting, Reach

from enrolment.bookings import places
from enrolment.bookings.places import Hold, Refused, Wanted, Wish
from enrolment.bookings.rules import pay_by_refusal
from enrolment.catalogue.rules import DESK_MAY, firm_refusal, lenient_refusal


class LinesRefused(Problem):
    """Some lines cannot be had: `errors` names each one."""

    def __init__(self, refused: Iterable[Refused]) -> None:
        super().__init__(errors=[{"pointer": f"/lines/{one.wish.position}", **_named(one)} for one in refused])


def _named(one: Refused) -> dict[str, str]:
    return {
        "detail": one.detail,
        "child_id": str(one.wish.child_id),
        "holiday_week_id": str(one.wish.holiday_week_id),
    }


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
    connection: Connection,
    acting: Acting,
    wishes: Sequence[Wish],
    keep_available: bool,
    now: datetime,
    pay_by: datetime | None = None,
) -> Hold:
    """The hold that these wishes make, all or none; with `keep_available` of what is left, and what is refused.

    Until `pay_by` the desk lets the family pay once it is confirmed. Raises Malformed (that, where it cannot be),
    NotFound (a child or week), NotEligible, SeveralRegies, OverlappingWeek, WeekFull.
    """
    check_pay_by(acting.by, pay_by, now)
    # Where a part may be kept, what is left is read once and for all; else the conditional update has the last word.
    if keep_available:
        await places.lock(connection, {wish.holiday_week_id for wish in wishes})
    wanted = await places.read(connection, acting, wishes)
    passed_over = refuse_impossible(acting, wanted, wanted[0].regie, pay_by, now)
    kept, full = share_out(wanted)
    if full and not (keep_available and kept):
        raise WeekFull(full)
    minutes = min(line.week.hold_minutes for line in kept)
    return Hold(
        id=new_id(),
        dossier_id=acting.dossier_id,
        lines=kept,
        refused=full,
        hold_expires_at=now + timedelta(minutes=minutes),
        created_at=now,
        pay_by=pay_by,
        overrides=overrides(acting, passed_over, kept, now),
    )


def check_pay_by(reach: Reach, pay_by: datetime | None, now: datetime) -> None:
    """Raises Malformed where they may not say until when is to be paid, or it is past; the weeks have their say too."""
    if pay_by and not reach.at_desk:
        raise Malformed(errors=[{"pointer": "/pay_by", "detail": "Ce champ est réservé au guichet."}])
    if pay_by and pay_by <= now:
        raise Malformed(errors=[{"pointer": "/pay_by", "detail": "Indiquez un moment à venir."}])


async def take(connection: Connection, hold: Hold, answer: Sequence[Any]) -> None:
    """Make it so, and keep the answer to the request (`Once.row`). Raises WeekFull, OverlappingWeek, TwinRunning."""
    gone, overlapping = await places.take_for(connection, hold, answer)
    if gone:
        raise WeekFull(no_place(line) for line in hold.lines if line.week.id in gone)
    if overlapping:
        raise OverlappingWeek(overlaps(line) for line in hold.lines if line.position in overlapping)


def refuse_impossible(
    acting: Acting, wanted: Sequence[Wanted], regie: str, pay_by: datetime | None, now: datetime
) -> list[Refused]:
    """What the desk passes over, with its reason.

    Raises NotEligible, SeveralRegies (not that one), OverlappingWeek for what no place could make possible.
    """
    refused, passed_over, elsewhere, overlapping = [], [], [], []
    for line in wanted:
        lenient = lenient_refusal(line.week, line.child, line.dossier, now)
        if why := firm_refusal(line.week, line.dossier, now) or pay_by_refusal(line.week, pay_by):
            refused.append(Refused(line, why))
        elif lenient and not acting.override_reason:
            refused.append(Refused(line, f"{lenient} {DESK_MAY}" if acting.at_desk else lenient))
        elif lenient:
            passed_over.append(Refused(line, lenient))
        if line.regie != regie:
            elsewhere.append(_elsewhere(line))
        elif line.busy:
            overlapping.append(overlaps(line))
    if refused:
        raise NotEligible(refused)
    if elsewhere:
        raise SeveralRegies(elsewhere)
    if overlapping:
        raise OverlappingWeek(overlapping)
    return passed_over


def overrides(
    acting: Acting, passed_over: Sequence[Refused], granted: Sequence[Wanted], now: datetime
) -> list[dict[str, Any]]:
    """What is kept of rules that the desk passes over for these lines: when, who, why, which; nothing of none."""
    kept = [_named(one) for one in passed_over if one.wish in granted]
    if not kept:
        return []
    return [
        {
            "at": now.isoformat(),
            "account_id": str(acting.by.sub),
            "role": acting.by.role,
            "name": acting.by.name,
            "reason": acting.override_reason,
            "passed_over": kept,
        }
    ]


def share_out(wanted: Sequence[Wanted]) -> tuple[list[Wanted], list[Refused]]:
    """Places as they were read, given out in the order asked: who gets one, who does not."""
    given: Counter[UUID] = Counter()
    kept, full = [], []
    for line in wanted:
        if given[line.week.id] < line.week.places_left:
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
