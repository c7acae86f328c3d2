"""Copies, prices, quotes, invoices with their numbers, the ledger, payments."""

from alembic import op
from chassis.migrations import create_plumbing

revision = "0001"
down_revision = None

LINE = """
    position integer NOT NULL,
    child_id uuid NOT NULL,
    child_name text NOT NULL,
    activity_id uuid NOT NULL,
    source text NOT NULL,
    source_id uuid NOT NULL,
    label text NOT NULL,
    dates date[] NOT NULL,
    amount_cents integer NOT NULL,
    childcare_cents integer NOT NULL,
    food_cents integer NOT NULL,
    explanation text NOT NULL
"""

TABLES = (
    """CREATE TABLE dossiers (
        id uuid CONSTRAINT pk_dossiers PRIMARY KEY,
        version integer NOT NULL,
        number text NOT NULL,
        adults jsonb NOT NULL,
        payers jsonb NOT NULL,
        address jsonb
    )""",
    """CREATE TABLE children (
        id uuid CONSTRAINT pk_children PRIMARY KEY,
        version integer NOT NULL,
        dossier_ids uuid[] NOT NULL,
        first_name text NOT NULL,
        last_name text NOT NULL,
        resident boolean NOT NULL
    )""",
    "CREATE INDEX ix_children_dossier_ids ON children USING gin (dossier_ids)",
    """CREATE TABLE quotient_histories (
        dossier_id uuid CONSTRAINT pk_quotient_histories PRIMARY KEY,
        version integer NOT NULL,
        quotients jsonb NOT NULL
    )""",
    """CREATE TABLE activities (
        id uuid CONSTRAINT pk_activities PRIMARY KEY,
        version integer NOT NULL,
        name text NOT NULL,
        payment text NOT NULL,
        charging text NOT NULL,
        regie text NOT NULL
    )""",
    """CREATE TABLE holiday_weeks (
        id uuid CONSTRAINT pk_holiday_weeks PRIMARY KEY,
        version integer NOT NULL,
        activity_id uuid NOT NULL,
        centre text NOT NULL,
        name text NOT NULL,
        dates date[] NOT NULL
    )""",
    """CREATE TABLE reservations (
        id uuid CONSTRAINT pk_reservations PRIMARY KEY,
        version integer NOT NULL,
        child_id uuid NOT NULL,
        activity_id uuid NOT NULL,
        month text NOT NULL,
        days jsonb NOT NULL
    )""",
    """CREATE TABLE billed_bookings (
        booking_id uuid CONSTRAINT pk_billed_bookings PRIMARY KEY,
        version integer NOT NULL,
        status text NOT NULL
    )""",
    """CREATE TABLE regies (
        code text CONSTRAINT pk_regies PRIMARY KEY,
        name text NOT NULL,
        numcli text NOT NULL CONSTRAINT ck_regies_numcli CHECK (numcli ~ '^[0-9]{6}$'),
        version integer NOT NULL
    )""",
    """CREATE TABLE tariffs (
        id uuid CONSTRAINT pk_tariffs PRIMARY KEY,
        activity_id uuid NOT NULL,
        valid_from date NOT NULL,
        childcare jsonb,
        food jsonb,
        CONSTRAINT uq_tariffs_activity_id_valid_from UNIQUE (activity_id, valid_from)
    )""",
    """CREATE TABLE quotes (
        id uuid CONSTRAINT pk_quotes PRIMARY KEY,
        dossier_id uuid NOT NULL,
        regie_code text NOT NULL,
        valid_until timestamptz NOT NULL
    )""",
    f"""CREATE TABLE quote_lines (
        quote_id uuid NOT NULL CONSTRAINT fk_quote_lines_quote_id REFERENCES quotes (id),
        {LINE},
        CONSTRAINT pk_quote_lines PRIMARY KEY (quote_id, position),
        CONSTRAINT ck_quote_lines_amount CHECK (amount_cents = childcare_cents + food_cents)
    )""",
    """CREATE TABLE invoices (
        id uuid CONSTRAINT pk_invoices PRIMARY KEY,
        kind text NOT NULL,
        dossier_id uuid NOT NULL,
        regie_code text NOT NULL CONSTRAINT fk_invoices_regie_code REFERENCES regies (code),
        corrects_id uuid CONSTRAINT fk_invoices_corrects_id REFERENCES invoices (id),
        amount_cents integer NOT NULL,
        payer_name text NOT NULL,
        payer_address text,
        opened_at timestamptz NOT NULL,
        repriced boolean NOT NULL,
        number text CONSTRAINT uq_invoices_number UNIQUE,
        CONSTRAINT ck_invoices_corrects CHECK ((kind = 'credit_note') = (corrects_id IS NOT NULL))
    )""",
    "CREATE INDEX ix_invoices_dossier_id_id ON invoices (dossier_id, id)",
    "CREATE INDEX ix_invoices_corrects_id ON invoices (corrects_id)",
    f"""CREATE TABLE invoice_lines (
        invoice_id uuid NOT NULL CONSTRAINT fk_invoice_lines_invoice_id REFERENCES invoices (id),
        {LINE},
        corrects_invoice_id uuid,
        corrects_position integer,
        CONSTRAINT pk_invoice_lines PRIMARY KEY (invoice_id, position),
        CONSTRAINT fk_invoice_lines_corrects FOREIGN KEY (corrects_invoice_id, corrects_position)
            REFERENCES invoice_lines (invoice_id, position),
        CONSTRAINT uq_invoice_lines_corrects_invoice_id_corrects_position
            UNIQUE (corrects_invoice_id, corrects_position),
        CONSTRAINT ck_invoice_lines_corrects CHECK (num_nonnulls(corrects_invoice_id, corrects_position) IN (0, 2)),
        CONSTRAINT ck_invoice_lines_amount CHECK (amount_cents = childcare_cents + food_cents)
    )""",
    """CREATE TABLE invoice_states (
        invoice_id uuid CONSTRAINT pk_invoice_states PRIMARY KEY
            CONSTRAINT fk_invoice_states_invoice_id REFERENCES invoices (id),
        version integer NOT NULL,
        status text NOT NULL CONSTRAINT ck_invoice_states_status CHECK (
            status IN ('to_pay', 'settled', 'reopened', 'lapsed', 'cancelled')
        ),
        allocated_cents integer NOT NULL,
        payable_until timestamptz,
        settled_at timestamptz,
        late_credited boolean NOT NULL,
        reason text
    )""",
    "CREATE INDEX ix_invoice_states_payable_until ON invoice_states (payable_until) WHERE status = 'to_pay'",
    """CREATE TABLE booking_invoices (
        invoice_id uuid CONSTRAINT pk_booking_invoices PRIMARY KEY
            CONSTRAINT fk_booking_invoices_invoice_id REFERENCES invoices (id),
        booking_id uuid NOT NULL,
        booking_version integer NOT NULL,
        confirmed_version integer NOT NULL,
        CONSTRAINT uq_booking_invoices_booking_id_booking_version UNIQUE (booking_id, booking_version)
    )""",
    """CREATE TABLE number_series (
        regie_code text NOT NULL CONSTRAINT fk_number_series_regie_code REFERENCES regies (code),
        year integer NOT NULL,
        last integer NOT NULL,
        CONSTRAINT pk_number_series PRIMARY KEY (regie_code, year)
    )""",
    """CREATE TABLE payments (
        id uuid CONSTRAINT pk_payments PRIMARY KEY,
        status text NOT NULL CONSTRAINT ck_payments_status CHECK (
            status IN ('opening', 'pending', 'succeeded', 'failed', 'abandoned', 'uncertain')
        ),
        dossier_id uuid NOT NULL,
        amount_cents integer NOT NULL,
        refdet text NOT NULL CONSTRAINT uq_payments_refdet UNIQUE,
        idop text CONSTRAINT uq_payments_idop UNIQUE,
        opened_at timestamptz NOT NULL,
        next_check_at timestamptz,
        answered_at timestamptz,
        received_cents integer,
        is_debit boolean NOT NULL,
        returned_at timestamptz
    )""",
    "CREATE INDEX ix_payments_dossier_id ON payments (dossier_id)",
    "CREATE INDEX ix_payments_next_check_at ON payments (next_check_at) WHERE next_check_at IS NOT NULL",
    "CREATE INDEX ix_payments_opened_at ON payments (opened_at) WHERE status = 'opening'",
    """CREATE TABLE payment_invoices (
        payment_id uuid NOT NULL CONSTRAINT fk_payment_invoices_payment_id REFERENCES payments (id),
        invoice_id uuid NOT NULL CONSTRAINT fk_payment_invoices_invoice_id REFERENCES invoices (id),
        CONSTRAINT pk_payment_invoices PRIMARY KEY (payment_id, invoice_id)
    )""",
    "CREATE INDEX ix_payment_invoices_invoice_id ON payment_invoices (invoice_id)",
    """CREATE TABLE allocations (
        id uuid CONSTRAINT pk_allocations PRIMARY KEY,
        invoice_id uuid NOT NULL CONSTRAINT fk_allocations_invoice_id REFERENCES invoices (id),
        payment_id uuid CONSTRAINT fk_allocations_payment_id REFERENCES payments (id),
        source text NOT NULL CONSTRAINT ck_allocations_source CHECK (source IN ('payment', 'credit', 'deferred')),
        amount_cents integer NOT NULL CONSTRAINT ck_allocations_amount CHECK (amount_cents <> 0),
        at timestamptz NOT NULL,
        CONSTRAINT ck_allocations_payment CHECK ((source = 'payment') = (payment_id IS NOT NULL))
    )""",
    "CREATE INDEX ix_allocations_invoice_id ON allocations (invoice_id)",
    "CREATE INDEX ix_allocations_payment_id ON allocations (payment_id)",
    """CREATE TABLE ledger_entries (
        id uuid CONSTRAINT pk_ledger_entries PRIMARY KEY,
        transaction_id uuid NOT NULL,
        at timestamptz NOT NULL,
        account text NOT NULL CONSTRAINT ck_ledger_entries_account CHECK (
            account IN ('payfip', 'family', 'credit', 'deferred', 'revenue_childcare', 'revenue_food')
        ),
        dossier_id uuid,
        amount_cents integer NOT NULL CONSTRAINT ck_ledger_entries_amount CHECK (amount_cents <> 0),
        invoice_id uuid CONSTRAINT fk_ledger_entries_invoice_id REFERENCES invoices (id),
        payment_id uuid CONSTRAINT fk_ledger_entries_payment_id REFERENCES payments (id),
        memo text NOT NULL,
        CONSTRAINT ck_ledger_entries_dossier CHECK (
            account NOT IN ('family', 'credit', 'deferred') OR dossier_id IS NOT NULL
        )
    )""",
    "CREATE INDEX ix_ledger_entries_transaction_id ON ledger_entries (transaction_id)",
    "CREATE INDEX ix_ledger_entries_dossier_id_account ON ledger_entries (dossier_id, account)",
    # The money of a payment is received once and given back once, whatever happens.
    """CREATE UNIQUE INDEX ix_ledger_entries_receipt ON ledger_entries (payment_id)
    WHERE account = 'payfip' AND amount_cents > 0""",
    """CREATE UNIQUE INDEX ix_ledger_entries_return ON ledger_entries (payment_id)
    WHERE account = 'payfip' AND amount_cents < 0""",
)

