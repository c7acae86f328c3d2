"""The calendar's secret address and the week by mail, before a gateway that says what there is."""

import pytest

from tests.browsers import Browser
from tests.gateways import Gateway
from tests.screens import Screen

HERE = "/planning/calendrier"
FEED, DIGEST = "/planning/v1/calendar-feed", "/planning/v1/weekly-digest"


@pytest.fixture(autouse=True)
def neither(gateway: Gateway) -> None:
    gateway.say("GET", FEED, (200, {"made_at": None}))
    gateway.say("GET", DIGEST, (200, {"enabled": False}))


async def test_a_calendar_is_subscribed_to_its_address_told_once_and_taken_back(
    claire: Browser, gateway: Gateway
) -> None:
    gateway.say("POST", FEED, (201, {"secret": "s3cret", "url": "/api/planning/v1/calendars/s3cret.ics"}))
    gateway.say("DELETE", FEED, (204, None))
    page = await claire.get(HERE)
    gateway.say("GET", FEED, (200, {"made_at": "2026-11-20T08:00:00Z"}))
    forms = page.all("form")
    sent = page.form_of(next(one for one in forms if one.get("action") == HERE))
    shown = await claire.post(HERE, sent | {"faire": "abonner"})
    address = f"{claire.origin}/calendriers/s3cret.ics"
    assert address in shown.text
    assert shown.links()["Ouvrir dans mon agenda"] == address.replace("http:", "webcal:")
    assert "s3cret" not in shown.path, "it is in no history and no log"
    assert "s3cret" not in (await claire.get(HERE)).source
    await claire.post(HERE, sent | {"faire": "resilier"})
    assert gateway.heard("DELETE", FEED)


async def test_the_address_is_shown_to_nobody_else(claire: Browser, gateway: Gateway) -> None:
    gateway.say("GET", FEED, (200, {"made_at": "2026-11-20T08:00:00Z"}))
    assert "calendriers" not in (await claire.get(f"{HERE}?lien=x")).source


@pytest.mark.parametrize(("wish", "enabled"), [("recevoir", True), ("arreter", False)])
async def test_the_week_by_mail_is_switched(claire: Browser, gateway: Gateway, wish: str, enabled: bool) -> None:
    gateway.say("GET", DIGEST, (200, {"enabled": not enabled}))
    gateway.say("PUT", DIGEST, (200, {"enabled": enabled}))
    page = await claire.get(HERE)
    assert ("Vous le recevez." in page.text) is not enabled
    gateway.say("GET", DIGEST, (200, {"enabled": enabled}))
    sent = page.form_of(next(one for one in page.all("form") if one.get("action") == HERE))
    shown = await claire.post(HERE, sent | {"faire": wish})
    assert [call.body for call in gateway.heard("PUT", DIGEST)] == [{"enabled": enabled}]
    assert ("Vous le recevez." in shown.text) is enabled


async def test_what_nobody_asked_for_changes_nothing(claire: Browser, gateway: Gateway) -> None:
    page = await claire.get(HERE)
    sent = page.form_of(next(one for one in page.all("form") if one.get("action") == HERE))
    assert (await claire.post(HERE, sent | {"faire": "<script>"})).path == HERE
    assert not [call for call in gateway.calls if call.method != "GET"]


async def test_a_telephone_reads_the_calendar_at_its_address_without_signing_in(
    browser: Browser, gateway: Gateway
) -> None:
    gateway.say("GET", "/planning/v1/calendars/s3cret.ics", (200, "BEGIN:VCALENDAR"))
    async with browser.client.get(f"{browser.origin}/calendriers/s3cret.ics") as answer:
        assert (answer.status, answer.content_type) == (200, "text/calendar")
        assert "BEGIN:VCALENDAR" in await answer.text()
        assert answer.headers["Cache-Control"] == "no-store"
    for wrong in ("other", "..%2Fplannings", "a.b"):
        async with browser.client.get(f"{browser.origin}/calendriers/{wrong}.ics") as answer:
            assert answer.status == 404
    assert {call.path for call in gateway.calls} == {
        "/planning/v1/calendars/s3cret.ics",
        "/planning/v1/calendars/other.ics",
    }


async def test_the_page_is_looked_at(family_window: Screen, gateway: Gateway) -> None:
    gateway.say("POST", FEED, (201, {"secret": "s" * 43, "url": "/"}))
    await family_window.open(HERE)
    await family_window.look("planning-calendrier")
    gateway.say("GET", FEED, (200, {"made_at": "2026-11-20T08:00:00Z"}))
    gateway.say("GET", DIGEST, (200, {"enabled": True}))
    await family_window.press("S'abonner au calendrier")
    await family_window.look("planning-calendrier-abonne")
