"""The main job, played through the gateway: from a dossier number to a paid holiday week, billed by an event.

`steps` is the journey itself, also the first end-to-end test; `show` shows it, with what happened behind each step.
"""

import asyncio
import json
import statistics
import time
from collections.abc import AsyncIterator, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Protocol

from french.wording import euros
from rich.console import Console
from rich.markup import escape

from deploy.local.portal import CLAIRE, CLAIRE_DOSSIER, Portal, until
from deploy.servers.errors import LauncherError

USERNAME, PASSWORD = "claire.moreau", "Villeneuve!2026"
ROUNDS, WARM_UP = 200, 20


class Journey:
    """Claire Moreau's way through the portal; each step leaves here what the next one needs."""

    def __init__(self, portal: Portal) -> None:
        self.portal = portal
        self.said = ""

    async def prove_the_dossier(self) -> None:
        """Give dossier number, name and email: a claim comes back"""
        self.claim = await self.portal.claim()
        self.said = f"dossier {CLAIRE_DOSSIER} is {CLAIRE['first_name']}'s for one hour"

    async def register(self) -> None:
        """Accept the terms and the privacy policy, submit the registration"""
        await self.portal.register(self.claim, USERNAME, PASSWORD)
        self.link = await self.portal.activation_token()
        self.said = f"a link, good for 72 hours, is in {CLAIRE['email']}'s mail"

    async def activate(self) -> None:
        """Follow the link in the mail"""
        await self.portal.activate(self.link, PASSWORD)
        self.said = "the account is active"

    async def sign_in(self) -> None:
        """Sign in"""
        await self.portal.sign_in(USERNAME, PASSWORD)
        self.children = await self.portal.children()
        self.said = f"children: {', '.join(sorted(self.children))}"

    async def look_at_weeks(self) -> None:
        """Look at the holiday weeks open to each child"""
        ines, tom = [await self.portal.weeks(self.children[name]) for name in ("Inès", "Tom")]
        # The same centre and dates for both, in the age group of each.
        self.pair = next((a, b) for a in ines for b in tom if (a["centre"], a["dates"]) == (b["centre"], b["dates"]))
        self.lines = [(self.children["Inès"], self.pair[0]["id"]), (self.children["Tom"], self.pair[1]["id"])]
        self.said = (
            f"{len(ines)} for Inès, {len(tom)} for Tom; chosen: {self.pair[0]['centre']}, {self.pair[0]['name']}"
        )

    async def hold_places(self) -> None:
        """Book one week for Inès and one for Tom: both or none"""
        self.booking = await self.portal.book(self.lines)
        for (child_id, week_id), before in zip(self.lines, self.pair, strict=True):
            left = {week["id"]: week["places_left"] for week in await self.portal.holiday_weeks(child_id)}[week_id]
            assert left == before["places_left"] - 1, f"{left} places left of {before['places_left']}"
        self.said = f"{self.booking['status']} until {self.booking['hold_expires_at'][11:16]} UTC, 2 places fewer"

    async def read_the_price(self) -> None:
        """Ask for the price: each line says why"""
        self.quoted = await self.portal.quote(self.lines)
        self.said = f"{euros(self.quoted['total_cents'])}\n" + "\n".join(
            f"· {line['explanation']}" for line in self.quoted["lines"]
        )

    async def confirm(self) -> None:
        """« Payer »: confirm the booking; billing hears of it only through RabbitMQ"""
        started = time.perf_counter()
        confirmed = await self.portal.confirm(self.booking["id"], self.quoted["quote_id"])
        elapsed_ms = (time.perf_counter() - started) * 1000
        self.booking = await self.portal.invoiced(self.booking["id"])
        assert self.booking["amount_cents"] == self.quoted["total_cents"], self.booking
        payable_until = self.booking["payable_until"][11:16]
        self.said = f"{confirmed['status']} in {elapsed_ms:.0f} ms; invoice opened, payable until {payable_until} UTC"

    async def open_the_payment(self) -> None:
        """Open the payment at PayFiP"""
        self.payment = await self.portal.open_payment(self.booking["invoice_id"])
        self.said = f"the family is sent to {self.payment['redirect_url']}"

    async def pay(self) -> None:
        """Pay on PayFiP's page; billing is notified, asks PayFiP, settles and numbers the invoice"""
        await self.portal.pay_on_the_page(self.payment["redirect_url"])
        await self.portal.payment_when(self.payment["payment_id"], "succeeded")
        self.booking = await self.portal.in_status(self.booking["id"], "paid")
        invoice = await self.portal.get(f"/billing/v1/invoices/{self.booking['invoice_id']}")
        assert invoice["status"] == "settled", invoice
        self.said = f"invoice {invoice['number']} settled, booking {self.booking['status']}"

    async def see_the_planning(self) -> None:
        """Open the planning: the week is reserved"""
        month = self.pair[0]["dates"][0][:7]
        expected = {
            (child_id, day) for child_id, week in zip(self.children_booked(), self.pair, strict=True)
            for day in week["dates"] if day.startswith(month)
        }  # fmt: skip

        async def reserved() -> set[tuple[str, str]] | None:
            planning = await self.portal.get(f"/planning/v1/plannings?month={month}")
            cells = {
                (row["child_id"], cell["date"])
                for row in planning["rows"]
                for cell in row["cells"]
                if (cell["status"], cell["booking_status"]) == ("reserved", "paid")
            }
            return cells if cells >= expected else None

        self.said = f"{len(await until(reserved, 'the planning shows the week'))} days reserved in {month}"

    async def read_the_receipt(self) -> None:
        """Read the receipt in the mail"""
        receipt = await self.portal.mail(CLAIRE["email"], "reçu de la facture")
        self.said = f"« {receipt['subject']} »"

    def children_booked(self) -> list[str]:
        return [child_id for child_id, _ in self.lines]

    def steps(self) -> Iterator[Any]:
        """The journey, in order: coroutine functions whose first docstring line says what the family does."""
        yield from (
            self.prove_the_dossier,
            self.register,
            self.activate,
            self.sign_in,
            self.look_at_weeks,
            self.hold_places,
            self.read_the_price,
            self.confirm,
            self.open_the_payment,
            self.pay,
            self.see_the_planning,
            self.read_the_receipt,
        )


