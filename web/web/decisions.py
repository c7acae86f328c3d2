"""What an agent decides of what a family has asked: told to the API, with its reason."""

from collections.abc import Mapping, Sequence
from typing import Any

from starlette.responses import Response

from web.listings import Listing
from web.refusals import Refused
from web.visits import Visit


async def decided(
    visit: Visit,
    queue: Listing[Any],
    asked: Mapping[str, Any],
    names: Sequence[str],
    instead: Mapping[str, str] | None = None,
) -> Response | None:
    """The way to those so decided; none where the form is wrong, or is now, by what the API says of it."""
    if visit.form.errors:
        return None
    try:
        await visit.api.call("POST", f"{queue.api}/{visit.path('request_id')}/decision", asked)
    except Refused as refused:
        if refused.status not in (409, 422):
            raise
        visit.form.refused(refused, names, instead)
        return None
    return visit.go(f"{queue.path}?status={asked['decision']}")