GUARDS = (
    # A ledger transaction balances when it commits, or does not commit.
    """CREATE FUNCTION refuse_unbalanced() RETURNS trigger LANGUAGE plpgsql AS $$
    BEGIN
        IF (SELECT sum(amount_cents) FROM ledger_entries WHERE transaction_id = NEW.transaction_id) <> 0 THEN
            RAISE EXCEPTION 'ledger transaction % does not balance', NEW.transaction_id USING ERRCODE = '23514';
        END IF;
        RETURN NULL;
    END $$""",
    """CREATE CONSTRAINT TRIGGER balanced AFTER INSERT ON ledger_entries DEFERRABLE INITIALLY DEFERRED
    FOR EACH ROW EXECUTE FUNCTION refuse_unbalanced()""",
    """CREATE FUNCTION refuse_change_of_numbered() RETURNS trigger LANGUAGE plpgsql AS $$
    BEGIN
        IF TG_OP = 'UPDATE' AND to_jsonb(OLD) - 'dossier_id' = to_jsonb(NEW) - 'dossier_id'
           AND EXISTS (SELECT FROM merged WHERE id = OLD.dossier_id AND into_id = NEW.dossier_id) THEN
            RETURN NEW;
        END IF;
        RAISE EXCEPTION 'invoice % is numbered: it never changes', OLD.number USING ERRCODE = '23514';
    END $$""",
    """CREATE TRIGGER numbered_never_changes BEFORE UPDATE OR DELETE ON invoices
    FOR EACH ROW WHEN (OLD.number IS NOT NULL) EXECUTE FUNCTION refuse_change_of_numbered()""",
    """CREATE FUNCTION refuse_line_of_numbered() RETURNS trigger LANGUAGE plpgsql AS $$
    DECLARE
        line record := CASE TG_OP WHEN 'DELETE' THEN OLD ELSE NEW END;
    BEGIN
        IF (SELECT number FROM invoices WHERE id = line.invoice_id) IS NOT NULL THEN
            RAISE EXCEPTION 'invoice % is numbered: its lines never change', line.invoice_id USING ERRCODE = '23514';
        END IF;
        RETURN line;
    END $$""",
    """CREATE TRIGGER lines_of_numbered_never_change BEFORE INSERT OR UPDATE OR DELETE ON invoice_lines
    FOR EACH ROW EXECUTE FUNCTION refuse_line_of_numbered()""",
    # A state says what the allocations say: settled is what is paid whole, and what has no number is paid nothing.
    """CREATE FUNCTION refuse_false_state() RETURNS trigger LANGUAGE plpgsql AS $$
    BEGIN
        PERFORM FROM invoices JOIN invoice_states state ON state.invoice_id = invoices.id
        CROSS JOIN LATERAL (
            SELECT coalesce(sum(amount_cents), 0) AS cents FROM allocations WHERE invoice_id = invoices.id
        ) allocated
        WHERE invoices.id = NEW.invoice_id AND state.allocated_cents = allocated.cents AND CASE
            WHEN number IS NULL THEN status IN ('to_pay', 'lapsed', 'cancelled') AND allocated.cents = 0
            WHEN allocated.cents = amount_cents THEN status = 'settled'
            ELSE status = 'reopened' AND allocated.cents BETWEEN 0 AND amount_cents
        END;
        IF NOT FOUND THEN
            RAISE EXCEPTION 'the state of invoice % is not what its allocations say', NEW.invoice_id
            USING ERRCODE = '23514';
        END IF;
        RETURN NULL;
    END $$""",
    """CREATE CONSTRAINT TRIGGER true_state AFTER INSERT OR UPDATE ON invoice_states DEFERRABLE INITIALLY DEFERRED
    FOR EACH ROW EXECUTE FUNCTION refuse_false_state()""",
    """CREATE CONSTRAINT TRIGGER true_state AFTER INSERT ON allocations DEFERRABLE INITIALLY DEFERRED
    FOR EACH ROW EXECUTE FUNCTION refuse_false_state()""",
    # What is erased with those of whom it speaks.
    "GRANT DELETE ON children, dossiers, quote_lines, quotes, quotient_histories, reservations TO billing_app",
    """GRANT UPDATE ON activities, billed_bookings, children, dossiers, holiday_weeks, invoice_lines,
    invoice_states, invoices, number_series, payments, quotient_histories, reservations TO billing_app""",
)


def upgrade() -> None:
    create_plumbing("billing_app")
    for statement in (*TABLES, *GUARDS):
        op.execute(statement)
