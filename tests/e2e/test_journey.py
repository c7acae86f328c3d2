"""The main job, from a dossier number to a paid holiday week: the same steps that `make demo` shows."""

from deploy.local.journey import Journey
from deploy.local.portal import Portal


async def test_a_family_goes_from_its_dossier_number_to_a_paid_and_planned_holiday_week(portal: Portal) -> None:
    journey = Journey(portal)
    for step in journey.steps():
        await step()
    assert journey.booking["status"] == "paid"
    balance = await portal.balance()
    assert (balance["owed_cents"], balance["credit_cents"]) == (0, 0)
