"""What a process tells Prometheus, on the service's own port: requests, and what waits."""

from collections import defaultdict
from collections.abc import Iterator

from sqlalchemy import text

from chassis import broker, clock, dead_letters
from chassis.database import Database
from chassis.identifiers import made_at
from chassis.settings import ServiceSettings
from chassis.trouble import is_trouble

CONTENT_TYPE = "text/plain; version=0.0.4"


class Requests:
    """How many requests this process answered, and in how many seconds, by method, route and status."""

    def __init__(self) -> None:
        self._answered: defaultdict[tuple[str, str | None, int | None], list[float]] = defaultdict(lambda: [0, 0.0])

    def count(self, method: str, route: str | None, status: int | None, seconds: float) -> None:
        answered = self._answered[method, route, status]
        answered[0] += 1
        answered[1] += seconds

    def lines(self) -> Iterator[str]:
        for position, name in enumerate(("requests_total", "request_seconds_total")):
            yield f"# TYPE espace_{name} counter"
            for (method, route, status), answered in self._answered.items():
                yield f'espace_{name}{{method="{method}",route="{route}",status="{status}"}} {answered[position]:g}'


async def exposition(service: str, settings: ServiceSettings, database: Database, requests: Requests) -> str:
    """The whole text. What a server that is away would tell is left out, and that it is away is said."""
    gauges: dict[str, float] = {"database_up": 1, "broker_up": 1}
    try:
        gauges |= await _waiting(database)
    except Exception as error:
        if not is_trouble(error):
            raise
        gauges["database_up"] = 0
    try:
        gauges["dead_letters"] = await dead_letters.count(settings.amqp_url, service)
    except Exception as error:
        if not broker.is_trouble(error):
            raise
        gauges["broker_up"] = 0
    told = [f"# TYPE espace_{name} gauge\nespace_{name} {value:g}" for name, value in gauges.items()]
    return "\n".join([*told, *requests.lines(), ""])


async def _waiting(database: Database) -> dict[str, float]:
    async with database.sessions() as session:
        outbox = await session.execute(
            text("SELECT count(*), (SELECT id FROM outbox ORDER BY id LIMIT 1) AS oldest FROM outbox")
        )
        parked = await session.execute(text("SELECT count(*), min(parked_at) AS oldest FROM parked"))
        (events, oldest_id), (messages, parked_at) = outbox.one(), parked.one()
    now = clock.now()
    return {
        "outbox_events": events,
        "outbox_oldest_seconds": max(0.0, (now - made_at(oldest_id)).total_seconds()) if oldest_id else 0,
        "parked_messages": messages,
        "parked_oldest_seconds": max(0.0, (now - parked_at).total_seconds()) if parked_at else 0,
    }
