"""Home and « Mon dossier » before a gateway that says what a family has to do."""

import re
from datetime import date, timedelta
from typing import Any

from chassis import clock
from french.paris import day_in_paris
from french.wording import day

from tests.browsers import Browser
from tests.gateways import BOOKING, DOSSIER, INVOICE, WAITING, Gateway, listed
from tests.screens import Screen


def today() -> date:
    return day_in_paris(clock.now())


def in_hours(hours: float) -> str:
    return (clock.now() + timedelta(hours=hours)).isoformat()


def planning(*days: str) -> dict[str, Any]:
    cells = [{"date": one, "status": "reserved"} for one in days]
    row = {
        "child_id": "tom",
        "child_first_name": "Tom",
        "activity_id": "r",
        "activity_name": "Restauration",
        "cells": cells,
    }
    return {"month": f"{today():%Y-%m}", "rows": [row], "draft": None}


async def test_what_needs_doing_is_told_soonest_first(claire: Browser, family_window: Screen, gateway: Gateway) -> None:
    held = BOOKING | {"hold_expires_at": in_hours(0.5)}
    over = held | {"id": "o", "hold_expires_at": in_hours(-1)}
    gateway.say("GET", "/enrolment/v1/bookings", (200, listed(held, over, held | {"id": "p", "status": "paid"})))
    offered = WAITING | {"status": "offered", "child_id": "ines", "name": "Hiver", "offer_expires_at": in_hours(30)}
    gateway.say("GET", "/enrolment/v1/waiting-list", (200, listed(offered, offered | {"status": "waiting"})))
    owed = INVOICE | {"payable_until": in_hours(10)}
    gateway.say("GET", "/billing/v1/invoices", (200, listed(owed, owed | {"status": "settled", "due_cents": 0})))
    draft = {
        "changes": [
            {"change_until": in_hours(20), "reason": None},
            {"change_until": in_hours(1), "reason": "Trop tard."},
        ]
    }
    gateway.say("GET", "/planning/v1/plannings", (200, planning() | {"draft": draft}), (200, planning()))
    shown = await claire.get("/")
    links = [one for one in shown.links().items() if " : " in one[0]]
    assert [path for _, path in links][:4] == [
        "/reservations/b",
        "/factures/i",
        f"/planning/{today():%Y-%m}",
        "/inscriptions",
    ]
    assert "Facture de 80,00 € à payer" in shown.text.replace("\xa0", " ")
    gateway.say("GET", "/planning/v1/plannings", (200, planning(str(today())) | {"draft": draft}), (200, planning()))
    await family_window.open("/")
    assert re.search(r"\(encore \d+ min \d\d s\)", await family_window.text())
    await family_window.look("accueil")


async def test_nothing_to_do_is_said(claire: Browser) -> None:
    shown = await claire.get("/")
    assert "Rien ne vous attend" in shown.text
    assert shown.text.count("Aucune réservation.") == 2


async def test_the_coming_days_of_each_child_are_told(claire: Browser, gateway: Gateway) -> None:
    coming, later = today() + timedelta(days=2), today() + timedelta(days=7)
    gateway.say("GET", "/planning/v1/plannings", (200, planning(str(coming), str(later))), (200, planning()))
    shown = await claire.get("/")
    assert f"{day(coming)}" in shown.text
    assert day(later) not in shown.text


async def test_a_service_that_is_down_takes_only_its_part_with_it(claire: Browser, gateway: Gateway) -> None:
    gateway.refuse("GET", "/billing/v1/invoices", 503)
    shown = await claire.get("/")
    assert shown.status == 200
    assert "peut-être incomplète" in shown.text
    assert "Rien ne vous attend" not in shown.text
    gateway.refuse("GET", "/planning/v1/plannings", 500)
    assert "Le planning ne répond pas" in (await claire.get("/")).text


async def test_an_incomplete_dossier_says_what_is_missing(claire: Browser, gateway: Gateway) -> None:
    gateway.say("GET", "/dossier/v1/dossiers/mine", (200, DOSSIER | {"missing": ["adresse postale"]}))
    for path in ("/", "/dossier"):
        assert "Il y manque : adresse postale" in (await claire.get(path)).text


async def test_the_dossier_is_read_as_the_town_knows_it(family_window: Screen) -> None:
    await family_window.open("/")
    await family_window.press("Mon dossier")
    text = await family_window.text()
    for said in (
        "100042",
        "3 rue des Lilas",
        "responsable légal, payeur",
        "École Jean Jaurès, élémentaire, CE1",
        "sans porc",
        "612 (CAF)",
    ):
        assert said in text
    await family_window.look("dossier")
