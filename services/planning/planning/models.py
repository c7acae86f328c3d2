"""What all tables share. Planning owns none yet: copies.py has those of what others own."""

from chassis.database import TYPES
from chassis.schema import service_metadata
from sqlalchemy.orm import DeclarativeBase


class Base(DeclarativeBase):
    metadata = service_metadata("planning")
    type_annotation_map = TYPES
