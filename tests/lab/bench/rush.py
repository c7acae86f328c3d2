"""The opening: thousands of families come within a minute to a few places, half of them in the first seconds.

Each comes from an address of its own, over a connection of its own, and does all that its pages would do: sign in
(some), list the weeks of each child, hold, ask for the price, confirm; where a week has become full meanwhile, list
again and try another. The generator is this process.
"""

import asyncio
import json
import os
import random
import time
from collections import Counter, defaultdict
from collections.abc import Collection, Iterator, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, cast
from uuid import UUID, uuid4

import asyncpg
import uvloop
from chassis.identifiers import new_id

from deploy.local.stack import SERVICES, Stack, beside
from tests.actors import PASSWORD
from tests.lab.bench import load, scene
from tests.lab.bench.rounds import Effort, Row

GOAL_MS = 1000.0
#: Of the families: one in so many signs in; a place for so many.
SIGN_IN, A_PLACE = 10, 8.34
#: The share that comes in the first sixth of the time.
EAGER, FIRST = 0.5, 1 / 6
#: Weeks that a family tries; families that are inside when the queue of arrivals counts as served.
TRIES, SERVED = 3, 20
#: Weeks that open; how many families are drawn for one that may book in them.
OPENED, DRAWN = 10, 1.5
#: What is looked at once the queue is served: by then most places are sold, so that few hold any more.
BOOKING = ("list", "hold", "confirm")
GENERATOR = "the generator"
#: The share of the processor time from which a part is named.
LEAST = 0.01
_TICKS = os.sysconf("SC_CLK_TCK")

_FAMILIES = """
    SELECT dossier.id, array_agg(child.id ORDER BY child.id) AS children
    FROM dossiers dossier JOIN children child ON child.dossier_ids[1] = dossier.id
    WHERE dossier.status = 'active' AND dossier.missing = '{}'
      AND child.birth_date BETWEEN current_date - 3650 AND current_date - 1825
    GROUP BY dossier.id ORDER BY dossier.id
"""


@dataclass(frozen=True)
class Answer:
    """What was asked, when (seconds from the opening), how long it took, and what came back."""

    what: str
    at_s: float
    ms: float
    status: int


@dataclass
class Opening:
    """What happened: every answer, and how many families were inside at each arrival and departure."""

    answers: list[Answer] = field(default_factory=list)
    inside: list[tuple[float, int]] = field(default_factory=list)
    places: int = 0

    def served_s(self, first_s: float) -> float | None:
        """When the queue of the first arrivals was served; none: never, while others came."""
        return next((at_s for at_s, inside in self.inside if at_s >= first_s and inside < SERVED), None)

    def percentile_ms(self, what: Collection[str], share: float, since_s: float = 0.0) -> float:
        found = sorted(one.ms for one in self.answers if one.what in what and one.at_s >= since_s)
        return found[min(int(len(found) * share), len(found) - 1)] if found else float("nan")


class Line(asyncio.Protocol):
    """A browser's connection: one request at a time, kept alive."""

    def __init__(self) -> None:
        self.buffer, self.answered = b"", asyncio.get_running_loop().create_future()

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self.transport = cast("asyncio.Transport", transport)

    async def ask(self, request: bytes) -> tuple[int, bytes]:
        self.answered = asyncio.get_running_loop().create_future()
        self.transport.write(request)
        status, body = await self.answered
        return status, body

    def data_received(self, data: bytes) -> None:
        self.buffer += data
        head, found, rest = self.buffer.partition(b"\r\n\r\n")
        at = head.lower().find(b"content-length:")
        if found and len(rest) >= int(head[at + 15 :].split(b"\r\n", 1)[0]):
            self.buffer = b""
            self.answered.set_result((int(head[9:12]), rest))

    def connection_lost(self, error: Exception | None) -> None:
        if not self.answered.done():
            self.answered.set_exception(error or ConnectionResetError("closed before it answered"))


