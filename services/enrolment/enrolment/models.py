"""The base of enrolment's tables: their rooms have them, `copies.py` those of what others own."""

from datetime import date
from typing import Any, TypeVar
from uuid import UUID

from chassis.database import TYPES
from chassis.schema import service_metadata
from pydantic import TypeAdapter
from sqlalchemy import Date, Dialect, Integer, Text, Uuid
from sqlalchemy.dialects.postgresql import ARRAY, DATERANGE, JSONB, Range
from sqlalchemy.orm import DeclarativeBase
from sqlalchemy.types import TypeDecorator

T = TypeVar("T")


class Json(TypeDecorator[T]):
    """Facts of a contract, as JSON: `mapped_column(Json(tuple[UsualWeek, ...]))`. They are replaced, not changed."""

    impl = JSONB(none_as_null=True)
    cache_ok = True

    def __init__(self, kind: type[T]) -> None:
        super().__init__()
        self.kind, self._adapter = kind, TypeAdapter(kind)

    def process_bind_param(self, value: T | None, dialect: Dialect) -> Any:
        return None if value is None else self._adapter.dump_python(value, mode="json")

    def process_result_value(self, value: Any, dialect: Dialect) -> T | None:
        return None if value is None else self._adapter.validate_python(value)


class Base(DeclarativeBase):
    metadata = service_metadata("enrolment", extensions=["btree_gist"])
    type_annotation_map = TYPES | {
        list[str]: ARRAY(Text()),
        list[int]: ARRAY(Integer()),
        list[date]: ARRAY(Date()),
        list[UUID]: ARRAY(Uuid()),
        dict[str, int]: JSONB(none_as_null=True),
        list[dict[str, Any]]: JSONB(),
        Range[date]: DATERANGE(),
    }