# ---------------------------------------------------------------------- what happened behind


@dataclass
class Logs:
    """The services' logs, read on from where the last reading ended."""

    folder: Path
    read: dict[Path, int] = field(default_factory=dict)

    def handled(self) -> list[dict[str, Any]]:
        """What consumers said since the last call: `{timestamp, service, type, ms}`, ms from the event's birth to its
        committed effect."""
        found = []
        for path in sorted(self.folder.glob("*.log")):
            with path.open("rb") as file:
                file.seek(self.read.get(path, 0))
                for line in file:
                    if line.endswith(b"\n"):
                        self.read[path] = self.read.get(path, 0) + len(line)
                        if b'"event_handled"' in line:
                            found.append(json.loads(line))
        return found


async def quiet(logs: Logs) -> list[dict[str, Any]]:
    """Everything handled until nothing more has come for a tenth of a second."""
    handled, still = logs.handled(), 0
    while still < 5:
        await asyncio.sleep(0.02)
        more = logs.handled()
        handled, still = handled + more, 0 if more else still + 1
    return handled


def behind(handled: list[dict[str, Any]]) -> Iterator[str]:
    """One line an event type: who reacted, and after how many milliseconds."""
    by_type: dict[str, dict[str, float]] = {}
    for one in sorted(handled, key=lambda one: one["timestamp"]):
        by_type.setdefault(one["type"], {})[one["service"]] = one["ms"]
    for kind, services in by_type.items():
        yield f"{kind} → " + ", ".join(f"{service} {ms:.0f} ms" for service, ms in services.items())


class Act(Protocol):
    """Steps, each of which leaves in `said` what came of it."""

    said: str

    def steps(self) -> Iterator[Any]: ...


async def walk(act: Act, console: Console, first: int = 1) -> AsyncIterator[Any]:
    """Take the steps one after the other and show each; it is given once taken. Raises LauncherError naming it."""
    for number, step in enumerate(act.steps(), first):
        title = step.__doc__.splitlines()[0]
        started = time.perf_counter()
        try:
            await step()
        except Exception as error:
            raise LauncherError(f"Step {number} failed ({title}): {error!r}") from error
        elapsed_ms = (time.perf_counter() - started) * 1000
        console.print(f"[bold]{number:2d}. {escape(title)}[/bold]  [dim]{elapsed_ms:.0f} ms[/dim]")
        for line in act.said.splitlines():
            console.print(f"    {escape(line)}")
        yield step


async def show(act: Act, logs: Logs, console: Console, first: int = 1) -> int:
    """Play an act and show what happened behind each step; the number of the next one. Raises LauncherError."""
    async for _ in walk(act, console, first):
        first += 1
        for line in behind(await quiet(logs)):
            console.print(f"    [cyan]⇢ {escape(line)}[/cyan]")
    return first


async def measure(portal: Portal, journey: Journey, logs: Logs) -> dict[str, float]:
    """Median milliseconds of a hold through the gateway, and from « Payer » to the committed invoice; one client."""
    child_id, taken = journey.lines[0][0], set(journey.pair[0]["dates"])
    week = next(week for week in await portal.weeks(child_id) if not taken & set(week["dates"]))
    lines = [(child_id, week["id"])]
    quoted = await portal.quote(lines)
    holds: list[float] = []
    for _ in range(WARM_UP + ROUNDS):
        started = time.perf_counter()
        booking = await portal.book(lines)
        holds.append((time.perf_counter() - started) * 1000)
        await portal.cancel(booking["id"])
    await quiet(logs)
    for _ in range(WARM_UP + ROUNDS):
        booking = await portal.book(lines)
        await portal.confirm(booking["id"], quoted["quote_id"])
        await portal.invoiced(booking["id"])
        await portal.cancel(booking["id"])
    opened = [
        one["ms"]
        for one in await quiet(logs)
        if (one["service"], one["type"]) == ("billing", "enrolment.booking_confirmed")
    ]
    return {
        "POST /bookings through the gateway, p50 ms": statistics.median(holds[WARM_UP:]),
        "confirm to invoice opened, p50 ms": statistics.median(opened[WARM_UP:]),
    }
