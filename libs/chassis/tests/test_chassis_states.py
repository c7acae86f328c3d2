"""State machines: only the ways of the table, and only the states of the enum, in the database too."""

from enum import StrEnum
from typing import ClassVar, cast

import pytest
from chassis.schema import service_metadata
from chassis.states import IllegalMove, Moves, state
from sqlalchemy import CheckConstraint
from sqlalchemy.orm import DeclarativeBase, Mapped, mapped_column
from sqlalchemy.schema import CreateTable, Table


class Light(StrEnum):
    RED = "red"
    GREEN = "green"


class Base(DeclarativeBase):
    metadata = service_metadata("toy")


class Lamp(Moves[Light], Base):
    __tablename__ = "lamps"
    TRANSITIONS: ClassVar = {Light.RED: frozenset({Light.GREEN}), Light.GREEN: frozenset()}

    id: Mapped[int] = mapped_column(primary_key=True)
    status: Mapped[Light] = state(Light)
    version: Mapped[int] = mapped_column(default=1)


def test_a_move_of_the_table_is_a_new_version() -> None:
    lamp = Lamp(id=1, status=Light.RED, version=1)
    lamp.move(Light.GREEN)
    assert (lamp.status, lamp.version) == (Light.GREEN, 2)


def test_another_move_is_refused_and_changes_nothing() -> None:
    lamp = Lamp(id=1, status=Light.GREEN, version=1)
    with pytest.raises(IllegalMove, match="green -> red"):
        lamp.move(Light.RED)
    assert (lamp.status, lamp.version) == (Light.GREEN, 1)


def test_the_column_is_text_that_the_database_holds_to_the_states() -> None:
    column = Lamp.__table__.c.status
    (check,) = column.constraints
    assert isinstance(check, CheckConstraint)
    assert str(check.sqltext) == "status IN ('red', 'green')"
    assert check.name == "ck_lamps_status"
    assert str(CreateTable(cast("Table", Lamp.__table__))).count("status TEXT NOT NULL") == 1
