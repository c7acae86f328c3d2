"""What enrolment does with what it hears."""

from collections.abc import Sequence

from chassis import clock
from chassis.copies import keep
from chassis.inbox import Handlers
from chassis.revoked import keep_revoked
from contracts.billing import (
    CreditGranted,
    InvoiceCancelled,
    InvoiceLapsed,
    InvoiceOpened,
    InvoiceRefused,
    InvoiceSettled,
    RegieChanged,
)
from contracts.dossier import ChildChanged, DossierChanged
from contracts.identity import AccessRevoked
from contracts.planning import EnrolmentApplied
from french.paris import day_in_paris
from sqlalchemy import delete, select
from sqlalchemy.ext.asyncio import AsyncSession

from enrolment.bookings.cancellations import cancel_refused
from enrolment.bookings.settlements import keep_invoice, take_late_credit
from enrolment.copies import Child, Dossier, Regie, reachable
from enrolment.enrolments.enrolments import move_with_children
from enrolment.enrolments.models import AppliedEnrolment, Enrolment
from enrolment.erasing import ERASURE
from enrolment.merging import MERGING


async def move(session: AsyncSession, events: Sequence[ChildChanged]) -> None:
    """A change of school, which is rare, changes enrolments."""
    await move_with_children(session, {event.child_id for event in events}, day_in_paris(clock.now()))


async def drop_answers_to_none(session: AsyncSession, events: Sequence[EnrolmentApplied]) -> None:
    """What planning answers to an enrolment that was erased since."""
    known = select(Enrolment.id).where(Enrolment.id == AppliedEnrolment.id).exists()
    ids = [event.enrolment_id for event in events]
    await session.execute(delete(AppliedEnrolment).where(AppliedEnrolment.id.in_(ids), ~known))


HANDLERS: Handlers = {
    **ERASURE.handlers("dossier", "child", "account"),
    AccessRevoked: keep_revoked,
    DossierChanged: keep(Dossier, reachable=reachable).then(MERGING.hear),
    ChildChanged: keep(Child).then(move),
    RegieChanged: keep(Regie),
    EnrolmentApplied: keep(AppliedEnrolment).then(drop_answers_to_none),
    InvoiceOpened: keep_invoice,
    InvoiceSettled: keep_invoice,
    InvoiceLapsed: keep_invoice,
    InvoiceCancelled: keep_invoice,
    InvoiceRefused: cancel_refused,
    CreditGranted: take_late_credit,
}
