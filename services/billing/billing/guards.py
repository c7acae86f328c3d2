"""What the database itself refuses: books out of balance, numbered documents that change, states that are not true."""

GUARDS: tuple[str, ...] = (
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
)