@dataclass
class Family:
    number: int
    dossier_id: UUID
    children: Sequence[UUID]
    token: str
    login: str | None = None

    async def comes(self, opening: Opening, gateway: str, began: float, dice: random.Random) -> None:
        host, port = gateway.removeprefix("http://").split(":")
        address = f"127.{1 + self.number // 250}.{self.number % 250}.7"
        transport, line = await asyncio.get_running_loop().create_connection(
            Line, host, int(port), local_addr=(address, 0)
        )

        async def ask(what: str, method: str, path: str, body: Any = None, **headers: str) -> tuple[int, Any]:
            asked = time.perf_counter()
            data = b"" if body is None else json.dumps(body).encode()
            status, answer = await line.ask(load.request(method, f"/api/{path}", self.token, data, **headers))
            now = time.perf_counter()
            opening.answers.append(Answer(what, asked - began, (now - asked) * 1000, status))
            return status, json.loads(answer) if answer else None

        if self.login:
            status, tokens = await ask(
                "sign in", "POST", "identity/v1/sessions", {"login": self.login, "password": PASSWORD}
            )
            if status == 201:
                self.token = tokens["access_token"]
        for _ in range(TRIES):
            lines = []
            for child_id in self.children[:2]:
                _, page = await ask("list", "GET", f"enrolment/v1/holiday-weeks?child_id={child_id}")
                if weeks := [one["id"] for one in page.get("items", ()) if one["bookable"]]:
                    lines.append({"child_id": str(child_id), "holiday_week_id": dice.choice(weeks)})
            if not lines:
                break
            key = uuid4().hex
            status, booking = await ask("hold", "POST", "enrolment/v1/bookings", {"lines": lines}, Idempotency_Key=key)
            if status != 201:
                continue
            _, quote = await ask("quote", "POST", "billing/v1/quotes", {"lines": lines})
            await ask(
                "confirm",
                "POST",
                f"enrolment/v1/bookings/{booking['id']}/confirm",
                {"quote_id": quote.get("quote_id")},
                Idempotency_Key=uuid4().hex,
            )
            opening.places += len(lines)
            break
        transport.close()


def bench(running: Stack, effort: Effort) -> Iterator[Row]:
    with beside(running, running.run.path / "rush", round(DRAWN * effort.arrivals)) as town:
        families, places = asyncio.run(_opens(town, effort.arrivals))
        town.start(*((service, "all") for service in SERVICES), ("gateway", "all"))
        before, began = _spent_s(running, town), time.perf_counter()
        with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
            opening = runner.run(_rush(town.gateway, families, effort.arrive_s))
        elapsed = time.perf_counter() - began
        spent = {name: spent_s - before.get(name, 0.0) for name, spent_s in _spent_s(running, town).items()}
        sold, exact = asyncio.run(_sold(town))
    statuses = Counter(one.status for one in opening.answers)
    errors, waits = sum(number for status, number in statuses.items() if status >= 500), statuses[429]
    served_s = opening.served_s(effort.arrive_s * FIRST)
    exact = exact and sold == opening.places
    p99_ms = float("nan") if served_s is None else opening.percentile_ms(BOOKING, 0.99, served_s)
    shares = sorted(((spent_s / sum(spent.values()), name) for name, spent_s in spent.items()), reverse=True)
    crush_ms = opening.percentile_ms(["hold"], 0.99)
    served = "never" if served_s is None else f"after {served_s:.0f} s"
    yield Row(
        f"opening rush: {len(families):,} families in {effort.arrive_s:.0f} s on {places:,} places, "
        f"{sum(bool(one.login) for one in families):,} sign in",
        f"{errors} server errors, {waits} told to wait, {sold:,} sold {'exactly' if exact else 'WRONGLY'}; all "
        f"served in {elapsed:.0f} s; p99 of holds {crush_ms:,.0f} ms in all, of lists, holds and confirmations "
        f"{p99_ms:,.0f} ms once the queue was served ({served}); {len(opening.answers) / elapsed:,.0f} calls/s; "
        "processor time: " + ", ".join(f"{name} {share:.0%}" for share, name in shares if share >= LEAST),
        f"0 errors, exact, p99 {GOAL_MS:,.0f} ms",
        not errors and not waits and exact and p99_ms <= GOAL_MS,
    )


