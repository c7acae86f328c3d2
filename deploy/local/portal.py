"""The portal as a family's program uses it: by the gateway, mails read at the stand-in. For demo, tests and lab."""

import asyncio
import re
import time
from collections.abc import Awaitable, Callable
from types import TracebackType
from typing import Any, Protocol, Self, TypeVar
from urllib.parse import urlencode

import aiohttp
from chassis.identifiers import new_id

T = TypeVar("T")
Json = dict[str, Any]

CLAIRE = {"last_name": "Moreau", "first_name": "Claire", "email": "claire.moreau@example.org"}
CLAIRE_DOSSIER = "100042"


class Addresses(Protocol):
    """Where a running stack is reached: base URLs."""

    gateway: str
    web: str
    mail: str
    payfip: str


class RefusedError(Exception):
    """The portal answered with a problem document."""

    def __init__(self, status: int, problem: Json) -> None:
        super().__init__(f"{status} {problem.get('type')}: {problem.get('detail')} {problem.get('errors', '')}")
        self.status, self.problem = status, problem
        self.type: str = problem.get("type", "")


async def until(question: Callable[[], Awaitable[T | None]], what: str, timeout_s: float = 30.0) -> T:
    """Ask again until the answer is not None; raises TimeoutError saying what was waited for."""
    deadline = time.monotonic() + timeout_s
    while (answer := await question()) is None:
        if time.monotonic() > deadline:
            raise TimeoutError(f"{what}: not after {timeout_s:.0f} s")
        await asyncio.sleep(0.01)
    return answer


