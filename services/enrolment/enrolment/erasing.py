"""A family or a child that is erased: its places are given back before, and billing hears of what was paid for them."""

from uuid import UUID

from chassis import clock
from chassis.erasure import Erasure
from sqlalchemy.ext.asyncio import AsyncSession

from enrolment.bookings.cancellations import cancel_erased
from enrolment.models import Base
from enrolment.waiting_list.entries import leave_erased
from enrolment.waiting_list.models import WaitingEntry


async def _leave_dossier(session: AsyncSession, dossier_id: UUID) -> None:
    now = clock.now()
    await cancel_erased(session, now, dossier_id=dossier_id)
    await leave_erased(session, now, WaitingEntry.dossier_id == dossier_id)


async def _leave_child(session: AsyncSession, child_id: UUID) -> None:
    now = clock.now()
    await cancel_erased(session, now, child_id=child_id)
    await leave_erased(session, now, WaitingEntry.child_id == child_id)


ERASURE = Erasure(Base.metadata, dossier=_leave_dossier, child=_leave_child)
