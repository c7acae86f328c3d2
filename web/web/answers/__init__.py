"""What the pages read of the API's answers, a module a service. Amounts are cents; what no page shows is left out."""

from typing import Generic, TypeVar

from pydantic import BaseModel, ConfigDict

T = TypeVar("T")


class Answer(BaseModel):
    """Base of what is read; fields that it does not name are passed over."""

    model_config = ConfigDict(frozen=True)


class Page(Answer, Generic[T]):
    """A list's page; `next_cursor` is none on the last one."""

    items: list[T]
    next_cursor: str | None = None
