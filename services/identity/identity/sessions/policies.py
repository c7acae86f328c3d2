"""Who may call: people who are signed in, by sessions that still live."""

from typing import Annotated, Any

from chassis import clock
from chassis.database import Session
from chassis.policies import Policy
from chassis.reach import Reach
from fastapi import Depends

from identity.sessions import lines


def _signed_in(policy: Policy) -> Any:
    """The caller whom the policy allows, if their session still lives: elsewhere its end is known a moment later."""

    async def living(caller: Annotated[Reach, Depends(policy)], session: Session) -> Reach:
        await lines.refuse_ended(session, caller, clock.now())
        return caller

    return Depends(living)


Someone = Annotated[
    Reach, _signed_in(Policy("guardian", "agent", "cashier", "administrator", "site_staff", reach="account"))
]
Agent = Annotated[Reach, _signed_in(Policy("agent", "administrator", reach="town"))]
Administrator = Annotated[Reach, _signed_in(Policy("administrator", reach="town"))]
