"""State machines: a column that holds one of an enum's values, its CHECK, and the only way from one to the next."""

from collections.abc import Mapping
from enum import StrEnum
from typing import Any, ClassVar, Generic, TypeVar

from sqlalchemy import CheckConstraint, Dialect, Text
from sqlalchemy.orm import Mapped, MappedColumn, mapped_column
from sqlalchemy.types import TypeDecorator

S = TypeVar("S", bound=StrEnum)


class IllegalMove(Exception):
    """Something was asked to go where its state does not lead."""


class _State(TypeDecorator[S], Generic[S]):
    """Text in the database, a member of the enum in Python."""

    impl = Text
    cache_ok = True

    def __init__(self, kind: type[S]) -> None:
        super().__init__()
        self.kind = kind

    def process_bind_param(self, value: S | None, dialect: Dialect) -> str | None:
        return None if value is None else self.kind(value).value

    def process_result_value(self, value: Any | None, dialect: Dialect) -> S | None:
        return None if value is None else self.kind(value)


def state(kind: type[S], **options: Any) -> MappedColumn[S]:
    """`status: Mapped[Status] = state(Status)`: text that the database holds to the enum's values."""
    allowed = ", ".join(repr(one.value) for one in kind)
    return mapped_column(_State(kind), CheckConstraint(f"status IN ({allowed})", name="status"), **options)


class Moves(Generic[S]):
    """A model with a `status`, a `version` that grows with each move, and where each state leads."""

    TRANSITIONS: ClassVar[Mapping[Any, frozenset[Any]]]
    status: Mapped[S]
    version: Mapped[int]

    def move(self, to: S) -> None:
        """Go to that state, as a new version; raises IllegalMove."""
        if to not in self.TRANSITIONS[self.status]:
            raise IllegalMove(f"{type(self).__name__}: {self.status} -> {to}")
        self.status = to
        self.version += 1
