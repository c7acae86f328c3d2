"""What an agent records of a household, and what that changes in every service."""

import aiohttp

from deploy.local.portal import Portal, RefusedError
from libs.chassis.tests.waiting import until
from tests.actors import PASSWORD, Family


async def test_a_guardian_who_is_removed_loses_sessions_and_feed(family: Family, agent: Portal) -> None:
    stack, path = family.portal.stack, f"/dossier/v1/dossiers/{family.dossier_id}"
    feed = await family.portal.post("/planning/v1/calendar-feed")
    async with aiohttp.ClientSession(stack.gateway) as anybody:

        async def status(url: str) -> int:
            async with anybody.get(url) as answer:
                return answer.status

        await until(lambda: status(feed["url"]), 200)
        aunt = {"first_name": "Zélie", "last_name": "Tante", "roles": ["legal_guardian"]}
        await agent.post(f"{path}/adults", aunt)
        whole, seen = await agent.tagged(path)
        own = next(one["id"] for one in whole["adults"] if one["email"] == family.guardian.email)
        await agent.edit("PUT", f"{path}/adults/{own}", {"roles": ["contact"]}, seen)
        await until(lambda: status(feed["url"]), 404)

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
