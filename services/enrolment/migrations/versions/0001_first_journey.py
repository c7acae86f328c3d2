"""Catalogue, copies of families, bookings."""

from alembic import op
from chassis.migrations import create_plumbing

revision = "0001"
down_revision = None


def upgrade() -> None:
    create_plumbing("enrolment_app")
    for statement in (
        "CREATE EXTENSION IF NOT EXISTS btree_gist",
        """CREATE TABLE sites (
            id uuid CONSTRAINT pk_sites PRIMARY KEY,
            code text NOT NULL,
            kind text NOT NULL CONSTRAINT ck_sites_kind CHECK (kind IN ('school', 'centre')),
            name text NOT NULL,
            version integer NOT NULL
        )""",
        """CREATE TABLE activities (
            id uuid CONSTRAINT pk_activities PRIMARY KEY,
            code text NOT NULL,
            name text NOT NULL,
            kind text NOT NULL,
            site_id uuid,
            payment text NOT NULL,
            charging text NOT NULL,
            regie text NOT NULL,
            version integer NOT NULL
        )""",
        """CREATE TABLE holiday_weeks (
            id uuid CONSTRAINT pk_holiday_weeks PRIMARY KEY,
            activity_id uuid NOT NULL,
            site_id uuid NOT NULL,
            centre text NOT NULL,
            name text NOT NULL,
            group_name text NOT NULL,
            min_age integer NOT NULL,
            max_age integer NOT NULL,
            dates date[] NOT NULL,
            period daterange NOT NULL,
            places integer NOT NULL,
            taken integer NOT NULL,
            booking_closes_at timestamptz NOT NULL,
            cancellation_closes_at timestamptz NOT NULL,
            hold_minutes integer NOT NULL,
            version integer NOT NULL,
            CONSTRAINT ck_holiday_weeks_places CHECK (0 <= taken AND taken <= places)
        )""",
        "CREATE INDEX ix_holiday_weeks_first_day ON holiday_weeks (lower(period), centre, id)",
        """CREATE TABLE dossiers (
            id uuid CONSTRAINT pk_dossiers PRIMARY KEY,
            number text NOT NULL,
            status text NOT NULL,
            missing text[] NOT NULL,
            version integer NOT NULL
        )""",
        """CREATE TABLE children (
            id uuid CONSTRAINT pk_children PRIMARY KEY,
            dossier_ids uuid[] NOT NULL,
            first_name text NOT NULL,
            birth_date date NOT NULL,
            version integer NOT NULL
        )""",
        """CREATE TABLE bookings (
            id uuid CONSTRAINT pk_bookings PRIMARY KEY,
            dossier_id uuid NOT NULL,
            status text NOT NULL CONSTRAINT ck_bookings_status
                CHECK (status IN ('held', 'confirmed', 'paid', 'expired', 'cancelled')),
            hold_expires_at timestamptz NOT NULL,
            quote_id uuid,
            confirmed_at timestamptz,
            confirmed_version integer,
            reason text,
            invoice_id uuid,
            invoice_booking_version integer,
            invoice_version integer,
            invoice_number text,
            amount_cents integer,
            line_amounts jsonb,
            payable_until timestamptz,
            late_credit_ids uuid[] NOT NULL DEFAULT '{}',
            waiting_credits integer[] NOT NULL DEFAULT '{}',
            version integer NOT NULL,
            created_at timestamptz NOT NULL
        )""",
        "CREATE INDEX ix_bookings_dossier_id_id ON bookings (dossier_id, id)",
        "CREATE INDEX ix_bookings_held ON bookings (hold_expires_at) WHERE status = 'held'",
        """CREATE TABLE booking_lines (
            booking_id uuid NOT NULL CONSTRAINT fk_booking_lines_booking_id REFERENCES bookings (id),
            position integer NOT NULL,
            child_id uuid NOT NULL,
            holiday_week_id uuid NOT NULL,
            period daterange NOT NULL,
            active boolean NOT NULL,
            cancelled boolean NOT NULL DEFAULT false,
            refundable boolean NOT NULL DEFAULT false,
            reason text,
            CONSTRAINT pk_booking_lines PRIMARY KEY (booking_id, position),
            CONSTRAINT ck_booking_lines_cancelled CHECK (NOT (active AND cancelled)),
            CONSTRAINT ex_booking_lines_overlapping_weeks
                EXCLUDE USING gist (child_id WITH =, period WITH &&) WHERE (active)
        )""",
        "GRANT UPDATE ON bookings, children, dossiers, holiday_weeks TO enrolment_app",
        "GRANT UPDATE, DELETE ON booking_lines TO enrolment_app",
    ):
        op.execute(statement)
