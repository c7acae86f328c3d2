"""The home page: what needs doing, by date."""

from starlette.responses import Response

from web.visits import Visit, route


async def show_home(visit: Visit) -> Response:
    return visit.page("home/home.html")


ROUTES = [route("/", show_home)]
