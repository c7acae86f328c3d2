"""What is sent and answered: nothing that is not asked for, and lists by pages."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Annotated, Any, Generic, TypeVar
from uuid import UUID

from fastapi import Depends, Query
from pydantic import BaseModel, ConfigDict

T = TypeVar("T")


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
