"""The desk's lists: what waits or is kept, filtered, page by page, and as a spreadsheet.

One `Listing` is a page of its own, the count on the home page, and the file that a spreadsheet opens.
"""

import csv
import io
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Generic, Protocol, TypeVar
from urllib.parse import urlencode

from starlette.responses import Response
from starlette.routing import Route

from web.answers import Page
from web.refusals import Refused
from web.roles import AGENTS
from web.visits import Visit, route

T = TypeVar("T")
A_PAGE = 50
#: Counted no further: « plus de 200 ».
COUNTED = 200
#: What a spreadsheet would take for a formula (OWASP, CSV injection).
FORMULA = ("=", "+", "-", "@", "\t", "\r", "\n")


@dataclass(frozen=True)
class Column(Generic[T]):
    """`text` is what a cell says, on the page as in the file; `link`, where it leads, empty or none: nowhere."""

    title: str
    text: Callable[[T], str]
    link: Callable[[T], str] | None = None


@dataclass(frozen=True)
class Filter:
    """An input above the list, sent to the API under its `name`: one of the `choices` (what is sent, what is read;
    the first is what counts where nothing is said), of the `options` that are asked for, or text. `kind` is the
    input's; `sent` says it as the API takes it.
    """

    name: str
    label: str
    choices: Sequence[tuple[str, str]] = ()
    kind: str = "text"
    sent: Callable[[str], str] = str
    options: Callable[[Visit], Awaitable[Sequence[tuple[str, str]]]] | None = None


@dataclass(frozen=True)
class Count:
    """How many wait, `more` where they are more than were counted; none: the service does not answer."""

    number: int | None
    more: bool = False


class Queue(Protocol):
    """What the home page counts for those whose work it is."""

    @property
    def path(self) -> str: ...
    @property
    def title(self) -> str: ...
    @property
    def roles(self) -> Sequence[str]: ...
    async def waiting(self, visit: Visit) -> Count: ...


@dataclass(frozen=True)
class Listing(Generic[T]):
    """The list at `path` of what `api` answers page by page; `query` is always sent with it; `complete` adds to its
    items what another service knows of them.
    """

    path: str
    title: str
    kind: type[T]
    api: str
    columns: Sequence[Column[T]]
    filters: Sequence[Filter] = ()
    query: Mapping[str, str] = field(default_factory=dict)
    roles: Sequence[str] = AGENTS
    nothing: str = "Rien dans cette liste."
    button: str = "Filtrer"
    template: str = "agent/listing.html"
    complete: Callable[[Visit, list[T]], Awaitable[list[T]]] | None = None

    @property
    def routes(self) -> list[Route]:
        return [
            route(self.path, self.show, roles=self.roles),
            route(f"{self.path}.csv", self.export, roles=self.roles),
        ]

    def asked(self, visit: Visit) -> dict[str, str]:
        """What the filters say."""
        said = {one.name: visit.query(one.name).strip() for one in self.filters}
        for one in self.filters:
            if one.choices and said[one.name] not in [value for value, _ in one.choices]:
                said[one.name] = one.choices[0][0]
        return {**self.query, **{name: value for name, value in said.items() if value}}

    def _sent(self, asked: Mapping[str, str]) -> dict[str, str]:
        """As the API takes it."""
        how = {one.name: one.sent for one in self.filters}
        return {name: how.get(name, str)(value) for name, value in asked.items()}

    async def show(self, visit: Visit, **more: Any) -> Response:
        asked, cursor = self.asked(visit), visit.query("suite")
        items: list[T] = []
        following = None
        try:
            page = await visit.api.get(
                Page[self.kind],  # type: ignore[name-defined] # said at run time
                self.api,
                **self._sent(asked),
                limit=A_PAGE,
                cursor=cursor or None,
            )
            items, following = page.items, page.next_cursor
            items = await self.complete(visit, items) if self.complete else items
        except Refused as refused:
            if refused.status != 422:
                raise
            inputs = {f"query/{one.name}": f"filtre-{one.name}" for one in self.filters}
            visit.form.refused(refused, inputs.values(), inputs)
        chosen = {name: value for name, value in asked.items() if name not in self.query}
        return visit.page(
            self.template,
            listing=self,
            choices={one.name: await one.options(visit) if one.options else one.choices for one in self.filters},
            items=items,
            chosen=chosen,
            further=f"{self.path}?{urlencode({**chosen, 'suite': following})}" if following else "",
            first=f"{self.path}?{urlencode(chosen)}" if cursor else "",
            file=f"{self.path}.csv?{urlencode(chosen)}",
            **more,
        )

    async def export(self, visit: Visit) -> Response:
        """All of it, as the filters are."""
        found = await visit.api.all(self.kind, self.api, **self._sent(self.asked(visit)))
        found = await self.complete(visit, found) if self.complete else found
        rows = [[one.text(item) for one in self.columns] for item in found]
        name = self.path.rpartition("/")[2]
        return spreadsheet(name, [one.title for one in self.columns], rows)

    async def waiting(self, visit: Visit) -> Count:
        """How many there are where nothing is chosen, for the home page."""
        first = {one.name: one.choices[0][0] for one in self.filters if one.choices and one.choices[0][0]}
        try:
            page = await visit.api.get(Page[self.kind], self.api, **{**first, **self.query}, limit=COUNTED)  # type: ignore[name-defined] # as above
        except Refused:
            return Count(None)
        return Count(len(page.items), page.next_cursor is not None)


def spreadsheet(name: str, titles: Sequence[str], rows: Sequence[Sequence[str]]) -> Response:
    """A file that a French spreadsheet opens as it is: semicolons, UTF-8 that says so, and never a formula."""
    file = io.StringIO()
    writer = csv.writer(file, delimiter=";", lineterminator="\r\n")
    for row in (titles, *rows):
        writer.writerow([plain(cell) for cell in row])
    return Response(
        file.getvalue().encode("utf-8-sig"),
        media_type="text/csv",
        headers={"Content-Disposition": f'attachment; filename="{name}.csv"'},
    )


def plain(cell: str) -> str:
    """As it is read, and computed by no spreadsheet."""
    return f"'{cell}" if cell.startswith(FORMULA) else cell
