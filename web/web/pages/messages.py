"""The portal's own inbox, and which mails one wants besides."""

from starlette.responses import Response

from web.answers.identity import Inbox, Preferences
from web.refusals import Refused
from web.visits import Visit, route

HERE, MAILS = "/messages", "/messages/courriels"
INBOX, PREFERENCES = "/identity/v1/messages", "/identity/v1/me/preferences"
ON_A_PAGE = 20


async def show_messages(visit: Visit) -> Response:
    before = visit.safe(visit.query("avant")) if visit.query("avant") else None
    inbox = await visit.api.get(Inbox, INBOX, limit=ON_A_PAGE, cursor=before)
    return visit.page("messages/messages.html", inbox=inbox, before=before or "")


async def mark_read(visit: Visit) -> Response:
    await visit.api.call("POST", f"{INBOX}/{visit.safe(visit.form.get('lu'))}/read")
    before = visit.form.get("avant")
    return visit.go(f"{HERE}?avant={visit.safe(before)}" if before else HERE)


async def show_mails(visit: Visit) -> Response:
    preferences = await visit.api.get(Preferences, PREFERENCES)
    return visit.page("messages/mails.html", mails=preferences.mails, kept="garde" in visit.request.query_params)


async def choose_mails(visit: Visit) -> Response:
    """Those that are not ticked are not wanted; those that are always sent have no box."""
    known = await visit.api.get(Preferences, PREFERENCES)
    wanted = visit.form.all("courriel")
    unwanted = [one.category for one in known.mails if not one.always and one.category not in wanted]
    try:
        await visit.api.call("PUT", PREFERENCES, {"unwanted": unwanted})
    except Refused as refused:
        if refused.status != 422:
            raise
        visit.form.refused(refused, ())
        return visit.page("messages/mails.html", mails=known.mails, kept=False)
    return visit.go(f"{MAILS}?garde")


ROUTES = [
    route(HERE, show_messages, mark_read),
    route(MAILS, show_mails, choose_mails),
]
