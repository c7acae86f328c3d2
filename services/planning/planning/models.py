"""What all tables share: those of the rooms, and in copies.py those of what others own."""

from chassis.database import TYPES
from chassis.schema import service_metadata
from sqlalchemy.orm import DeclarativeBase


class Base(DeclarativeBase):
    metadata = service_metadata("planning")
    type_annotation_map = TYPES
