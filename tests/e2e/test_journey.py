"""The same steps that `make demo` shows: from a dossier number to a paid holiday week, then through a school year."""

from deploy.local.journey import Journey
from deploy.local.portal import Portal
from deploy.local.second_act import SecondAct
from deploy.local.stack import Stack
from tests.actors import Clock


async def test_a_family_goes_from_its_dossier_number_to_a_paid_week_and_through_its_planning(
    portal: Portal, stack: Stack, moving_clock: Clock
) -> None:
    journey = Journey(portal)
    for step in journey.steps():
        await step()
    assert journey.booking["status"] == "paid"
    balance = await portal.balance()
    assert (balance["owed_cents"], balance["credit_cents"]) == (0, 0)
    second = SecondAct(journey, stack, moving_clock)
    for step in second.steps():
        await step()
    assert second.accepted["status"] == "held"
    await portal.cancel(second.accepted["id"])
