"""The pages: what each takes beyond its calls, what a first sight weighs, and when a slow phone has painted it."""

import asyncio
import json
import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from statistics import median

import aiohttp
from chassis import clock
from french.paris import day_in_paris
from playwright.async_api import Page, async_playwright

from deploy.local.portal import until
from deploy.local.stack import SERVICES, Stack
from deploy.servers.packages import chromium
from tests.browsers import Browser
from tests.lab.bench.rounds import Effort, Row

BEYOND_MS, PLANNING_MS, WEIGHT_KB, REQUESTS, PAINT_MS = 30.0, 40.0, 150, 5, 2_500
PUBLIC = ("/connexion", "/inscrivez-vous", "/aide", "/mentions-legales")
PLANNING = f"/planning/{day_in_paris(clock.now()):%Y-%m}"
FAMILY = ("/", "/dossier", "/inscriptions", "/inscriptions/vacances", PLANNING, "/factures", "/delais")
LOGIN, PASSWORD = "martin", "Bienvenue!2026"  # of the demo town
#: A phone of the cheapest kind on a slow network: four times slower, 1.6 Mbit/s, 150 ms there and back.
CPU, DOWN, UP, LATENCY_MS = 4, 1.6e6 / 8, 750e3 / 8, 150


@dataclass(frozen=True)
class Sight:
    """A first sight of a page: bytes on the line, requests, and when its largest part was painted."""

    bytes: int
    requests: int
    paint_ms: float


def bench(running: Stack, effort: Effort) -> Iterator[Row]:
    running.start(("web", "all"), ("gateway", "all"), *((service, "all") for service in SERVICES))
    beyond, whole = asyncio.run(_served(running, effort.rounds * effort.times))
    slowest = max(beyond, key=lambda path: beyond[path])
    yield Row(
        "a page beyond its API calls, p50",
        f"{beyond[slowest]:.1f} ms at most ({slowest}), of {whole[slowest]:.0f} ms in all",
        f"{BEYOND_MS:.0f} ms",
        beyond[slowest] < BEYOND_MS,
    )
    yield Row(
        "the planning of two children, its calls among it, p50",
        f"{whole[PLANNING]:.1f} ms",
        f"{PLANNING_MS:.0f} ms",
        whole[PLANNING] < PLANNING_MS,
    )
    sights = asyncio.run(_seen(running, (*PUBLIC, *FAMILY)[-effort.pages :]))
    heaviest = max(sights, key=lambda path: sights[path].bytes)
    most = max(one.requests for one in sights.values())
    yield Row(
        "first sight of a page",
        f"{sights[heaviest].bytes / 1000:.0f} kB ({heaviest}), {most} requests",
        f"{WEIGHT_KB} kB, {REQUESTS} requests",
        sights[heaviest].bytes <= 1000 * WEIGHT_KB and most <= REQUESTS,
    )
    latest = max(sights, key=lambda path: sights[path].paint_ms)
    yield Row(
        "largest paint on a slow phone (4 times slower, slow 4G)",
        f"{sights[latest].paint_ms:.0f} ms ({latest})",
        f"{PAINT_MS:,} ms",
        sights[latest].paint_ms <= PAINT_MS,
    )


async def _served(running: Stack, times: int) -> tuple[dict[str, float], dict[str, float]]:
    """Of each page, the medians of what it took beyond its calls and in all, in ms."""
    async with aiohttp.ClientSession(cookie_jar=aiohttp.DummyCookieJar()) as client:
        browser = Browser(client, running.web)

        async def signed_in() -> bool | None:
            page = await browser.get("/connexion")
            page = await browser.submit(page, "/connexion", login=LOGIN, password=PASSWORD)
            return True if page.status == 200 and page.path == "/" else None  # its dossier has been heard of

        for path in PUBLIC:
            await browser.get(path)
        took = {path: [await _timing(browser, path) for _ in range(times)] for path in PUBLIC}
        await until(signed_in, f"{LOGIN} signs in")
        took |= {path: [await _timing(browser, path) for _ in range(times)] for path in FAMILY}
    return (
        {path: median(page for _, page in times) for path, times in took.items()},
        {path: median(api + page for api, page in times) for path, times in took.items()},
    )


async def _timing(browser: Browser, path: str) -> tuple[float, float]:
    page = await browser.get(path)
    assert page.status == 200, f"{path}: {page.status}"
    api, beyond = re.findall(r"dur=([\d.]+)", page.headers["Server-Timing"])
    return float(api), float(beyond)


async def _seen(running: Stack, paths: Sequence[str]) -> dict[str, Sight]:
    """Each page opened by a browser that has nothing of it yet."""
    async with async_playwright() as playwright:
        opened = await playwright.chromium.launch(executable_path=str(chromium()), args=["--no-sandbox"])
        found = {}
        for path in paths:
            context = await opened.new_context(viewport={"width": 360, "height": 800})
            page = await context.new_page()
            if path in FAMILY:
                await page.goto(f"{running.web}/connexion")
                await page.fill("[name=login]", LOGIN)
                await page.fill("[name=password]", PASSWORD)
                await page.click("main button")
                await page.wait_for_load_state()
            found[path] = await _sight(page, running.web + path)
            await context.close()
        await opened.close()
    return found


async def _sight(page: Page, url: str) -> Sight:
    devtools = await page.context.new_cdp_session(page)
    received: list[float] = []
    devtools.on("Network.loadingFinished", lambda event: received.append(event["encodedDataLength"]))
    await devtools.send("Network.enable")
    await devtools.send("Network.clearBrowserCache")
    await devtools.send("Emulation.setCPUThrottlingRate", {"rate": CPU})
    conditions = {"offline": False, "latency": LATENCY_MS, "downloadThroughput": DOWN, "uploadThroughput": UP}
    await devtools.send("Network.emulateNetworkConditions", conditions)
    browser = page.context.browser
    assert browser is not None
    await browser.start_tracing(page=page, categories=["loading", "blink.user_timing"])
    await page.goto(url, wait_until="networkidle")
    events = json.loads(await browser.stop_tracing())["traceEvents"]
    painted = [one for one in events if one["name"] == "largestContentfulPaint::Candidate"]
    began = max(one["ts"] for one in events if one["name"] == "navigationStart" and one["ts"] < painted[-1]["ts"])
    return Sight(int(sum(received)), len(received), (painted[-1]["ts"] - began) / 1000)
