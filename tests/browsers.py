"""A browser without scripts: keeps cookies, sends forms as they stand on the page, reads pages strictly."""

from dataclasses import dataclass, field
from io import BytesIO
from typing import Any
from xml.etree.ElementTree import Element

import aiohttp
import html5lib

_HTML = "{http://www.w3.org/1999/xhtml}"


def words(element: Element) -> str:
    """The text in it, as it is read."""
    return " ".join("".join(element.itertext()).split())


def parsed(source: str) -> Element:
    """Strict: raises for an element that is not closed, a wrong or a repeated attribute."""
    root: Element = html5lib.HTMLParser(strict=True).parse(source)
    return root


@dataclass
class Page:
    status: int
    headers: Any
    source: str
    path: str

    def __post_init__(self) -> None:
        self.root = parsed(self.source)

    def all(self, tag: str) -> list[Element]:
        return list(self.root.iter(_HTML + tag))

    @property
    def title(self) -> str:
        return words(self.all("title")[0])

    @property
    def heading(self) -> str:
        [only] = self.all("h1")
        return words(only)

    @property
    def text(self) -> str:
        return words(self.all("main")[0])

    @property
    def errors(self) -> list[str]:
        """The messages of the error summary."""
        return [words(li) for div in self.all("div") if div.get("role") == "alert" for li in div.iter(_HTML + "li")]

    def links(self) -> dict[str, str]:
        return {words(one): one.get("href", "") for one in self.all("a")}

    def ids(self) -> list[str]:
        return [one.get("id", "") for one in self.root.iter() if one.get("id")]

    def options(self, name: str) -> list[str]:
        """What may be picked from the list of that name."""
        [picked] = [one for one in self.all("select") if one.get("name") == name]
        return [one.get("value", "") for one in picked.iter(_HTML + "option")]

    def form(self, action: str) -> dict[str, list[str]]:
        """What the only form with that action sends as it stands."""
        [found] = [one for one in self.all("form") if one.get("action") == action]
        return self.form_of(found)

    def form_of(self, found: Element) -> dict[str, list[str]]:
        sent: dict[str, list[str]] = {}
        for one in found.iter(_HTML + "input"):
            if one.get("type") in ("checkbox", "radio") and one.get("checked") is None:
                continue
            sent.setdefault(one.get("name", ""), []).append(one.get("value", ""))
        return sent


@dataclass
class Browser:
    """One family's; `origin` is where the pages are."""

    client: aiohttp.ClientSession
    origin: str
    cookies: dict[str, str] = field(default_factory=dict)
    keeps_cookies: bool = True
    #: As a browser of today says it; of an old one, only Origin.
    headers: dict[str, str] = field(default_factory=lambda: {"Sec-Fetch-Site": "same-origin"})

    async def get(self, path: str, **headers: str) -> Page:
        return await self._ask("GET", path, None, headers)

    async def post(self, path: str, values: dict[str, Any], **headers: str) -> Page:
        pairs = [(name, one) for name, said in values.items() for one in (said if isinstance(said, list) else [said])]
        return await self._ask("POST", path, pairs, headers)

    async def upload(self, page: Page, action: str, file: tuple[str, bytes], **values: Any) -> Page:
        """That form of the page, with a file (the input's name, its content) and these values instead of its own."""
        form = aiohttp.FormData()
        for name, said in (page.form(action) | values).items():
            for one in said if isinstance(said, list) else [said]:
                form.add_field(name, one, content_type="text/plain")
        form.add_field(file[0], BytesIO(file[1]), filename="c:\\docs\\pièce.pdf", content_type="application/pdf")
        return await self._ask("POST", action, form, {})

    async def submit(self, page: Page, action: str, **values: Any) -> Page:
        """That form of the page, with these values instead of its own."""
        return await self.post(action, page.form(action) | values)

    async def file(self, path: str) -> str:
        """A file that a spreadsheet opens, as it reads it."""
        headers = self.headers | {"Cookie": "; ".join(f"{name}={value}" for name, value in self.cookies.items())}
        async with self.client.get(self.origin + path, headers=headers) as answer:
            assert answer.status == 200, answer.status
            assert answer.headers["Content-Disposition"].startswith("attachment")
            return (await answer.read()).decode("utf-8-sig")

    async def _ask(self, method: str, path: str, pairs: Any, headers: dict[str, str]) -> Page:
        said = self.headers | {name.replace("_", "-"): value for name, value in headers.items()}
        if self.cookies:
            said["Cookie"] = "; ".join(f"{name}={value}" for name, value in self.cookies.items())
        async with self.client.request(
            method, self.origin + path, data=pairs, headers=said, allow_redirects=False
        ) as answer:
            if self.keeps_cookies:
                for name, morsel in answer.cookies.items():
                    assert name.startswith("__Host-"), name
                    assert morsel["secure"], name
                    assert morsel["httponly"], name
                    assert (morsel["samesite"].lower(), morsel["path"], morsel["domain"]) == ("lax", "/", "")
                    self.cookies[name] = morsel.value
                    if morsel["max-age"] == "0":
                        del self.cookies[name]
            if answer.status == 303:
                return await self._ask("GET", answer.headers["Location"], None, {})
            return Page(answer.status, answer.headers, await answer.text(), path)
