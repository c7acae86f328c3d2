"""Pages in Chromium, as families see them, and what each page must be in each of its states."""

import asyncio
import os
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from axe_playwright_python.async_playwright import Axe
from playwright.async_api import Browser as Chromium
from playwright.async_api import ConsoleMessage, Error, Page, Response, async_playwright

from deploy.servers.packages import chromium
from tests.browsers import parsed

PHONE, TABLET, DESK = 360, 768, 1280
NARROWEST = 320
#: Waited for whatever is not there yet: long, for a machine that has other things to do.
DEADLINE_MS = 60_000
_STANDARD = {"runOnly": ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa"], "resultTypes": ["violations"]}
#: A folder in which `look` keeps a picture of what it is given a name for (`make screens`).
PICTURES = os.environ.get("SCREENS")
_FACTS = """() => ({
  title: document.title.replace(/\\s+/g, " "),
  headings: document.querySelectorAll("h1").length,
  statuses: document.querySelectorAll("[role=status]").length,
  repeated: [...document.querySelectorAll("[id]")].map(one => one.id).filter((id, at, all) => all.indexOf(id) !== at),
  wider: document.documentElement.scrollWidth - document.documentElement.clientWidth,
  refused: !!document.querySelector("[role=alert]"),
})"""

_FOCUS = """() => {
  const one = document.activeElement, style = getComputedStyle(one);
  const seen = style.outlineStyle !== "none" && one.getBoundingClientRect().top >= 0;
  const label = one.labels?.[0]?.innerText ?? "";
  return {names: [one.name, one.innerText, label].map(name => (name ?? "").trim().split("\\n")), seen};
}"""


@dataclass
class Screen:
    """One window of one family; `page` is Playwright's, for what is not here."""

    page: Page
    origin: str
    scripts: bool = True
    faults: list[str] = field(default_factory=list)
    document: Response | None = None

    def __post_init__(self) -> None:
        self.page.on("console", self._console)
        self.page.on("pageerror", lambda error: self.faults.append(str(error)))
        self.page.on("response", self._response)

    def _console(self, message: ConsoleMessage) -> None:
        # A page that says 404 or 422 is said to have failed to load; what the policy refuses is not.
        if message.type == "error" and "status of 4" not in message.text and "status of 503" not in message.text:
            self.faults.append(message.text)

    def _response(self, response: Response) -> None:
        if response.request.is_navigation_request() and response.status != 303:
            self.document = response

    async def open(self, path: str) -> None:
        await self.page.goto(self.origin + path)

    async def fill(self, **values: str) -> None:
        """Inputs by their names."""
        for name, value in values.items():
            await self.page.fill(f"[name={name}]", value)

    async def press(self, name: str) -> None:
        """The button or link of that name; waits for the page it leads to."""
        button = self.page.get_by_role("button", name=name, exact=True)
        await button.or_(self.page.get_by_role("link", name=name, exact=True)).first.click()
        await self.page.wait_for_load_state()

    async def sign_in(self, login: str, password: str) -> None:
        await self.open("/connexion")
        await self.fill(login=login, password=password)
        await self.press("Se connecter")

    async def tick(self, label: str) -> None:
        await self.page.get_by_label(label).check()

    async def keep_passkeys(self) -> None:
        """From now on as a telephone that keeps passkeys, and whose owner always shows their finger."""
        devices = await self.page.context.new_cdp_session(self.page)
        await devices.send("WebAuthn.enable")
        options = {"protocol": "ctap2", "transport": "internal", "automaticPresenceSimulation": True}
        options |= {"hasResidentKey": True, "hasUserVerification": True, "isUserVerified": True}
        await devices.send("WebAuthn.addVirtualAuthenticator", {"options": options})

    async def tab_to(self, name: str, most: int = 120) -> None:
        """Press Tab until the input, button or link so named is reached; each stop on the way is visible."""
        for _ in range(most):
            await self.page.keyboard.press("Tab")
            focus = await self.page.evaluate(_FOCUS)
            assert focus["seen"], f"one does not see that {focus['names']} has the focus"
            if any(said.startswith(name) for names in focus["names"] for said in names):
                return
        raise AssertionError(f"« {name} » is not reached by keyboard")

    async def strike(self, key: str = "Enter") -> None:
        """That key, which leads to another page."""
        async with self.page.expect_navigation():
            await self.page.keyboard.press(key)

    async def text(self) -> str:
        return " ".join((await self.page.inner_text("main")).split())

    async def heading(self) -> str:
        return await self.page.inner_text("h1")

    async def look(self, picture: str = "") -> None:
        """The page as it stands is valid, accessible, whole at each width, and breaks no rule of its own."""
        await self.is_accessible()
        await self._holds()
        assert not self.faults, self.faults
        size = self.page.viewport_size
        assert size is not None
        for width in (NARROWEST, PHONE, TABLET, DESK):
            await self.page.set_viewport_size({"width": width, "height": size["height"]})
            await self._holds()
        await self.page.set_viewport_size(size)
        if picture:
            await self.picture(picture)

    async def is_accessible(self) -> None:
        """What holds of any page, the stand-ins' too: it is valid HTML, and axe finds nothing."""
        assert self.document is not None, "no page is open"
        parsed(await self.document.text())
        if self.scripts:  # without them axe does not run either: the page is the same
            async with asyncio.timeout(DEADLINE_MS / 1000):
                found = await Axe().run(self.page, options=_STANDARD)
            assert not found.violations_count, found.generate_report()

    async def picture(self, name: str) -> None:
        """Kept where pictures are wanted, at a phone's and a desk's width."""
        size = self.page.viewport_size
        assert size is not None
        for width in (PHONE, DESK) if PICTURES else ():
            await self.page.set_viewport_size({"width": width, "height": size["height"]})
            await self.page.screenshot(path=Path(str(PICTURES)) / f"{name}-{width}.png", full_page=True)
        await self.page.set_viewport_size(size)

    async def _holds(self) -> None:
        facts: dict[str, Any] = await self.page.evaluate(_FACTS)
        wrong = facts["title"].startswith("Erreur : ")
        assert (facts["headings"], facts["statuses"], facts["repeated"]) == (1, 1, []), facts
        assert facts["wider"] <= 0, f"{facts['wider']} px wider than the window"
        assert wrong == facts["refused"], "« Erreur : » is in the title where there is an error summary, and only there"


@dataclass
class Screens:
    """Windows of one Chromium, each a family's own: no two share a cookie or a cache."""

    chromium: Chromium
    opened: list[Screen] = field(default_factory=list)

    async def open(self, origin: str, *, width: int = PHONE, scripts: bool = True) -> Screen:
        """A new window, without a cookie."""
        context = await self.chromium.new_context(
            viewport={"width": width, "height": 800},
            java_script_enabled=scripts,
            locale="fr-FR",
            has_touch=width == PHONE,
        )
        context.set_default_timeout(DEADLINE_MS)
        screen = Screen(await context.new_page(), origin, scripts)
        self.opened.append(screen)
        return screen

    async def close(self) -> None:
        for screen in self.opened:
            with suppress(Error):  # Chromium has ended by itself: what a test saw of that is told by the test
                await screen.page.context.close()


@asynccontextmanager
async def browser() -> AsyncIterator[Callable[[], Awaitable[Chromium]]]:
    """Gives one Chromium as often as it is asked for, started when first needed and where it has ended by itself."""
    async with async_playwright() as playwright:
        started: Chromium | None = None

        async def running() -> Chromium:
            nonlocal started
            if started is None or not started.is_connected():
                # Without its sandbox: root, which tests may be run by, is refused one.
                started = await playwright.chromium.launch(
                    executable_path=str(chromium()), args=["--no-sandbox", "--disable-lcd-text"]
                )
            return started

        try:
            yield running
        finally:
            if started:
                with suppress(Error):  # it has ended by itself
                    await started.close()
