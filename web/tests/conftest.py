"""The pages, really listening, before a gateway that answers what a test says."""

from collections.abc import AsyncIterator
from pathlib import Path

import aiohttp
import pytest
import uvicorn
from aiohttp import web as http
from web.main import configuration
from web.sealing import new_keys
from web.settings import Settings

from tests.browsers import Browser
from tests.gateways import ME, Gateway
from tests.screens import Screen, Screens

TOWN = Path(__file__).parents[2] / "deploy" / "towns" / "villeneuve-sur-bievre.toml"


@pytest.fixture
async def gateway() -> AsyncIterator[Gateway]:
    made = Gateway()
    made.be_quiet()
    application = http.Application(client_max_size=12_000_000)
    application.router.add_route("*", "/{path:.*}", made.answer)
    runner = http.AppRunner(application)
    await runner.setup()
    await http.TCPSite(runner, "127.0.0.1", 0).start()
    made.url = f"http://127.0.0.1:{runner.addresses[0][1]}"
    yield made
    await runner.cleanup()


@pytest.fixture
def settings(gateway: Gateway, unused_tcp_port: int) -> Settings:
    return Settings(
        port=unused_tcp_port,
        origin=f"http://127.0.0.1:{unused_tcp_port}",
        gateway_url=gateway.url,
        session_keys=new_keys(),
        town=TOWN,
        payfip_origin="http://payfip.example.org",
    )


@pytest.fixture
async def pages(settings: Settings) -> AsyncIterator[str]:
    """Where they are."""
    server = uvicorn.Server(configuration(settings))
    server.config.load()
    server.lifespan = server.config.lifespan_class(server.config)
    await server.startup()
    yield settings.origin
    await server.shutdown()


@pytest.fixture
async def client() -> AsyncIterator[aiohttp.ClientSession]:
    async with aiohttp.ClientSession(cookie_jar=aiohttp.DummyCookieJar()) as opened:
        yield opened


@pytest.fixture
def browser(client: aiohttp.ClientSession, pages: str) -> Browser:
    return Browser(client, pages)


@pytest.fixture
async def claire(browser: Browser, gateway: Gateway) -> Browser:
    """A browser in which a guardian has signed in."""
    gateway.say("POST", "/identity/v1/sessions", (201, gateway.tokens()))
    gateway.say("GET", "/identity/v1/me", (200, ME))
    page = await browser.get("/connexion")
    await browser.submit(page, "/connexion", login="claire", password="Villeneuve!2026")
    gateway.calls.clear()
    return browser


async def _of_the_staff(browser: Browser, gateway: Gateway, role: str) -> Browser:
    gateway.say("POST", "/identity/v1/sessions", (201, gateway.tokens()))
    gateway.say("GET", "/identity/v1/me", (200, ME | {"id": "0199-luc", "role": role, "first_name": "Luc"}))
    page = await browser.get("/connexion")
    await browser.submit(page, "/connexion", login="luc", password="Guichet!2026")
    gateway.calls.clear()
    return browser


@pytest.fixture
async def agent(browser: Browser, gateway: Gateway) -> Browser:
    """A browser in which an agent has signed in."""
    return await _of_the_staff(browser, gateway, "agent")


@pytest.fixture
async def administrator(browser: Browser, gateway: Gateway) -> Browser:
    """A browser in which an administrator has signed in."""
    return await _of_the_staff(browser, gateway, "administrator")


@pytest.fixture
async def window(screens: Screens, pages: str) -> Screen:
    """A phone on which nobody has signed in."""
    return await screens.open(pages)


@pytest.fixture
async def desk_window(window: Screen, gateway: Gateway) -> Screen:
    """One in which an agent has signed in; for an administrator, have `/me` say so and sign in again."""
    gateway.say("POST", "/identity/v1/sessions", (201, gateway.tokens()))
    gateway.say("GET", "/identity/v1/me", (200, ME | {"role": "agent", "first_name": "Luc"}))
    await window.sign_in("luc", "Guichet!2026")
    gateway.calls.clear()
    return window


@pytest.fixture
async def family_window(window: Screen, gateway: Gateway) -> Screen:
    """A phone on which a guardian has signed in."""
    gateway.say("POST", "/identity/v1/sessions", (201, gateway.tokens()))
    gateway.say("GET", "/identity/v1/me", (200, ME))
    await window.sign_in("claire", "Villeneuve!2026")
    gateway.calls.clear()
    return window
