"""A family's days in the calendar of their telephone, through the gateway."""

import aiohttp
from icalendar import Calendar

from libs.chassis.tests.waiting import until
from tests.actors import Family


async def test_a_booked_week_is_read_at_the_secret_address_until_that_is_taken_back(family: Family) -> None:
    feed = await family.portal.post("/planning/v1/calendar-feed")
    [line] = (await family.billed())["lines"]
    async with aiohttp.ClientSession(family.portal.stack.gateway) as anybody:

        async def all_days() -> bool:
            async with anybody.get(feed["url"]) as answer:
                if answer.status != 200:  # planning has not heard of the dossier yet
                    return False
                assert (answer.content_type, answer.headers["Cache-Control"]) == ("text/calendar", "no-store")
                found = Calendar.from_ical(await answer.read()).events
            return bool([str(event.start) for event in found] == line["dates"])

        await until(all_days)
        await family.portal.call("DELETE", "/planning/v1/calendar-feed")
        async with anybody.get(feed["url"]) as answer:
            assert (answer.status, answer.content_type) == (404, "application/problem+json")