class Portal:
    """One person at the portal; `token` is theirs once signed in."""

    def __init__(self, stack: Addresses, base: str | None = None) -> None:
        self.stack = stack
        self.client = aiohttp.ClientSession(base or stack.gateway)
        self.token: str | None = None

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(self, *_: type[BaseException] | BaseException | TracebackType | None) -> None:
        await self.client.close()

    async def call(self, method: str, path: str, body: Any = None, *, key: str | None = None) -> Any:
        """`/identity/v1/me` through the gateway; the decoded answer (None if empty). Raises RefusedError."""
        return (await self._asked(method, path, body, {"Idempotency-Key": key} if key else {}))[0]

    async def edit(self, method: str, path: str, body: Any, seen: str) -> Any:
        """What is asked of somebody who has `seen` that ETag, under a fresh idempotency key."""
        return (await self._asked(method, path, body, {"If-Match": seen, "Idempotency-Key": str(new_id())}))[0]

    async def tagged(self, path: str) -> tuple[Any, str]:
        """What is there, and its ETag."""
        return await self._asked("GET", path, None, {})

    async def hand_in(self, dossier_id: str, kind: str, content: bytes, **said: str) -> Json:
        """A document of that kind, under a fresh idempotency key."""
        path = f"/dossier/v1/dossiers/{dossier_id}/documents?{urlencode({'kind': kind} | said)}"
        document: Json = (await self._asked("POST", path, content, {"Idempotency-Key": str(new_id())}))[0]
        return document

    async def _asked(self, method: str, path: str, body: Any, headers: dict[str, str]) -> tuple[Any, str]:
        own = {"Authorization": f"Bearer {self.token}"} if self.token else {}
        sent: Json = {"data": body} if isinstance(body, bytes) else {"json": body}
        async with self.client.request(method, f"/api{path}", headers=headers | own, **sent) as answer:
            decoded = await answer.json(content_type=None) if answer.status != 204 else None
            if answer.status >= 400:
                raise RefusedError(answer.status, decoded or {})
            return decoded, answer.headers.get("ETag", "")

    async def get(self, path: str) -> Any:
        return await self.call("GET", path)

    async def post(self, path: str, body: Any = None, *, key: str | None = None) -> Any:
        """POST under `key`, or a fresh idempotency key."""
        return await self.call("POST", path, body, key=key or str(new_id()))

    # ------------------------------------------------------------------ account

    async def claim(self, number: str = CLAIRE_DOSSIER, last_name: str = "Moreau", email: str = CLAIRE["email"]) -> str:
        asked = {"dossier_number": number, "last_name": last_name, "email": email}
        claim: str = (await self.post("/identity/v1/claims", asked))["dossier_claim"]
        return claim

    async def register(self, claim: str, username: str, password: str, **changes: str) -> None:
        """Accept the current terms and privacy policy, then submit; the link comes by mail."""
        terms, privacy = await self.get("/identity/v1/legal/terms"), await self.get("/identity/v1/legal/privacy")
        await self.post(
            "/identity/v1/registrations",
            CLAIRE
            | {"username": username, "password": password, "dossier_claim": claim}
            | {"terms_version": terms["version"], "privacy_version": privacy["version"]}
            | changes,
        )

    async def mails(self, address: str) -> list[Json]:
        """What that address received, newest first."""
        async with self.client.get(f"{self.stack.mail}/messages", params={"to": address}) as answer:
            received: list[Json] = await answer.json()
            return received

    async def mail(self, address: str, subject: str) -> Json:
        """The newest mail whose subject holds that text, once it is there."""

        async def found() -> Json | None:
            return next((m for m in await self.mails(address) if subject.lower() in m["subject"].lower()), None)

        return await until(found, f"a mail « {subject} » to {address}")

    async def activation_token(self, address: str = CLAIRE["email"], *, other_than: str | None = None) -> str:
        """The secret of the newest activation link that was mailed there, once it is another than that one."""

        async def found() -> str | None:
            for message in await self.mails(address):
                if link := re.search(r"/activation\?token=([\w-]+)", message["text"]):
                    return link[1] if link[1] != other_than else None
            return None

        return await until(found, f"an activation link to {address}")

    async def activate(self, token: str, password: str) -> None:
        """Follow a link, with the password chosen at registration."""
        await self.post("/identity/v1/activations", {"token": token, "password": password})

    async def sign_in(self, login: str, password: str, otp: str | None = None) -> None:
        asked = {"login": login, "password": password} | ({"otp": otp} if otp else {})
        self.token = (await self.post("/identity/v1/sessions", asked))["access_token"]

    # ------------------------------------------------------------------ children and weeks

    async def children(self) -> dict[str, str]:
        """First name → id of the family's children."""
        dossier = await self.get("/dossier/v1/dossiers/mine")
        return {child["first_name"]: child["id"] for child in dossier["children"]}

    async def holiday_weeks(self, child_id: str) -> list[Json]:
        """Every holiday week of the child's age group, soonest first."""
        weeks: list[Json] = (await self.get(f"/enrolment/v1/holiday-weeks?child_id={child_id}&limit=100"))["items"]
        return weeks

    async def weeks(self, child_id: str) -> list[Json]:
        """Those that the child may book now and that have a place left."""
        return [w for w in await self.holiday_weeks(child_id) if w["bookable"] and w["places_left"] > 0]

    # ------------------------------------------------------------------ enrolments and planning

    async def enrolled(self, enrolment_id: str) -> Json:
        """The enrolment once planning has answered what was asked of it."""

        async def answered() -> Json | None:
            enrolment: Json = await self.get(f"/enrolment/v1/enrolments/{enrolment_id}")
            return None if enrolment["pending"] else enrolment

        return await until(answered, f"planning's answer to enrolment {enrolment_id}")

    async def month(self, month: str) -> tuple[Json, str]:
        """The family's planning of a month (« 2026-12 »), and its ETag."""
        return await self.tagged(f"/planning/v1/plannings?month={month}")

    async def validate(self, month: str, seen: str, *changes: Json) -> Json:
        """« Valider » these changes, or (none) the draft, of a month that was seen at that ETag."""
        body: Json = {"month": month} | ({"changes": changes} if changes else {})
        receipt: Json = await self.edit("POST", "/planning/v1/plannings/validate", body, seen)
        return receipt

    # ------------------------------------------------------------------ booking and payment

    async def book(self, lines: list[tuple[str, str]], *, key: str | None = None) -> Json:
        """Hold places for `(child id, holiday week id)` lines: all or none."""
        body = {"lines": [{"child_id": child, "holiday_week_id": week} for child, week in lines]}
        booking: Json = await self.post("/enrolment/v1/bookings", body, key=key)
        return booking

    async def quote(self, lines: list[tuple[str, str]]) -> Json:
        body = {"lines": [{"child_id": child, "holiday_week_id": week} for child, week in lines]}
        quote: Json = await self.post("/billing/v1/quotes", body)
        return quote

    async def confirm(self, booking_id: str, quote_id: str, *, key: str | None = None) -> Json:
        path = f"/enrolment/v1/bookings/{booking_id}/confirm"
        booking: Json = await self.post(path, {"quote_id": quote_id}, key=key)
        return booking

    async def cancel(self, booking_id: str, position: int | None = None) -> Json:
        """Cancel one line, or all that may still be."""
        line = "" if position is None else f"/lines/{position}"
        booking: Json = await self.call("DELETE", f"/enrolment/v1/bookings/{booking_id}{line}")
        return booking

    async def booking(self, booking_id: str) -> Json:
        booking: Json = await self.get(f"/enrolment/v1/bookings/{booking_id}")
        return booking

    async def booking_when(
        self, booking_id: str, what: str, is_so: Callable[[Json], bool], timeout_s: float = 30
    ) -> Json:
        """The booking once `is_so` holds of it."""

        async def asked() -> Json | None:
            booking = await self.booking(booking_id)
            return booking if is_so(booking) else None

        return await until(asked, f"booking {booking_id} {what}", timeout_s)

    async def invoiced(self, booking_id: str, timeout_s: float = 30) -> Json:
        """The booking once billing has opened its invoice."""
        return await self.booking_when(booking_id, "has its invoice", lambda b: b["invoice_id"] is not None, timeout_s)

    async def in_status(self, booking_id: str, status: str, timeout_s: float = 30) -> Json:
        return await self.booking_when(booking_id, f"is {status}", lambda b: b["status"] == status, timeout_s)

    async def open_payment(self, invoice_id: str, *, key: str | None = None) -> Json:
        body = {"invoice_ids": [invoice_id], "return_url": f"{self.stack.web}/paiements/{{payment_id}}"}
        payment: Json = await self.post("/billing/v1/payments", body, key=key)
        return payment

    async def payment_when(self, payment_id: str, *statuses: str, timeout_s: float = 30) -> Json:
        async def asked() -> Json | None:
            payment: Json = await self.get(f"/billing/v1/payments/{payment_id}")
            return payment if payment["status"] in statuses else None

        return await until(asked, f"payment {payment_id} is {' or '.join(statuses)}", timeout_s)

    async def balance(self) -> Json:
        balance: Json = await self.get("/billing/v1/balance")
        return balance

    # ------------------------------------------------------------------ at PayFiP

    async def pay_on_the_page(self, redirect_url: str) -> str:
        """Do what a family does on PayFiP's page, and come back: the address the browser is sent to."""
        async with self.client.get(redirect_url) as page:
            assert page.status == 200, await page.text()
        async with self.client.post(redirect_url, data={"result": "P"}, allow_redirects=False) as answer:
            return answer.headers["Location"]

    async def decide(self, redirect_url: str, result: str, **options: Any) -> None:
        """Decide the outcome of a payment at the stand-in: P, V, A, R or Z; `notify`, `repeat`, `amount_cents`."""
        idop = redirect_url.rsplit("=", 1)[1]
        url = f"{self.stack.payfip}/sandbox/payments/{idop}"
        async with self.client.post(url, json={"result": result, **options}) as answer:
            assert answer.status < 300, await answer.text()
