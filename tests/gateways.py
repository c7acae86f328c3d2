"""A gateway that answers what a test says, and remembers what it was asked."""

import json
from dataclasses import dataclass, field
from typing import Any

from aiohttp import web as http

ME = {"id": "0199-me", "role": "guardian", "first_name": "Claire"}
#: Answers whole enough to be read; a test says what matters to it.
BOOKING_LINE = {
    "position": 0,
    "status": "active",
    "child_id": "tom",
    "holiday_week_id": "noel",
    "centre": "La Bièvre",
    "name": "Noël",
    "group": "6-11 ans",
    "dates": ["2026-12-21", "2026-12-22"],
    "cancellation_closes_at": "2026-12-11T22:59:59Z",
    "reason": None,
    "amount_cents": None,
}
BOOKING: dict[str, Any] = {
    "id": "b",
    "dossier_id": "d",
    "status": "held",
    "hold_expires_at": "2026-12-01T09:00:00Z",
    "lines": [BOOKING_LINE],
    "reason": None,
    "invoice_id": None,
    "invoice_number": None,
    "amount_cents": None,
    "payable_until": None,
    "version": 1,
    "refused": [],
}
WAITING = {
    "id": "w",
    "status": "waiting",
    "child_id": "tom",
    "holiday_week_id": "noel",
    "centre": "La Bièvre",
    "name": "Noël",
    "rank": 3,
    "offer_expires_at": None,
}
INVOICE: dict[str, Any] = {
    "id": "i",
    "dossier_id": "d",
    "kind": "invoice",
    "status": "to_pay",
    "number": None,
    "booking_id": "b",
    "amount_cents": 8000,
    "due_cents": 8000,
    "payer_name": "Claire Moreau",
    "payer_address": None,
    "opened_at": "2026-11-25T09:00:00Z",
    "payable_until": None,
    "settled_at": None,
    "reason": None,
    "lines": [],
}

DOSSIER: dict[str, Any] = {
    "id": "d",
    "number": "100042",
    "address": {"street": "3 rue des Lilas", "postcode": "94990", "city": "Villeneuve-sur-Bièvre"},
    "adults": [
        {"id": "claire", "first_name": "Claire", "last_name": "Moreau", "email": "claire@example.org", "phone": None}
        | {"roles": ["legal_guardian", "payer"]}
    ],
    "children": [
        {"id": "tom", "first_name": "Tom", "last_name": "Moreau", "birth_date": "2019-05-02", "menu": "no_pork"}
        | {"schooling": [{"school_year": "2026-2027", "school_id": "s", "level": "elementary", "class_name": "CE1"}]},
        {"id": "ines", "first_name": "Inès", "last_name": "Moreau", "birth_date": "2022-01-01", "menu": "standard"}
        | {"schooling": []},
    ],
    "quotient": {"value": 612, "source": "caf", "valid_from": "2026-09-01", "valid_to": "2027-08-31"},
    "missing": [],
}
#: Of a child of two dossiers.
CUSTODY: dict[str, Any] = {
    "shared": True,
    "patterns": [
        {"from": "2026-09-09", "days": ["own"] * 7 + ["other"] * 7},
        {"from": "2027-01-04", "days": ["own", "own", "other", "other", "other", "own", "own"]},
    ],
    "exceptions": [{"from": "2026-12-21", "to": "2026-12-25", "whose": "other"}],
}


def listed(*items: dict[str, Any]) -> dict[str, Any]:
    """A list's only page."""
    return {"items": list(items), "next_cursor": None}


@dataclass
class Call:
    method: str
    path: str
    headers: Any
    query: dict[str, str]
    body: Any


@dataclass
class Gateway:
    """`says[("GET", "/identity/v1/me")]` is `(status, body)`, or several, of which the last one lasts."""

    url: str = ""
    says: dict[tuple[str, str], list[tuple[int, Any]]] = field(default_factory=dict)
    calls: list[Call] = field(default_factory=list)
    signed_in: int = 0

    def be_quiet(self) -> None:
        """A family of two children for which there is nothing to do, and a desk for which nothing waits."""
        self.say("GET", "/dossier/v1/dossiers/mine", (200, DOSSIER))
        for path in ("/enrolment/v1/bookings", "/enrolment/v1/waiting-list", "/billing/v1/invoices"):
            self.say("GET", path, (200, listed()))
        for path in ("change-requests", "documents"):
            self.say("GET", f"/dossier/v1/{path}", (200, listed()))
        self.say("GET", "/identity/v1/messages", (200, listed() | {"unread": 0}))
        for path in ("link-requests", "dossier-requests", "letters/waiting", "desk-notices"):
            self.say("GET", f"/identity/v1/{path}", (200, listed()))
        self.say("GET", "/planning/v1/plannings", (200, {"month": "2026-11", "rows": [], "draft": None}))
        self.say("GET", "/enrolment/v1/sites", (200, listed({"id": "s", "name": "École Jean Jaurès"})))

    def say(self, method: str, path: str, *answers: tuple[int, Any]) -> None:
        self.says[method, path] = list(answers)

    def refuse(self, method: str, path: str, status: int, detail: str = "", **more: Any) -> None:
        self.say(method, path, (status, {"type": "urn:problem:test", "title": "", "detail": detail} | more))

    def heard(self, method: str, path: str) -> list[Call]:
        return [call for call in self.calls if (call.method, call.path) == (method, path)]

    def tokens(self, expires_in: int = 600) -> dict[str, Any]:
        self.signed_in += 1
        return {
            "access_token": f"access-{self.signed_in}",
            "refresh_token": f"refresh-{self.signed_in}",
            "expires_in": expires_in,
        }

    async def answer(self, request: http.Request) -> http.Response:
        content = await request.read()
        path = request.path.removeprefix("/api")
        body = content if request.content_type == "application/octet-stream" else json.loads(content or b"null")
        self.calls.append(Call(request.method, path, request.headers.copy(), dict(request.query), body))
        answers = self.says.get((request.method, path))
        if answers is None:
            return http.json_response(
                {"type": "urn:problem:not-found", "detail": f"nothing said of {path}"}, status=404
            )
        status, said = answers.pop(0) if len(answers) > 1 else answers[0]
        headers = {"Retry-After": "60"} if status == 429 else {"ETag": '"7"'}
        return http.json_response(said, status=status, headers=headers) if status != 204 else http.Response(status=204)