async def _opens(town: Stack, arrivals: int) -> tuple[list[Family], int]:
    """The families that will come, and how many places there are for them, in the weeks that are still to be booked."""
    enrolment = await asyncpg.connect(town.owner_databases["enrolment"])
    try:
        rows = (await enrolment.fetch(_FAMILIES))[:arrivals]
        if len(rows) < arrivals:
            raise RuntimeError(f"{len(rows)} families of {arrivals} may book: draw more of them")
        places = await _give_places(enrolment, round(arrivals / A_PLACE))
        await scene.open_accounts(town, "rush", [row["id"] for row in rows[::SIGN_IN]])
    finally:
        await enrolment.close()
    signer = scene.Families(town).signer
    return [
        Family(
            number,
            row["id"],
            row["children"],
            signer.token(iss=town.gateway, sub=new_id(), dossier_id=row["id"], guardian_id=new_id()),
            f"rush{number // SIGN_IN + 1}" if number % SIGN_IN == 0 else None,
        )
        for number, row in enumerate(rows)
    ], places


async def _give_places(enrolment: asyncpg.Connection, wanted: int) -> int:
    """Open what is next to be booked from six years of age, with so many places in all; what comes later is full."""
    await enrolment.execute(
        "UPDATE holiday_weeks SET booking_opens_at = NULL, residents_open_at = NULL, places = 0 WHERE taken = 0"
    )
    rows = await enrolment.fetch(
        "SELECT id FROM holiday_weeks WHERE booking_closes_at > now() + interval '1 day'"
        " AND min_age <= 6 AND max_age >= 9 AND taken = 0 ORDER BY lower(period), id LIMIT $1",
        OPENED,
    )
    opened = [row["id"] for row in rows]
    share, more = divmod(wanted, len(opened))
    for n, week_id in enumerate(opened):
        await enrolment.execute("UPDATE holiday_weeks SET places = $2 WHERE id = $1", week_id, share + (n < more))
    return wanted


async def _rush(gateway: str, families: Sequence[Family], arrive_s: float) -> Opening:
    opening, dice = Opening(), random.Random(1)
    first_s, began = arrive_s * FIRST, time.perf_counter()
    inside = 0

    async def arrives(family: Family, at_s: float) -> None:
        nonlocal inside
        await asyncio.sleep(max(0.0, began + at_s - time.perf_counter()))
        inside += 1
        opening.inside.append((time.perf_counter() - began, inside))
        await family.comes(opening, gateway, began, dice)
        inside -= 1
        opening.inside.append((time.perf_counter() - began, inside))

    moments = [dice.uniform(0, first_s) if dice.random() < EAGER else dice.uniform(first_s, arrive_s) for _ in families]
    await asyncio.gather(*(arrives(family, at_s) for family, at_s in zip(families, moments, strict=True)))
    return opening


async def _sold(town: Stack) -> tuple[int, bool]:
    """Places taken, and whether each week's are its active lines, and none beyond its places."""
    connection = await asyncpg.connect(town.databases["enrolment"])
    try:
        rows = await connection.fetch(
            "SELECT places, taken, (SELECT count(*) FROM booking_lines"
            " WHERE holiday_week_id = week.id AND active) AS lines FROM holiday_weeks week"
        )
    finally:
        await connection.close()
    return sum(row["taken"] for row in rows), all(row["taken"] == row["lines"] <= row["places"] for row in rows)


def _spent_s(*stacks: Stack) -> dict[str, float]:
    """Seconds of processor time by part, all that it has used; this process is the generator."""
    spent = defaultdict[str, float](float, {GENERATOR: time.process_time()})
    for name, process in ((name, process) for one in stacks for name, process in one.run.processes.items()):
        for member in process.family():
            with suppress(OSError):  # it has just ended
                fields = Path(f"/proc/{member.pid}/stat").read_text().rpartition(")")[2].split()
                spent[name] += (int(fields[11]) + int(fields[12])) / _TICKS
    return spent
