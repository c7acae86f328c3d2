"""What an agent records of a household, and what that changes in every service."""

import aiohttp

from deploy.local.portal import Portal, RefusedError
from deploy.local.portal import until as answered
from deploy.local.stack import Stack
from libs.chassis.tests.waiting import until
from tests.actors import PASSWORD, PROTECTED, Family
from tests.conftest import NewFamily
from tests.e2e.test_erasure import known


async def answers(stack: Stack, portal: Portal) -> dict[str, int]:
    """What each service says to that token, asked without the gateway."""
    found = {}
    for service, path in PROTECTED.items():
        headers = {"Authorization": f"Bearer {portal.token}"}
        async with portal.client.get(stack.services[service] + path, headers=headers) as answer:
            found[service] = answer.status
    return found


async def test_a_guardian_who_is_removed_loses_sessions_and_feed_and_the_other_one_nothing(
    stack: Stack, family: Family, agent: Portal
) -> None:
    path = f"/dossier/v1/dossiers/{family.dossier_id}"
    feed = await family.portal.post("/planning/v1/calendar-feed")
    async with aiohttp.ClientSession(stack.gateway) as anybody, Portal(stack) as other:

        async def status(url: str) -> int:
            async with anybody.get(url) as answer:
                return answer.status

        await until(lambda: status(feed["url"]), 200)
        aunt = {"first_name": "Zélie", "last_name": "Tante", "email": f"zelie-{family.guardian.number}@example.org"}
        await agent.post(f"{path}/adults", aunt | {"roles": ["legal_guardian"]})
        claim = await answered(
            lambda: known(other.claim(family.guardian.number, aunt["last_name"], aunt["email"])), "identity knows her"
        )
        await other.register(claim, f"zelie-{family.guardian.number}", PASSWORD, **aunt)
        await other.activate(await other.activation_token(aunt["email"]), PASSWORD)
        await other.sign_in(f"zelie-{family.guardian.number}", PASSWORD)
        assert set((await answers(stack, family.portal)).values()) == {200}
        whole, seen = await agent.tagged(path)
        own = next(one["id"] for one in whole["adults"] if one["email"] == family.guardian.email)
        await agent.edit("PUT", f"{path}/adults/{own}", {"roles": ["contact"]}, seen)
        await until(lambda: status(feed["url"]), 404)
        await until(lambda: answers(stack, family.portal), dict.fromkeys(PROTECTED, 401))
        assert set((await answers(stack, other)).values()) == {200}

        async def sign_in() -> str | None:
            try:
                async with Portal(stack) as elsewhere:
                    await elsewhere.sign_in(family.guardian.username, PASSWORD)
            except RefusedError as refused:
                return str(refused.problem["type"])
            return None

        await until(sign_in, "urn:problem:identity:access-ended")
        _, seen = await agent.tagged(path)
        await agent.edit("PUT", f"{path}/adults/{own}", {"roles": ["legal_guardian"]}, seen)
        await until(sign_in, None)


async def test_a_family_whose_dossier_is_merged_goes_on_with_all_it_had(new_family: NewFamily, agent: Portal) -> None:
    gone, kept = await new_family(), await new_family()
    booking = await gone.billed()
    path = f"/dossier/v1/dossiers/{gone.dossier_id}/merge"
    _, seen = await agent.tagged(f"/dossier/v1/dossiers/{gone.dossier_id}")
    body = {"into": kept.dossier_id, "reason": "Deux dossiers pour une même famille"}
    shown = await agent.edit("POST", f"{path}?preview=true", body, seen)
    assert (await agent.edit("POST", path, body, seen))["touches"] == shown["touches"]

    async def invoice() -> str | None:
        items = (await kept.portal.get("/billing/v1/invoices"))["items"]
        return next((one["status"] for one in items if one["id"] == booking["invoice_id"]), None)

    await until(invoice, "to_pay")

    async def known() -> list[str]:
        return [one["id"] for one in (await kept.portal.get("/enrolment/v1/bookings"))["items"]]

    await until(known, [booking["id"]])
    payment = await kept.portal.open_payment(booking["invoice_id"])
    await kept.portal.pay_on_the_page(payment["redirect_url"])
    await kept.portal.in_status(booking["id"], "paid")

    async def own() -> str | None:
        try:
            await gone.sign_in_again()  # with the account they had, which follows in a moment
            return str((await gone.portal.get("/identity/v1/me"))["dossier_id"])
        except RefusedError:  # no longer, or no more by that session
            return None

    await until(own, kept.dossier_id)
    assert (await gone.portal.booking(booking["id"]))["status"] == "paid"
