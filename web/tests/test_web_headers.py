"""What every answer says, files that are kept for ever, and the pages of errors."""

import re

import aiohttp
import pytest
from web.api import waited

from tests.browsers import Browser
from tests.gateways import Gateway

DESK = "01 99 00 12 34"


@pytest.mark.parametrize("path", ["/connexion", "/nulle-part", "/static/none.css", "/healthz"])
async def test_each_answer_refuses_foreign_scripts_frames_and_caches(browser: Browser, path: str) -> None:
    async with browser.client.get(browser.origin + path) as answer:
        policy = answer.headers["Content-Security-Policy"]
        assert policy.startswith("default-src 'none'; script-src 'self';")
        assert "form-action 'self' http://payfip.example.org;" in policy
        assert "unsafe" not in policy
        assert answer.headers["X-Content-Type-Options"] == "nosniff"
        assert answer.headers["Cache-Control"] == "no-store"


async def test_a_page_asks_for_little_and_files_are_kept_for_ever(browser: Browser) -> None:
    page = await browser.get("/connexion")
    wanted = [one.get("href") or one.get("src") for one in [*page.all("link"), *page.all("script")]]
    size = len(page.source.encode())
    for url in wanted:
        assert re.fullmatch(r"/static/[\w-]+\.[0-9a-f]{12}\.\w+", str(url))
        async with browser.client.get(browser.origin + str(url)) as answer:
            assert answer.headers["Cache-Control"] == "public, max-age=31536000, immutable"
            size += len(await answer.read())
    assert len(wanted) <= 4
    assert size < 150_000


async def test_hsts_is_said_in_production_alone(
    browser: Browser, settings: object, monkeypatch: pytest.MonkeyPatch
) -> None:
    from web.headers import Headers

    async with browser.client.get(f"{browser.origin}/healthz") as answer:
        assert "Strict-Transport-Security" not in answer.headers
    monkeypatch.setenv("ENVIRONMENT", "production")
    said = dict(Headers(None, "https://p.example").said)  # type: ignore[arg-type] # nothing is asked of it
    assert said[b"strict-transport-security"] == b"max-age=31536000"


@pytest.mark.parametrize(("method", "path"), [("GET", "/nulle-part"), ("GET", "/deconnexion"), ("GET", "/a/../b")])
async def test_what_is_not_there_has_a_page_with_the_desks_number(browser: Browser, method: str, path: str) -> None:
    page = await browser.get(path)
    assert (page.status, page.heading) == (404, "Page introuvable")
    assert DESK in page.text


@pytest.mark.parametrize(
    ("status", "shown", "heading"),
    [(429, 429, "Trop de demandes"), (500, 503, "Service momentanément indisponible"), (404, 404, "Page introuvable")],
)
async def test_what_the_api_answers_has_a_page_too(
    claire: Browser, gateway: Gateway, status: int, shown: int, heading: str
) -> None:
    gateway.refuse("GET", "/identity/v1/me", status, "Voici pourquoi.")
    page = await claire.get("/connexion")
    assert (page.status, page.heading) == (shown, heading)
    assert "Voici pourquoi." in page.text
    assert DESK in page.text
    if status == 429:
        assert page.headers["Retry-After"] == "60"


async def test_a_gateway_that_cannot_be_reached_is_no_bare_error(
    claire: Browser, gateway: Gateway, unused_tcp_port_factory: object
) -> None:
    async def broken(*_: object, **__: object) -> None:
        raise aiohttp.ClientConnectionError

    gateway.say("GET", "/identity/v1/me", (200, "not what is expected"))
    page = await claire.get("/connexion")
    assert (page.status, page.heading) == (503, "Service momentanément indisponible")


@pytest.mark.parametrize("body", ["a=" + "x" * 70_000, "&".join(["a=1"] * 1001)])
async def test_a_form_too_large_is_refused(claire: Browser, body: str) -> None:
    headers = claire.headers | {"Content-Type": "application/x-www-form-urlencoded"}
    async with claire.client.post(f"{claire.origin}/connexion", data=body, headers=headers) as answer:
        assert answer.status == 413
        assert "raccourcissez-les" in await answer.text()


@pytest.mark.parametrize(
    "value", ["\U0001f600" * 20, "<script>alert(1)</script>", "\u202egnissim", "\x00", "%ff%00", "é" * 9000]
)
async def test_whatever_is_typed_is_shown_as_it_was_and_harms_nobody(
    browser: Browser, gateway: Gateway, value: str
) -> None:
    gateway.refuse("POST", "/identity/v1/sessions", 401, "Non.")
    page = await browser.submit(await browser.get("/connexion"), "/connexion", login=value, password="x")
    assert (page.status, page.errors) in [(422, ["Non."]), (422, ["Indiquez votre nom d'utilisateur."])]
    assert len(page.all("script")) == 1


async def test_an_answer_says_how_long_its_calls_and_the_page_took(claire: Browser) -> None:
    said = (await claire.get("/")).headers["Server-Timing"]
    assert re.fullmatch(r"api;dur=\d+\.\d, page;dur=\d+\.\d", said)


def test_calls_at_the_same_time_count_once() -> None:
    assert waited([(3.0, 4.0), (0.0, 2.0), (1.0, 2.5), (1.2, 1.4)]) == 3.5
    assert waited([]) == 0
