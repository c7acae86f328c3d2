"""A family's days where it looks anyway: in the calendar of its telephone, and by mail on Sunday.

The calendar is read here too, by whoever has its secret address: a telephone knows no other door of the town's.
"""

import asyncio

from pydantic import TypeAdapter
from starlette.responses import Response

from web.answers.planning import Feed, NewFeed, WeeklyDigest
from web.visits import Visit, route

HERE = "/planning/calendrier"
FEED, DIGEST = "/planning/v1/calendar-feed", "/planning/v1/weekly-digest"
#: The new address, which is told once: sealed between the form and the page.
NEW = "lien"


async def show(visit: Visit) -> Response:
    await visit.api.fresh()
    feed, digest = await asyncio.gather(visit.api.get(Feed, FEED), visit.api.get(WeeklyDigest, DIGEST))
    made = visit.site.settings.seal.open(NEW, visit.query(NEW)) if visit.query(NEW) else None
    secret = made["secret"] if made and made["account"] == visit.session.account and feed.made_at else ""
    address = f"{visit.site.settings.origin}/calendriers/{secret}.ics" if secret else ""
    return visit.page(
        "reminders/reminders.html",
        feed=feed,
        digest=digest,
        address=address,
        subscribe=f"webcal://{address.partition('://')[2]}" if address else "",
    )


async def send(visit: Visit) -> Response:
    wanted = visit.form.get("faire")
    if wanted == "abonner":
        made = TypeAdapter(NewFeed).validate_json(await visit.api.call("POST", FEED))
        content = {"account": visit.session.account, "secret": made.secret}
        return visit.go(f"{HERE}?{NEW}={visit.site.settings.seal.close(NEW, content)}")
    if wanted == "resilier":
        await visit.api.call("DELETE", FEED)
    elif wanted in ("recevoir", "arreter"):
        await visit.api.call("PUT", DIGEST, {"enabled": wanted == "recevoir"})
    return visit.go(HERE)


async def show_calendar(visit: Visit) -> Response:
    content = await visit.api.file(f"/planning/v1/calendars/{visit.path('secret')}.ics")
    return Response(content, media_type="text/calendar")


ROUTES = [
    route(HERE, show, send),
    route("/calendriers/{secret}.ics", show_calendar, public=True),
]
