"""What is sent and answered: nothing that is not asked for, nothing too large, and lists by pages."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Annotated, Any, Generic, TypeVar
from uuid import UUID

from fastapi import Depends, Query
from pydantic import BaseModel, ConfigDict

T = TypeVar("T")
F = TypeVar("F", bound=Callable[..., Any])

#: Bytes of a body, where the endpoint says nothing else.
BODY_LIMIT = 2_000_000


def takes(limit: int) -> Callable[[F], F]:
    """Under a route's decorator: its body may be that large, in bytes. It is read as a stream, never held whole."""

    def mark(endpoint: F) -> F:
        endpoint.body_limit = limit  # type: ignore[attr-defined] # read by chassis.app
        return endpoint

    return mark


def limit_of(endpoint: object) -> int:
    """How many bytes the body of a request to it may have."""
    limit: int = getattr(endpoint, "body_limit", BODY_LIMIT)
    return limit


class RequestBody(BaseModel):
    """Base of what a caller may send: nothing that is not asked for."""

    model_config = ConfigDict(extra="forbid", str_strip_whitespace=True)


class Answer(BaseModel):
    """Base of what is answered: made from the attributes of what it shows."""

    model_config = ConfigDict(from_attributes=True)


class Page(BaseModel, Generic[T]):
    """Part of a list; `next_cursor` asks for what follows, none at the end."""

    items: list[T]
    next_cursor: UUID | None = None


@dataclass(frozen=True)
class Paging:
    """`?limit=&cursor=`. A query takes `limit + 1` rows that come after the one whose id is `cursor`."""

    limit: int
    cursor: UUID | None

    def page(self, found: Sequence[Any], show: Callable[[Any], T], id_of: Callable[[Any], UUID]) -> Page[T]:
        """The page of these rows, of which the last one only says that more follow."""
        items = found[: self.limit]
        return Page(
            items=[show(one) for one in items], next_cursor=id_of(items[-1]) if len(found) > self.limit else None
        )


# A coroutine: the framework would run anything else in a thread.
async def _paging(limit: Annotated[int, Query(ge=1, le=200)] = 50, cursor: UUID | None = None) -> Paging:
    return Paging(limit, cursor)


#: How an endpoint takes it.
Paged = Annotated[Paging, Depends(_paging)]
