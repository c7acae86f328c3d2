"""The plumbing, things and what was heard."""

from alembic import op
from chassis.migrations import create_plumbing

revision = "0001"
down_revision = None


def upgrade() -> None:
    create_plumbing("toy_app")
    op.execute(
        """CREATE TABLE things (
            id uuid CONSTRAINT pk_things PRIMARY KEY,
            name text NOT NULL CONSTRAINT uq_things_name UNIQUE DEFERRABLE INITIALLY DEFERRED,
            size integer NOT NULL
        )"""
    )
    op.execute(
        """CREATE TABLE heard (
            id uuid CONSTRAINT pk_heard PRIMARY KEY,
            dossier_id uuid NOT NULL,
            version integer NOT NULL
        )"""
    )
    op.execute("GRANT UPDATE ON heard TO toy_app")
