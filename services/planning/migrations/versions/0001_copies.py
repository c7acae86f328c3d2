"""Copies of what others own; the town's calendar and rules; reserved days, their places and history."""

from alembic import op
from chassis.migrations import create_plumbing

revision = "0001"
down_revision = None

STATEMENTS = (
    """CREATE TABLE dossiers (
        id uuid CONSTRAINT pk_dossiers PRIMARY KEY,
        version integer NOT NULL,
        number text NOT NULL,
        guardian_ids uuid[] NOT NULL,
        guardian_names text[] NOT NULL
    )""",
    """CREATE TABLE children (
        id uuid CONSTRAINT pk_children PRIMARY KEY,
        version integer NOT NULL,
        dossier_ids uuid[] NOT NULL,
        first_name text NOT NULL,
        birth_date date NOT NULL,
        custody jsonb
    )""",
    "CREATE INDEX ix_children_dossier_ids ON children USING gin (dossier_ids)",
    """CREATE TABLE sites (
        id uuid CONSTRAINT pk_sites PRIMARY KEY,
        version integer NOT NULL,
        code text NOT NULL,
        kind text NOT NULL,
        name text NOT NULL
    )""",
    """CREATE TABLE activities (
        id uuid CONSTRAINT pk_activities PRIMARY KEY,
        version integer NOT NULL,
        name text NOT NULL,
        kind text NOT NULL,
        status text NOT NULL
    )""",
    """CREATE TABLE holiday_weeks (
        id uuid CONSTRAINT pk_holiday_weeks PRIMARY KEY,
        version integer NOT NULL,
        activity_id uuid NOT NULL,
        name text NOT NULL,
        dates date[] NOT NULL,
        booking_closes_at timestamptz NOT NULL,
        cancellation_closes_at timestamptz NOT NULL
    )""",
    """CREATE TABLE enrolments (
        id uuid CONSTRAINT pk_enrolments PRIMARY KEY,
        version integer NOT NULL,
        child_id uuid NOT NULL,
        dossier_id uuid NOT NULL,
        activity_id uuid NOT NULL,
        site_id uuid,
        school_year text NOT NULL,
        valid_from date NOT NULL,
        valid_to date NOT NULL,
        status text NOT NULL,
        usual_weeks jsonb NOT NULL,
        withdrawn_at timestamptz,
        withdrawn_by jsonb
    )""",
    "CREATE INDEX ix_enrolments_child_id_activity_id ON enrolments (child_id, activity_id)",
    """CREATE TABLE bookings (
        id uuid CONSTRAINT pk_bookings PRIMARY KEY,
        version integer NOT NULL,
        dossier_id uuid NOT NULL,
        status text NOT NULL
            CONSTRAINT ck_bookings_status CHECK (status IN ('confirmed', 'paid', 'expired', 'cancelled'))
    )""",
    "CREATE INDEX ix_bookings_dossier_id ON bookings (dossier_id)",
    """CREATE TABLE booking_days (
        booking_id uuid NOT NULL CONSTRAINT fk_booking_days_booking_id REFERENCES bookings (id),
        child_id uuid NOT NULL,
        holiday_week_id uuid NOT NULL,
        day date NOT NULL,
        activity_id uuid NOT NULL,
        CONSTRAINT pk_booking_days PRIMARY KEY (booking_id, child_id, holiday_week_id, day)
    )""",
    "CREATE INDEX ix_booking_days_child_id_day ON booking_days (child_id, day)",
    """CREATE TABLE given_up_days (
        booking_id uuid NOT NULL,
        child_id uuid NOT NULL,
        holiday_week_id uuid NOT NULL,
        day date NOT NULL,
        activity_id uuid NOT NULL,
        given_up_at timestamptz NOT NULL,
        CONSTRAINT pk_given_up_days PRIMARY KEY (booking_id, child_id, holiday_week_id, day)
    )""",
    "CREATE INDEX ix_given_up_days_child_id_day ON given_up_days (child_id, day)",
    """CREATE TABLE calendar (
        only_row boolean CONSTRAINT pk_calendar PRIMARY KEY CONSTRAINT ck_calendar_only_row CHECK (only_row),
        version integer NOT NULL,
        school_zone text NOT NULL
    )""",
    """CREATE TABLE closed_days (
        day date CONSTRAINT pk_closed_days PRIMARY KEY,
        name text NOT NULL
    )""",
    """CREATE TABLE activity_rules (
        activity_id uuid CONSTRAINT pk_activity_rules PRIMARY KEY,
        version integer NOT NULL,
        weekdays text[] NOT NULL,
        booking_deadline jsonb NOT NULL,
        cancellation_deadline jsonb NOT NULL,
        bands jsonb NOT NULL
    )""",
    """CREATE TABLE feeds (
        account_id uuid CONSTRAINT pk_feeds PRIMARY KEY,
        dossier_id uuid NOT NULL,
        guardian_id uuid NOT NULL,
        secret_hash bytea NOT NULL CONSTRAINT uq_feeds_secret_hash UNIQUE,
        made_at timestamptz NOT NULL
    )""",
    """CREATE TABLE reservations (
        child_id uuid NOT NULL,
        activity_id uuid NOT NULL,
        day date NOT NULL,
        status text NOT NULL CONSTRAINT ck_reservations_status CHECK (status IN ('reserved', 'cancelled')),
        dossier_id uuid NOT NULL,
        site_id uuid,
        band text,
        version integer NOT NULL,
        changed_at timestamptz NOT NULL,
        CONSTRAINT pk_reservations PRIMARY KEY (child_id, activity_id, day)
    )""",
    """CREATE INDEX ix_reservations_activity_id_day ON reservations (activity_id, day)
        INCLUDE (child_id, dossier_id, site_id) WHERE status = 'reserved'""",
    """CREATE TABLE slots (
        activity_id uuid NOT NULL,
        site_id uuid NOT NULL,
        day date NOT NULL,
        band text NOT NULL,
        places integer NOT NULL,
        taken integer NOT NULL,
        CONSTRAINT pk_slots PRIMARY KEY (activity_id, site_id, day, band),
        CONSTRAINT ck_slots_taken CHECK (taken BETWEEN 0 AND places)
    )""",
    """CREATE TABLE planning_months (
        dossier_id uuid NOT NULL,
        month date NOT NULL,
        version integer NOT NULL,
        CONSTRAINT pk_planning_months PRIMARY KEY (dossier_id, month)
    )""",
    """CREATE TABLE entries (
        child_id uuid NOT NULL,
        activity_id uuid NOT NULL,
        month date NOT NULL,
        version integer NOT NULL,
        at timestamptz NOT NULL,
        dossier_id uuid NOT NULL,
        account_id uuid,
        role text NOT NULL,
        name text,
        reason text,
        reserved date[] NOT NULL,
        cancelled date[] NOT NULL,
        CONSTRAINT pk_entries PRIMARY KEY (child_id, activity_id, month, version)
    )""",
    "CREATE INDEX ix_entries_dossier_id_month ON entries (dossier_id, month)",
    """CREATE TABLE attempts (
        id uuid CONSTRAINT pk_attempts PRIMARY KEY,
        account_id uuid NOT NULL,
        dossier_id uuid NOT NULL,
        month date NOT NULL,
        at timestamptz NOT NULL,
        cells jsonb NOT NULL
    )""",
    "CREATE INDEX ix_attempts_account_id ON attempts (account_id)",
    """CREATE TABLE drafts (
        account_id uuid NOT NULL,
        month date NOT NULL,
        dossier_id uuid NOT NULL,
        guardian_id uuid NOT NULL,
        changes jsonb NOT NULL,
        kept_at timestamptz NOT NULL,
        reminded timestamptz[] NOT NULL,
        look_at timestamptz NOT NULL,
        CONSTRAINT pk_drafts PRIMARY KEY (account_id, month)
    )""",
    """CREATE TABLE digests (
        account_id uuid CONSTRAINT pk_digests PRIMARY KEY,
        dossier_id uuid NOT NULL,
        guardian_id uuid NOT NULL,
        enabled boolean NOT NULL,
        sent_for date
    )""",
    "CREATE INDEX ix_drafts_look_at ON drafts (look_at)",
    "GRANT UPDATE ON planning_months, reservations, slots TO planning_app",
    # Of a family whose dossier is merged into another; else history never changes.
    "GRANT UPDATE (dossier_id) ON entries TO planning_app",
    "GRANT UPDATE, DELETE ON attempts, digests, drafts, feeds, given_up_days TO planning_app",
    "GRANT UPDATE ON dossiers TO planning_app",
    "GRANT UPDATE ON activity_rules, calendar TO planning_app",
    "GRANT DELETE ON closed_days TO planning_app",
    "GRANT UPDATE ON activities, bookings, children, enrolments, holiday_weeks, sites TO planning_app",
    """CREATE FUNCTION refuse_loss() RETURNS trigger LANGUAGE plpgsql AS $$
    BEGIN
        IF EXISTS (SELECT FROM erased WHERE id IN (OLD.dossier_id, OLD.child_id)) THEN
            RETURN OLD;
        END IF;
        RAISE 'permission denied: % loses only what is erased', TG_TABLE_NAME USING ERRCODE = 'insufficient_privilege';
    END $$""",
    "CREATE TRIGGER lost_when_erased BEFORE DELETE ON entries FOR EACH ROW EXECUTE FUNCTION refuse_loss()",
    "CREATE TRIGGER lost_when_erased BEFORE DELETE ON reservations FOR EACH ROW EXECUTE FUNCTION refuse_loss()",
    # What is erased with those of whom it speaks.
    "GRANT DELETE ON bookings, children, dossiers, enrolments, entries, planning_months, reservations TO planning_app",
    "GRANT DELETE ON booking_days TO planning_app",
)


def upgrade() -> None:
    create_plumbing("planning_app")
    for statement in STATEMENTS:
        op.execute(statement)
