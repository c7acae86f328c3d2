"""A family's December as planning answers it."""

from datetime import date, timedelta
from typing import Any

MONTH = date(2026, 12, 1)
PATH = f"/planning/{MONTH:%Y-%m}"
PLANNINGS, PRICES, VALIDATE = "/planning/v1/plannings", "/billing/v1/prices", "/planning/v1/plannings/validate"
DRAFT = "/planning/v1/plannings/draft"
LATE = "Délai de réservation dépassé depuis vendredi 27 novembre 2026 à 9 h : adressez-vous au guichet."
FULL = "Complet : toutes les places de ce jour sont prises. Choisissez un autre jour."


def day(number: int) -> str:
    return str(MONTH.replace(day=number))


def row(child: str = "lea", activity: str = "cantine", *reserved: int, **cells: dict[str, Any]) -> dict[str, Any]:
    """Days can be changed from the 7th on; from the 21st on it is holidays. `d3={...}` says otherwise of the 3rd."""
    made = []
    for number in range(1, 32):
        this = MONTH.replace(day=number)
        cell: dict[str, Any] = {
            "date": str(this),
            "status": "reserved" if number in reserved else "open",
            "can_change": number >= 7,
            "change_until": f"{this - timedelta(days=4)}T08:00:00Z",
            "reason": None if number >= 7 else LATE,
            "booking_id": None,
        }
        if this.weekday() > 4 or number >= 21:
            why = "Pas d'activité le week-end." if this.weekday() > 4 else "Vacances scolaires (Noël)."
            cell |= {"status": "closed", "can_change": False, "change_until": None, "reason": why}
        made.append(cell | cells.get(f"d{number}", {}))
    names = {"lea": "Léa", "tom": "Tom", "cantine": "Restauration", "soir": "Accueil du soir"}
    return {
        "child_id": child,
        "child_first_name": names[child],
        "activity_id": activity,
        "activity_name": names[activity],
        "cells": made,
    }


def planning(*rows: dict[str, Any], version: int = 3, draft: dict[str, Any] | None = None) -> dict[str, Any]:
    return {"month": f"{MONTH:%Y-%m}", "version": version, "rows": list(rows), "draft": draft}


def wish(number: int, reserve: bool = True, child: str = "lea", reason: str | None = None) -> dict[str, Any]:
    return {
        "child_id": child,
        "activity_id": "cantine",
        "date": day(number),
        "reserve": reserve,
        "change_until": None,
        "reason": reason,
    }


def draft(*wishes: dict[str, Any]) -> dict[str, Any]:
    return {"kept_at": "2026-12-01T09:00:00Z", "changes": list(wishes)}


def prices(*children: str, cents: int = 310) -> dict[str, Any]:
    said = {"activity_id": "cantine", "amount_cents": cents, "unit": "day", "valid_from": str(MONTH)}
    items = [said | {"child_id": child, "explanation": "3,10 € par repas : quotient de 612."} for child in children]
    return {"month": f"{MONTH:%Y-%m}", "items": items}


def receipt(added: list[int] | None = None, removed: list[int] | None = None, version: int = 4) -> dict[str, Any]:
    def days(numbers: list[int] | None) -> list[dict[str, Any]]:
        named = {"child_id": "lea", "child_first_name": "Léa", "activity_id": "cantine"}
        return [named | {"activity_name": "Restauration", "date": day(one)} for one in numbers or ()]

    return {
        "month": f"{MONTH:%Y-%m}",
        "added": days(added),
        "removed": days(removed),
        "version": version,
        "etag": f'"{version}"',
    }


def refused(attempt: str, **days: str) -> tuple[int, dict[str, Any]]:
    """`c2=FULL`: the third of the changes."""
    errors = [{"pointer": f"/changes/{place[1:]}", "detail": why} for place, why in days.items()]
    problem = {"type": "urn:problem:planning:cells-refused", "title": "Cases refusées", "detail": "…"}
    return 409, problem | {"errors": errors, "attempt_id": attempt}
