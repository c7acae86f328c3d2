"""The demo town's deadlines, as everybody reads them through the gateway and its administrator changes them."""

from datetime import datetime, timedelta
from typing import Any

import aiohttp
from french.paris import day_in_paris
from identity.second_factor import STEP_S, totp

from deploy.local.portal import Portal
from deploy.local.stack import Stack
from tests.actors import PASSWORD, STAFF_PASSWORD, TOTP_SECRET, Clock


async def test_a_family_reads_them_and_the_administrator_changes_them(
    stack: Stack, moving_clock: Clock, portal: Portal
) -> None:
    await portal.sign_in("martin", PASSWORD)
    first = day_in_paris(moving_clock.now())
    told = await portal.get(f"/planning/v1/deadlines?from={first}&to={first + timedelta(days=62)}")
    activities = {one["activity_name"]: one for one in told["activities"]}
    assert activities.keys() == {
        "Accueil du matin",
        "Accueil du soir",
        "Accueil du mercredi",
        "Étude surveillée",
        "Atelier natation de juin",
        "Restauration scolaire",
    }
    assert {one["activity_name"] for one in told["holiday_weeks"]} <= {
        "Vacances à La Bièvre",
        "Vacances au Moulin",
        "Vacances aux Coteaux",
    }
    wednesday = activities["Accueil du mercredi"]
    assert {datetime.fromisoformat(day["date"]).weekday() for day in wednesday["days"]} <= {2}

    moving_clock.advance(seconds=31)
    async with Portal(stack) as administrator:
        code = totp(TOTP_SECRET, int(moving_clock.now().timestamp()) // STEP_S)
        await administrator.sign_in("admin", STAFF_PASSWORD, code)
        path = f"/api/planning/v1/activities/{wednesday['activity_id']}/rules"
        headers = {"Authorization": f"Bearer {administrator.token}"}

        async def call(method: str, body: Any = None, **more: str) -> aiohttp.ClientResponse:
            async with administrator.client.request(method, path, json=body, headers=headers | more) as answer:
                await answer.read()
                return answer

        read = await call("GET")
        said = await read.json()
        rules = {name: said[name] for name in ("weekdays", "booking_deadline", "cancellation_deadline", "bands")}
        later = rules | {"booking_deadline": rules["booking_deadline"] | {"time": "18:00:00"}}
        changed = await call("PUT", later, **{"If-Match": read.headers["ETag"]})
        assert (changed.status, changed.headers["ETag"] != read.headers["ETag"]) == (200, True)
        assert (await call("PUT", later, **{"If-Match": read.headers["ETag"]})).status == 412
        assert (await call("PUT", rules, **{"If-Match": changed.headers["ETag"]})).status == 200
