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
            code text NOT NULL CONSTRAINT uq_sites_code UNIQUE,
            kind text NOT NULL CONSTRAINT ck_sites_kind CHECK (kind IN ('school', 'centre')),
            name text NOT NULL,
            version integer NOT NULL
        )""",
        """CREATE TABLE activities (
            id uuid CONSTRAINT pk_activities PRIMARY KEY,
            code text NOT NULL CONSTRAINT uq_activities_code UNIQUE,
            name text NOT NULL,
            kind text NOT NULL,
            site_id uuid,
            payment text NOT NULL,
            charging text NOT NULL,
            regie text NOT NULL,
            status text NOT NULL DEFAULT 'open' CONSTRAINT ck_activities_status CHECK (status IN ('open', 'closed')),
            min_age integer,
            max_age integer,
            levels text[] NOT NULL DEFAULT '{}',
            sector uuid[] NOT NULL DEFAULT '{}',
            version integer NOT NULL,
            CONSTRAINT ck_activities_ages CHECK ((min_age IS NULL) = (max_age IS NULL) AND min_age <= max_age)
        )""",
        """CREATE TABLE school_years (
            name text CONSTRAINT pk_school_years PRIMARY KEY,
            first_day date NOT NULL,
            last_day date NOT NULL,
            CONSTRAINT ck_school_years_days CHECK (first_day < last_day)
        )""",
        """CREATE TABLE enrolment_windows (
            activity_id uuid NOT NULL CONSTRAINT fk_enrolment_windows_activity_id REFERENCES activities (id),
            school_year text NOT NULL CONSTRAINT fk_enrolment_windows_school_year REFERENCES school_years (name),
            opens_at timestamptz,
            closes_at timestamptz,
            CONSTRAINT pk_enrolment_windows PRIMARY KEY (activity_id, school_year),
            CONSTRAINT ck_enrolment_windows_order CHECK (opens_at < closes_at)
        )""",
        """CREATE TABLE house_rules (
            school_year text CONSTRAINT pk_house_rules PRIMARY KEY
                CONSTRAINT fk_house_rules_school_year REFERENCES school_years (name),
            version text NOT NULL,
            title text NOT NULL,
            text text NOT NULL
        )""",
        """CREATE TABLE house_rules_acceptances (
            dossier_id uuid NOT NULL,
            school_year text NOT NULL
                CONSTRAINT fk_house_rules_acceptances_school_year REFERENCES house_rules (school_year),
            version text NOT NULL,
            accepted_at timestamptz NOT NULL,
            account_id uuid,
            role text,
            name text,
            CONSTRAINT pk_house_rules_acceptances PRIMARY KEY (dossier_id, school_year)
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
            booking_opens_at timestamptz,
            residents_open_at timestamptz,
            booking_closes_at timestamptz NOT NULL,
            cancellation_closes_at timestamptz NOT NULL,
            hold_minutes integer NOT NULL,
            version integer NOT NULL,
            CONSTRAINT ck_holiday_weeks_places CHECK (0 <= taken AND taken <= places),
            CONSTRAINT ck_holiday_weeks_booking CHECK (booking_opens_at < booking_closes_at),
            CONSTRAINT ck_holiday_weeks_residents
                CHECK (residents_open_at IS NULL OR coalesce(residents_open_at < booking_opens_at, false))
        )""",
        "CREATE INDEX ix_holiday_weeks_first_day ON holiday_weeks (lower(period), centre, id)",
        """CREATE TABLE place_changes (
            id uuid CONSTRAINT pk_place_changes PRIMARY KEY,
            holiday_week_id uuid NOT NULL,
            changed_at timestamptz NOT NULL,
            account_id uuid NOT NULL,
            name text,
            before integer NOT NULL,
            after integer NOT NULL,
            reason text NOT NULL
        )""",
        "CREATE INDEX ix_place_changes_holiday_week_id ON place_changes (holiday_week_id)",
        """CREATE TABLE regies (
            id uuid CONSTRAINT pk_regies PRIMARY KEY,
            code text NOT NULL,
            version integer NOT NULL
        )""",
        """CREATE TABLE dossiers (
            id uuid CONSTRAINT pk_dossiers PRIMARY KEY,
            number text NOT NULL,
            status text NOT NULL,
            missing text[] NOT NULL,
            priorities text[] NOT NULL,
            reachable boolean NOT NULL,
            version integer NOT NULL
        )""",
        """CREATE TABLE children (
            id uuid CONSTRAINT pk_children PRIMARY KEY,
            dossier_ids uuid[] NOT NULL,
            first_name text NOT NULL,
            birth_date date NOT NULL,
            schooling jsonb NOT NULL,
            resident boolean NOT NULL,
            version integer NOT NULL
        )""",
        "CREATE INDEX ix_children_dossier_ids ON children USING gin (dossier_ids)",
        """CREATE TABLE bookings (
            id uuid CONSTRAINT pk_bookings PRIMARY KEY,
            dossier_id uuid NOT NULL,
            status text NOT NULL CONSTRAINT ck_bookings_status
                CHECK (status IN ('held', 'confirmed', 'paid', 'expired', 'cancelled')),
            hold_expires_at timestamptz NOT NULL,
            pay_by timestamptz,
            overrides jsonb NOT NULL DEFAULT '[]',
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
        """CREATE TABLE waiting_entries (
            id uuid CONSTRAINT pk_waiting_entries PRIMARY KEY,
            group_id uuid NOT NULL,
            dossier_id uuid NOT NULL,
            child_id uuid NOT NULL,
            holiday_week_id uuid NOT NULL,
            status text NOT NULL CONSTRAINT ck_waiting_entries_status
                CHECK (status IN ('waiting', 'offered', 'accepted', 'refused', 'lapsed', 'closed', 'left')),
            joined_at timestamptz NOT NULL,
            offered_at timestamptz,
            offer_expires_at timestamptz,
            criteria jsonb,
            booking_id uuid,
            reason text,
            version integer NOT NULL,
            CONSTRAINT ck_waiting_entries_offered CHECK (status <> 'offered' OR offer_expires_at IS NOT NULL)
        )""",
        """CREATE UNIQUE INDEX uq_waiting_entries_standing ON waiting_entries (child_id, holiday_week_id)
            WHERE status IN ('waiting', 'offered')""",
        """CREATE INDEX ix_waiting_entries_standing ON waiting_entries (holiday_week_id, dossier_id)
            WHERE status IN ('waiting', 'offered')""",
        """CREATE INDEX ix_waiting_entries_families ON waiting_entries (dossier_id)
            WHERE status IN ('waiting', 'offered')""",
        "CREATE INDEX ix_waiting_entries_offered ON waiting_entries (offer_expires_at) WHERE status = 'offered'",
        "CREATE INDEX ix_waiting_entries_dossier_id_id ON waiting_entries (dossier_id, id)",
        "CREATE INDEX ix_waiting_entries_group_id_status ON waiting_entries (group_id, status)",
        """CREATE TABLE waiting_rules (
            only_row boolean CONSTRAINT pk_waiting_rules PRIMARY KEY
                CONSTRAINT ck_waiting_rules_only_row CHECK (only_row),
            offer_hours integer NOT NULL,
            criteria jsonb NOT NULL
        )""",
        "GRANT UPDATE ON waiting_entries, waiting_rules TO enrolment_app",
        """CREATE TABLE enrolments (
            id uuid CONSTRAINT pk_enrolments PRIMARY KEY,
            child_id uuid NOT NULL,
            dossier_id uuid NOT NULL,
            activity_id uuid NOT NULL,
            site_id uuid,
            school_year text NOT NULL,
            valid_from date NOT NULL,
            valid_to date NOT NULL,
            status text NOT NULL CONSTRAINT ck_enrolments_status CHECK (status IN ('active', 'withdrawn')),
            usual_weeks jsonb NOT NULL DEFAULT '[]',
            created_at timestamptz NOT NULL,
            created_by jsonb NOT NULL,
            withdrawn_at timestamptz,
            withdrawn_by jsonb,
            version integer NOT NULL,
            CONSTRAINT ck_enrolments_days CHECK (valid_from <= valid_to + 1),
            CONSTRAINT ex_enrolments_one_at_a_time EXCLUDE USING gist
                (child_id WITH =, activity_id WITH =, daterange(valid_from, valid_to + 1) WITH &&)
        )""",
        "CREATE INDEX ix_enrolments_child_id_activity_id ON enrolments (child_id, activity_id)",
        """CREATE TABLE applied_enrolments (
            id uuid CONSTRAINT pk_applied_enrolments PRIMARY KEY,
            reserved date[] NOT NULL,
            refused jsonb NOT NULL,
            cancelled date[] NOT NULL,
            still_due date[] NOT NULL,
            version integer NOT NULL
        )""",
        "GRANT UPDATE ON applied_enrolments, enrolments TO enrolment_app",
        "GRANT UPDATE ON activities, bookings, children, dossiers, holiday_weeks, regies, sites TO enrolment_app",
        # What is erased with those of whom it speaks.
        """GRANT DELETE ON applied_enrolments, bookings, children, dossiers, enrolments, house_rules_acceptances,
        waiting_entries TO enrolment_app""",
        "GRANT UPDATE, DELETE ON booking_lines, enrolment_windows TO enrolment_app",
    ):
        op.execute(statement)
