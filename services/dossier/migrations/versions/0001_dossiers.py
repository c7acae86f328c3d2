"""Dossiers, adults, children, quotients, the words they are found by, and the copy of accounts."""

from alembic import op
from chassis.migrations import create_plumbing

revision = "0001"
down_revision = None

STATEMENTS = (
    "CREATE EXTENSION IF NOT EXISTS fuzzystrmatch",
    "CREATE EXTENSION IF NOT EXISTS unaccent",
    """CREATE TABLE dossiers (
        id uuid CONSTRAINT pk_dossiers PRIMARY KEY,
        number text NOT NULL CONSTRAINT uq_dossiers_number UNIQUE,
        status text NOT NULL CONSTRAINT ck_dossiers_status CHECK (status IN ('active', 'archived')),
        street text,
        postcode text,
        city text,
        priorities text[] NOT NULL,
        missing text[] NOT NULL,
        merged_into uuid CONSTRAINT fk_dossiers_merged_into REFERENCES dossiers (id),
        version integer NOT NULL,
        CONSTRAINT ck_dossiers_address_whole CHECK (num_nonnulls(street, postcode, city) IN (0, 3))
    )""",
    "CREATE INDEX ix_dossiers_merged_into ON dossiers (merged_into)",
    "CREATE INDEX ix_dossiers_address ON dossiers (postcode, lower(street))",
    "CREATE INDEX ix_dossiers_counted ON dossiers ((number::bigint)) WHERE number ~ '^[0-9]{1,15}$'",
    """CREATE TABLE adults (
        id uuid CONSTRAINT pk_adults PRIMARY KEY,
        dossier_id uuid NOT NULL CONSTRAINT fk_adults_dossier_id REFERENCES dossiers (id),
        first_name text NOT NULL,
        last_name text NOT NULL,
        recorded_email text,
        phone text,
        roles text[] NOT NULL
    )""",
    "CREATE INDEX ix_adults_dossier_id ON adults (dossier_id)",
    "CREATE INDEX ix_adults_email ON adults (lower(recorded_email))",
    """CREATE TABLE accounts (
        guardian_id uuid CONSTRAINT pk_accounts PRIMARY KEY,
        account_id uuid NOT NULL,
        email text,
        version integer NOT NULL
    )""",
    """CREATE TABLE children (
        id uuid CONSTRAINT pk_children PRIMARY KEY,
        first_name text NOT NULL,
        last_name text NOT NULL,
        birth_date date NOT NULL,
        menu text NOT NULL
            CONSTRAINT ck_children_menu_known CHECK (menu IN ('standard', 'no_pork', 'vegetarian', 'own_meal')),
        resident boolean NOT NULL,
        custody jsonb,
        version integer NOT NULL
    )""",
    """CREATE TABLE schooling (
        child_id uuid NOT NULL CONSTRAINT fk_schooling_child_id REFERENCES children (id),
        school_year text NOT NULL,
        school_id uuid NOT NULL,
        level text NOT NULL CONSTRAINT ck_schooling_level_known CHECK (level IN ('nursery', 'elementary')),
        class_name text,
        CONSTRAINT pk_schooling PRIMARY KEY (child_id, school_year)
    )""",
    """CREATE TABLE sites (
        id uuid CONSTRAINT pk_sites PRIMARY KEY,
        version integer NOT NULL,
        code text NOT NULL,
        kind text NOT NULL,
        name text NOT NULL
    )""",
    """CREATE TABLE dossier_children (
        dossier_id uuid NOT NULL CONSTRAINT fk_dossier_children_dossier_id REFERENCES dossiers (id),
        child_id uuid NOT NULL CONSTRAINT fk_dossier_children_child_id REFERENCES children (id),
        CONSTRAINT pk_dossier_children PRIMARY KEY (dossier_id, child_id)
    )""",
    "CREATE INDEX ix_dossier_children_child_id ON dossier_children (child_id)",
    """CREATE TABLE quotients (
        id uuid CONSTRAINT pk_quotients PRIMARY KEY,
        dossier_id uuid NOT NULL CONSTRAINT fk_quotients_dossier_id REFERENCES dossiers (id),
        value integer NOT NULL CONSTRAINT ck_quotients_value_not_negative CHECK (value >= 0),
        source text NOT NULL CONSTRAINT ck_quotients_source_known CHECK (source IN ('caf', 'msa', 'municipal')),
        valid_from date NOT NULL,
        valid_to date NOT NULL,
        reason text,
        CONSTRAINT uq_quotients_dossier_id_valid_from UNIQUE (dossier_id, valid_from),
        CONSTRAINT ck_quotients_valid_in_order CHECK (valid_to >= valid_from)
    )""",
    """CREATE TABLE payers (
        dossier_id uuid NOT NULL CONSTRAINT fk_payers_dossier_id REFERENCES dossiers (id),
        valid_from date NOT NULL,
        adult_id uuid NOT NULL,
        CONSTRAINT pk_payers PRIMARY KEY (dossier_id, valid_from)
    )""",
    """CREATE TABLE planned_changes (
        id uuid CONSTRAINT pk_planned_changes PRIMARY KEY,
        kind text NOT NULL,
        dossier_id uuid NOT NULL CONSTRAINT fk_planned_changes_dossier_id REFERENCES dossiers (id),
        other_id uuid,
        child_id uuid,
        wish jsonb NOT NULL,
        day date NOT NULL,
        reason text,
        asked_at timestamptz NOT NULL,
        asked_by uuid NOT NULL,
        asked_by_name text,
        refused text
    )""",
    "CREATE INDEX ix_planned_changes_dossier_id ON planned_changes (dossier_id)",
    "CREATE INDEX ix_planned_changes_other_id ON planned_changes (other_id)",
    "CREATE INDEX ix_planned_changes_day ON planned_changes (day)",
    """CREATE TABLE certifications (
        dossier_id uuid NOT NULL CONSTRAINT fk_certifications_dossier_id REFERENCES dossiers (id),
        school_year text NOT NULL,
        certified_at timestamptz NOT NULL,
        certified_by uuid NOT NULL,
        CONSTRAINT pk_certifications PRIMARY KEY (dossier_id, school_year)
    )""",
    """CREATE TABLE consents (
        child_id uuid NOT NULL CONSTRAINT fk_consents_child_id REFERENCES children (id),
        kind text NOT NULL
            CONSTRAINT ck_consents_kind_known CHECK (kind IN ('photo', 'outings', 'leaves_alone')),
        given boolean NOT NULL,
        given_at timestamptz NOT NULL,
        given_by uuid NOT NULL,
        CONSTRAINT pk_consents PRIMARY KEY (child_id, kind)
    )""",
    """CREATE TABLE persons (
        id uuid CONSTRAINT pk_persons PRIMARY KEY,
        child_id uuid NOT NULL CONSTRAINT fk_persons_child_id REFERENCES children (id),
        dossier_id uuid NOT NULL CONSTRAINT fk_persons_dossier_id REFERENCES dossiers (id),
        first_name text NOT NULL,
        last_name text NOT NULL,
        relation text,
        phone text,
        decision text,
        recorded_at timestamptz NOT NULL,
        recorded_by uuid NOT NULL,
        CONSTRAINT ck_persons_authorised_or_forbidden CHECK ((decision IS NULL) = (phone IS NOT NULL))
    )""",
    "CREATE INDEX ix_persons_child_id ON persons (child_id)",
    """CREATE TABLE town (
        only_row boolean CONSTRAINT pk_town PRIMARY KEY CONSTRAINT ck_town_only_row CHECK (only_row),
        postcode text NOT NULL,
        priorities text[] NOT NULL,
        needed_fields text[] NOT NULL,
        needed_documents text[] NOT NULL,
        certified_yearly boolean NOT NULL,
        judged_on date,
        judged_to uuid
    )""",
    """CREATE TABLE change_requests (
        id uuid CONSTRAINT pk_change_requests PRIMARY KEY,
        version integer NOT NULL,
        status text NOT NULL CONSTRAINT ck_change_requests_status
            CHECK (status IN ('waiting', 'accepted', 'refused', 'withdrawn')),
        dossier_id uuid NOT NULL CONSTRAINT fk_change_requests_dossier_id REFERENCES dossiers (id),
        kind text NOT NULL,
        subject_id uuid,
        old jsonb,
        new jsonb NOT NULL,
        document_ids uuid[] NOT NULL,
        comment text,
        asked_at timestamptz NOT NULL,
        asked_by uuid NOT NULL,
        reason text,
        counts_from date,
        decided_at timestamptz,
        decided_by uuid,
        CONSTRAINT ck_change_requests_decided CHECK ((status IN ('accepted', 'refused')) =
            (decided_at IS NOT NULL AND decided_by IS NOT NULL AND reason IS NOT NULL))
    )""",
    "CREATE INDEX ix_change_requests_status_id ON change_requests (status, id)",
    "CREATE INDEX ix_change_requests_dossier_id ON change_requests (dossier_id)",
    """CREATE UNIQUE INDEX uq_change_requests_waiting ON change_requests (dossier_id, kind, subject_id)
        NULLS NOT DISTINCT WHERE status = 'waiting'""",
    "GRANT UPDATE ON accounts, children, consents, dossiers, quotients, sites, town TO dossier_app",
    "GRANT UPDATE, DELETE ON adults, payers, planned_changes, change_requests, persons, schooling TO dossier_app",
    # What is erased with those of whom it speaks.
    """GRANT DELETE ON accounts, certifications, children, consents, dossier_children, dossiers, quotients
    TO dossier_app""",
    """CREATE TABLE document_kinds (
        code text CONSTRAINT pk_document_kinds PRIMARY KEY,
        rank integer NOT NULL,
        name text NOT NULL,
        about text NOT NULL CONSTRAINT ck_document_kinds_about_known CHECK (about IN ('dossier', 'child')),
        expires boolean NOT NULL,
        health boolean NOT NULL
    )""",
    """CREATE TABLE documents (
        id uuid CONSTRAINT pk_documents PRIMARY KEY,
        version integer NOT NULL,
        status text NOT NULL CONSTRAINT ck_documents_status CHECK (status IN ('waiting', 'accepted', 'refused')),
        dossier_id uuid NOT NULL CONSTRAINT fk_documents_dossier_id REFERENCES dossiers (id),
        child_id uuid CONSTRAINT fk_documents_child_id REFERENCES children (id),
        kind text NOT NULL CONSTRAINT fk_documents_kind REFERENCES document_kinds (code),
        media_type text NOT NULL CONSTRAINT ck_documents_media_type_known
            CHECK (media_type IN ('application/pdf', 'image/jpeg', 'image/png')),
        size integer NOT NULL,
        expires_on date,
        remind_on date,
        uploaded_at timestamptz NOT NULL,
        uploaded_by uuid NOT NULL,
        at_desk boolean NOT NULL,
        decided_at timestamptz,
        decided_by text,
        reason text,
        CONSTRAINT ck_documents_decided CHECK ((status = 'waiting') = (decided_at IS NULL)),
        CONSTRAINT ck_documents_refused_with_reason CHECK (status <> 'refused' OR reason IS NOT NULL)
    )""",
    "CREATE INDEX ix_documents_dossier_id ON documents (dossier_id)",
    "CREATE INDEX ix_documents_child_id ON documents (child_id)",
    "CREATE INDEX ix_documents_remind_on ON documents (remind_on)",
    "CREATE INDEX ix_documents_expires_on ON documents (expires_on)",
    "CREATE INDEX ix_documents_status_id ON documents (status, id)",
    "GRANT UPDATE, DELETE ON documents TO dossier_app",
    "CREATE TABLE left_files (document_id uuid CONSTRAINT pk_left_files PRIMARY KEY)",
    "GRANT DELETE ON left_files TO dossier_app",
    """CREATE FUNCTION leave_file() RETURNS trigger LANGUAGE plpgsql AS $$
    BEGIN
        INSERT INTO left_files (document_id) SELECT id FROM gone ON CONFLICT DO NOTHING;
        RETURN NULL;
    END $$""",
    """CREATE TRIGGER file_is_left AFTER DELETE ON documents
    REFERENCING OLD TABLE AS gone FOR EACH STATEMENT EXECUTE FUNCTION leave_file()""",
    """CREATE TABLE quotient_consents (
        adult_id uuid CONSTRAINT pk_quotient_consents PRIMARY KEY
            CONSTRAINT fk_quotient_consents_adult_id REFERENCES adults (id) ON DELETE CASCADE,
        dossier_id uuid NOT NULL CONSTRAINT fk_quotient_consents_dossier_id REFERENCES dossiers (id),
        birth_name text NOT NULL,
        first_names text[] NOT NULL,
        sex text NOT NULL CONSTRAINT ck_quotient_consents_sex_known CHECK (sex IN ('F', 'M')),
        birth_date date NOT NULL,
        birth_country text NOT NULL,
        birthplace text,
        agreed_at timestamptz NOT NULL,
        agreed_by uuid NOT NULL,
        CONSTRAINT ck_quotient_consents_birthplace_in_france
            CHECK ((birth_country = '99100') = (birthplace IS NOT NULL))
    )""",
    "CREATE INDEX ix_quotient_consents_dossier_id ON quotient_consents (dossier_id)",
    """CREATE TABLE quotient_campaigns (
        id uuid CONSTRAINT pk_quotient_campaigns PRIMARY KEY,
        status text NOT NULL CONSTRAINT ck_quotient_campaigns_status CHECK (status IN ('running', 'done')),
        version integer NOT NULL,
        asked_by uuid NOT NULL,
        asked_at timestamptz NOT NULL,
        next_at timestamptz NOT NULL,
        finished_at timestamptz,
        trouble text
    )""",
    "CREATE UNIQUE INDEX ix_quotient_campaigns_running ON quotient_campaigns (status) WHERE status = 'running'",
    """CREATE TABLE quotient_asked (
        campaign_id uuid NOT NULL CONSTRAINT fk_quotient_asked_campaign_id REFERENCES quotient_campaigns (id)
            ON DELETE CASCADE,
        dossier_id uuid NOT NULL CONSTRAINT fk_quotient_asked_dossier_id REFERENCES dossiers (id),
        outcome text CONSTRAINT ck_quotient_asked_outcome_known
            CHECK (outcome IN ('changed', 'unchanged', 'unknown', 'no_consent')),
        detail text,
        CONSTRAINT pk_quotient_asked PRIMARY KEY (campaign_id, dossier_id)
    )""",
    "GRANT UPDATE, DELETE ON quotient_consents, quotient_campaigns, quotient_asked TO dossier_app",
    """CREATE TABLE imports (
        id uuid CONSTRAINT pk_imports PRIMARY KEY,
        status text NOT NULL CONSTRAINT ck_imports_status CHECK (status IN ('waiting', 'running', 'done')),
        version integer NOT NULL,
        kind text NOT NULL CONSTRAINT ck_imports_kind_known CHECK (kind IN ('families', 'quotients')),
        dry_run boolean NOT NULL,
        columns text[] NOT NULL,
        lines integer NOT NULL,
        done integer NOT NULL,
        created integer NOT NULL,
        known integer NOT NULL,
        refused integer NOT NULL,
        asked_by uuid,
        asked_at timestamptz NOT NULL,
        finished_at timestamptz
    )""",
    "CREATE INDEX ix_imports_unfinished ON imports (id) WHERE status <> 'done'",
    """CREATE TABLE import_lines (
        import_id uuid NOT NULL CONSTRAINT fk_import_lines_import_id REFERENCES imports (id),
        line integer NOT NULL,
        number text NOT NULL,
        cells text[],
        outcome text CONSTRAINT ck_import_lines_outcome_known CHECK (outcome IN ('created', 'known', 'refused')),
        faults jsonb NOT NULL,
        CONSTRAINT pk_import_lines PRIMARY KEY (import_id, line),
        CONSTRAINT ck_import_lines_forgotten_when_done CHECK ((outcome IS NULL) = (cells IS NOT NULL))
    )""",
    "CREATE INDEX ix_import_lines_number ON import_lines (import_id, number)",
    "GRANT UPDATE, DELETE ON import_lines, imports TO dossier_app",
    """CREATE TABLE search_texts (
        dossier_id uuid CONSTRAINT pk_search_texts PRIMARY KEY
            CONSTRAINT fk_search_texts_dossier_id REFERENCES dossiers (id) ON DELETE CASCADE,
        number text NOT NULL,
        words tsvector NOT NULL
    )""",
    "CREATE INDEX ix_search_texts_number ON search_texts (number)",
    "CREATE INDEX ix_search_texts_words ON search_texts USING gin (words) WITH (fastupdate = off)",
    "CREATE TABLE search_words (word text CONSTRAINT pk_search_words PRIMARY KEY)",
    """CREATE FUNCTION plain_words(said text) RETURNS text[] LANGUAGE sql STABLE PARALLEL SAFE AS $$
        SELECT array_remove(regexp_split_to_array(lower(unaccent(normalize(said))), '[^a-z0-9]+'), '')
    $$""",
    """CREATE FUNCTION write_search_texts(ids uuid[]) RETURNS void LANGUAGE plpgsql AS $$
    BEGIN
        PERFORM FROM search_texts WHERE dossier_id = ANY (ids) ORDER BY dossier_id FOR UPDATE;
        INSERT INTO search_texts AS kept (dossier_id, number, words)
        SELECT id, number, array_to_tsvector(plain_words(concat_ws(' ', number, street, postcode, city,
            (SELECT string_agg(concat_ws(' ', first_name, last_name), ' ') FROM adults WHERE dossier_id = dossiers.id),
            (SELECT string_agg(concat_ws(' ', first_name, last_name), ' ') FROM children
             WHERE id IN (SELECT child_id FROM dossier_children WHERE dossier_id = dossiers.id)))))
        FROM dossiers WHERE id = ANY (ids)
        ON CONFLICT (dossier_id) DO UPDATE SET number = excluded.number, words = excluded.words
        WHERE (kept.number, kept.words) IS DISTINCT FROM (excluded.number, excluded.words);
        INSERT INTO search_words
        SELECT DISTINCT word FROM search_texts, unnest(tsvector_to_array(words)) word
        WHERE dossier_id = ANY (ids) AND word !~ '[0-9]' ORDER BY word
        ON CONFLICT DO NOTHING;
    END $$""",
    """CREATE FUNCTION forget_search_words() RETURNS trigger LANGUAGE plpgsql AS $$
    DECLARE
        gone text[] := tsvector_to_array(OLD.words);
    BEGIN
        IF TG_OP = 'UPDATE' THEN
            gone := ARRAY(SELECT unnest(gone) EXCEPT SELECT unnest(tsvector_to_array(NEW.words)));
        END IF;
        DELETE FROM search_words WHERE word = ANY (gone)
            AND NOT EXISTS (SELECT FROM search_texts WHERE words @@ word::tsquery);
        RETURN NULL;
    END $$""",
    """CREATE TRIGGER words_are_forgotten AFTER UPDATE OR DELETE ON search_texts
    FOR EACH ROW EXECUTE FUNCTION forget_search_words()""",
    """CREATE FUNCTION keep_words_of_dossiers() RETURNS trigger LANGUAGE plpgsql AS $$
    BEGIN
        PERFORM write_search_texts(ARRAY(SELECT id FROM changed));
        RETURN NULL;
    END $$""",
    """CREATE FUNCTION keep_words_of_members() RETURNS trigger LANGUAGE plpgsql AS $$
    BEGIN
        PERFORM write_search_texts(ARRAY(SELECT dossier_id FROM changed));
        RETURN NULL;
    END $$""",
    """CREATE FUNCTION keep_words_of_children() RETURNS trigger LANGUAGE plpgsql AS $$
    BEGIN
        PERFORM write_search_texts(ARRAY(SELECT dossier_id FROM dossier_children JOIN changed ON child_id = id));
        RETURN NULL;
    END $$""",
    """CREATE TRIGGER words_at_insert_new AFTER insert ON dossiers
    REFERENCING new TABLE AS changed FOR EACH STATEMENT EXECUTE FUNCTION keep_words_of_dossiers()""",
    """CREATE TRIGGER words_at_update_new AFTER update ON dossiers
    REFERENCING new TABLE AS changed FOR EACH STATEMENT EXECUTE FUNCTION keep_words_of_dossiers()""",
    """CREATE TRIGGER words_at_insert_new AFTER insert ON adults
    REFERENCING new TABLE AS changed FOR EACH STATEMENT EXECUTE FUNCTION keep_words_of_members()""",
    """CREATE TRIGGER words_at_update_new AFTER update ON adults
    REFERENCING new TABLE AS changed FOR EACH STATEMENT EXECUTE FUNCTION keep_words_of_members()""",
    """CREATE TRIGGER words_at_update_old AFTER update ON adults
    REFERENCING old TABLE AS changed FOR EACH STATEMENT EXECUTE FUNCTION keep_words_of_members()""",
    """CREATE TRIGGER words_at_delete_old AFTER delete ON adults
    REFERENCING old TABLE AS changed FOR EACH STATEMENT EXECUTE FUNCTION keep_words_of_members()""",
    """CREATE TRIGGER words_at_insert_new AFTER insert ON dossier_children
    REFERENCING new TABLE AS changed FOR EACH STATEMENT EXECUTE FUNCTION keep_words_of_members()""",
    """CREATE TRIGGER words_at_update_new AFTER update ON dossier_children
    REFERENCING new TABLE AS changed FOR EACH STATEMENT EXECUTE FUNCTION keep_words_of_members()""",
    """CREATE TRIGGER words_at_update_old AFTER update ON dossier_children
    REFERENCING old TABLE AS changed FOR EACH STATEMENT EXECUTE FUNCTION keep_words_of_members()""",
    """CREATE TRIGGER words_at_delete_old AFTER delete ON dossier_children
    REFERENCING old TABLE AS changed FOR EACH STATEMENT EXECUTE FUNCTION keep_words_of_members()""",
    """CREATE TRIGGER words_at_update_new AFTER update ON children
    REFERENCING new TABLE AS changed FOR EACH STATEMENT EXECUTE FUNCTION keep_words_of_children()""",
    "GRANT UPDATE, DELETE ON search_texts TO dossier_app",
    "GRANT DELETE ON search_words TO dossier_app",
    """CREATE TABLE health_records (
        child_id uuid CONSTRAINT pk_health_records PRIMARY KEY
            CONSTRAINT fk_health_records_child_id REFERENCES children (id),
        version integer NOT NULL,
        key_id text NOT NULL,
        sealed bytea NOT NULL,
        changed_at timestamptz NOT NULL,
        changed_by uuid NOT NULL
    )""",
    "CREATE INDEX ix_health_records_key_id ON health_records (key_id)",
    """CREATE TABLE accesses (
        id uuid CONSTRAINT pk_accesses PRIMARY KEY,
        child_id uuid NOT NULL CONSTRAINT fk_accesses_child_id REFERENCES children (id),
        at timestamptz NOT NULL,
        account_id uuid NOT NULL,
        role text NOT NULL,
        name text,
        site_id uuid,
        reason text
    )""",
    "CREATE INDEX ix_accesses_child_id_id ON accesses (child_id, id)",
    "CREATE INDEX ix_accesses_at ON accesses (at)",
    # Copies: who attends where.
    """CREATE TABLE enrolments (
        id uuid CONSTRAINT pk_enrolments PRIMARY KEY,
        version integer NOT NULL,
        child_id uuid NOT NULL,
        site_id uuid,
        valid_from date NOT NULL,
        valid_to date NOT NULL
    )""",
    "CREATE INDEX ix_enrolments_child_id ON enrolments (child_id)",
    """CREATE TABLE bookings (
        id uuid CONSTRAINT pk_bookings PRIMARY KEY,
        version integer NOT NULL,
        dossier_id uuid NOT NULL,
        status text NOT NULL,
        lines jsonb NOT NULL,
        child_ids uuid[] NOT NULL
    )""",
    "CREATE INDEX ix_bookings_child_ids ON bookings USING gin (child_ids)",
    "GRANT UPDATE, DELETE ON bookings, enrolments, health_records TO dossier_app",
    "GRANT DELETE ON accesses TO dossier_app",
)


def upgrade() -> None:
    create_plumbing("dossier_app")
    for statement in STATEMENTS:
        op.execute(statement)
