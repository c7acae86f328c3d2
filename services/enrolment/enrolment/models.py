"""The base of enrolment's tables: their rooms have them, `copies.py` those of what others own."""

from datetime import date
from typing import Any
from uuid import UUID

from chassis.database import TYPES
from chassis.schema import service_metadata
from sqlalchemy import Date, Integer, Text, Uuid
from sqlalchemy.dialects.postgresql import ARRAY, DATERANGE, JSONB, Range
from sqlalchemy.orm import DeclarativeBase


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
