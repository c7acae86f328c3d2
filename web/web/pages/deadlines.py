"""« Délais de réservation et de modification des activités »: every activity's deadlines, the next ones by date."""

from itertools import islice

from starlette.responses import Response

from web.answers.planning import Deadlines
from web.roles import ANYBODY
from web.visits import Visit, route

#: So many of the next days whose deadline is still to come.
NEXT = 3
NEXT_WEEKS = 12


async def show_deadlines(visit: Visit) -> Response:
    said = await visit.api.get(Deadlines, "/planning/v1/deadlines")
    coming = [(one, list(islice((day for day in one.days if day.booking.open), NEXT))) for one in said.activities]
    weeks = sorted((week for week in said.holiday_weeks if week.booking.open), key=lambda week: week.booking.until)
    return visit.page("deadlines/deadlines.html", activities=coming, weeks=weeks[:NEXT_WEEKS])


ROUTES = [route("/delais", show_deadlines, roles=ANYBODY)]
