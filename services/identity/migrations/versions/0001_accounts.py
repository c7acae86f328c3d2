"""Accounts, claims, devices, sessions, clients, tries and notices."""

from alembic import op
from chassis.migrations import create_plumbing

revision = "0001"
down_revision = None

STATEMENTS = (
    """CREATE TABLE accounts (
        id uuid CONSTRAINT pk_accounts PRIMARY KEY,
        version integer NOT NULL,
        status text NOT NULL
            CONSTRAINT ck_accounts_status CHECK (status IN ('pending', 'active', 'suspended', 'closed')),
        role text NOT NULL,
        username text NOT NULL,
        username_key text NOT NULL,
        password_hash text,
        first_name text NOT NULL,
        last_name text NOT NULL,
        email text NOT NULL,
        email_key text NOT NULL,
        dossier_id uuid,
        guardian_id uuid,
        site_ids uuid[] NOT NULL,
        regies text[] NOT NULL,
        totp_secret text,
        totp_last_step bigint,
        pin_hash text,
        activation_expires_at timestamptz,
        suspended_at timestamptz,
        created_at timestamptz NOT NULL,
        CONSTRAINT ck_accounts_guardian_of_dossier
            CHECK ((role = 'guardian') = (guardian_id IS NOT NULL AND dossier_id IS NOT NULL)),
        CONSTRAINT ck_accounts_second_factor
            CHECK (CASE WHEN status = 'closed' THEN coalesce(password_hash, pin_hash, totp_secret) IS NULL
                   WHEN role = 'guardian' THEN password_hash IS NOT NULL
                   WHEN role = 'site_staff' THEN pin_hash IS NOT NULL AND password_hash IS NULL
                   WHEN status = 'pending' THEN coalesce(password_hash, pin_hash, totp_secret) IS NULL
                   ELSE totp_secret IS NOT NULL AND password_hash IS NOT NULL END),
        CONSTRAINT ck_accounts_suspended CHECK ((status = 'suspended') = (suspended_at IS NOT NULL))
    )""",
    "CREATE UNIQUE INDEX uq_accounts_username_key ON accounts (username_key)",
    "CREATE UNIQUE INDEX uq_accounts_active_guardian_id ON accounts (guardian_id) WHERE status = 'active'",
    "CREATE INDEX ix_accounts_guardian_id ON accounts (guardian_id)",
    "CREATE INDEX ix_accounts_email_key ON accounts (email_key)",
    "CREATE INDEX ix_accounts_dossier_id ON accounts (dossier_id)",
    "CREATE INDEX ix_accounts_activation_expires_at ON accounts (activation_expires_at) WHERE status = 'pending'",
    """CREATE TABLE totp_enrolments (
        account_id uuid CONSTRAINT pk_totp_enrolments PRIMARY KEY
            CONSTRAINT fk_totp_enrolments_account_id REFERENCES accounts ON DELETE CASCADE,
        secret text NOT NULL,
        expires_at timestamptz NOT NULL
    )""",
    "CREATE INDEX ix_totp_enrolments_expires_at ON totp_enrolments (expires_at)",
    """CREATE TABLE recovery_codes (
        account_id uuid CONSTRAINT fk_recovery_codes_account_id REFERENCES accounts ON DELETE CASCADE,
        digest bytea,
        CONSTRAINT pk_recovery_codes PRIMARY KEY (account_id, digest)
    )""",
    """CREATE TABLE activation_links (
        digest bytea CONSTRAINT pk_activation_links PRIMARY KEY,
        account_id uuid NOT NULL CONSTRAINT fk_activation_links_account_id REFERENCES accounts ON DELETE CASCADE,
        expires_at timestamptz NOT NULL
    )""",
    "CREATE INDEX ix_activation_links_account_id ON activation_links (account_id)",
    "CREATE INDEX ix_activation_links_expires_at ON activation_links (expires_at)",
    """CREATE TABLE legal_texts (
        kind text CONSTRAINT ck_legal_texts_kind CHECK (kind IN ('terms', 'privacy')),
        version text,
        title text NOT NULL,
        text text NOT NULL,
        published_at timestamptz NOT NULL,
        CONSTRAINT pk_legal_texts PRIMARY KEY (kind, version)
    )""",
    """CREATE TABLE acceptances (
        account_id uuid,
        kind text,
        version text,
        accepted_at timestamptz NOT NULL,
        CONSTRAINT pk_acceptances PRIMARY KEY (account_id, kind, version)
    )""",
    """CREATE TABLE town (
        only_row boolean CONSTRAINT pk_town PRIMARY KEY CONSTRAINT ck_town_only_row CHECK (only_row),
        name text NOT NULL,
        password_policy text NOT NULL
            CONSTRAINT ck_town_password_policy CHECK (password_policy IN ('guide', 'cnil')),
        desk_name text NOT NULL,
        desk_address text NOT NULL,
        desk_phone text NOT NULL
    )""",
    """CREATE TABLE dossiers (
        dossier_id uuid CONSTRAINT pk_dossiers PRIMARY KEY,
        version integer NOT NULL,
        number text NOT NULL,
        guardians jsonb NOT NULL,
        address jsonb
    )""",
    "CREATE INDEX ix_dossiers_number ON dossiers (number)",
    "CREATE INDEX ix_dossiers_guardians ON dossiers USING gin (guardians jsonb_path_ops)",
    """CREATE TABLE claims (
        digest bytea CONSTRAINT pk_claims PRIMARY KEY,
        dossier_id uuid NOT NULL,
        guardian_id uuid NOT NULL,
        email text,
        expires_at timestamptz NOT NULL,
        used_at timestamptz
    )""",
    """CREATE TABLE link_requests (
        id uuid CONSTRAINT pk_link_requests PRIMARY KEY,
        version integer NOT NULL,
        status text NOT NULL
            CONSTRAINT ck_link_requests_status CHECK (status IN ('waiting', 'accepted', 'refused')),
        dossier_number text,
        first_name text NOT NULL,
        last_name text NOT NULL,
        email text NOT NULL,
        created_at timestamptz NOT NULL,
        guardian_id uuid,
        reason text,
        decided_by uuid,
        decided_at timestamptz,
        CONSTRAINT ck_link_requests_decided CHECK (
            (status <> 'waiting') = (decided_at IS NOT NULL AND decided_by IS NOT NULL AND reason IS NOT NULL)),
        CONSTRAINT ck_link_requests_accepted_for_a_guardian
            CHECK ((status = 'accepted') = (guardian_id IS NOT NULL))
    )""",
    """CREATE UNIQUE INDEX uq_link_requests_asked ON link_requests (dossier_number, last_name, first_name, email)
        NULLS NOT DISTINCT WHERE status = 'waiting'""",
    """CREATE TABLE dossier_requests (
        id uuid CONSTRAINT pk_dossier_requests PRIMARY KEY,
        version integer NOT NULL,
        status text NOT NULL
            CONSTRAINT ck_dossier_requests_status CHECK (status IN ('waiting', 'accepted', 'refused')),
        digest bytea NOT NULL,
        first_name text NOT NULL,
        last_name text NOT NULL,
        email text NOT NULL,
        phone text,
        address jsonb NOT NULL,
        children jsonb NOT NULL,
        message text,
        created_at timestamptz NOT NULL,
        dossier_id uuid,
        reason text,
        decided_by uuid,
        decided_at timestamptz,
        CONSTRAINT ck_dossier_requests_decided CHECK (
            (status <> 'waiting') = (decided_at IS NOT NULL AND decided_by IS NOT NULL AND reason IS NOT NULL)),
        CONSTRAINT ck_dossier_requests_accepted_with_a_dossier
            CHECK ((status = 'accepted') = (dossier_id IS NOT NULL))
    )""",
    "CREATE UNIQUE INDEX uq_dossier_requests_digest ON dossier_requests (digest) WHERE status = 'waiting'",
    """CREATE TABLE devices (
        id uuid CONSTRAINT pk_devices PRIMARY KEY,
        site_id uuid NOT NULL,
        name text NOT NULL,
        digest bytea NOT NULL,
        created_at timestamptz NOT NULL
    )""",
    "CREATE UNIQUE INDEX uq_devices_digest ON devices (digest)",
    """CREATE TABLE sessions (
        id uuid CONSTRAINT pk_sessions PRIMARY KEY,
        account_id uuid NOT NULL CONSTRAINT fk_sessions_account_id REFERENCES accounts ON DELETE CASCADE,
        device_id uuid CONSTRAINT fk_sessions_device_id REFERENCES devices ON DELETE CASCADE,
        generation integer NOT NULL,
        rotated_at timestamptz NOT NULL,
        created_at timestamptz NOT NULL,
        expires_at timestamptz NOT NULL
    )""",
    "CREATE INDEX ix_sessions_expires_at ON sessions (expires_at)",
    "CREATE INDEX ix_sessions_account_id ON sessions (account_id)",
    "CREATE INDEX ix_sessions_device_id ON sessions (device_id)",
    """CREATE TABLE passkeys (
        id uuid CONSTRAINT pk_passkeys PRIMARY KEY,
        account_id uuid NOT NULL CONSTRAINT fk_passkeys_account_id REFERENCES accounts ON DELETE CASCADE,
        name text NOT NULL,
        credential_id bytea NOT NULL,
        public_key bytea NOT NULL,
        used bigint NOT NULL,
        created_at timestamptz NOT NULL,
        used_at timestamptz
    )""",
    "CREATE UNIQUE INDEX uq_passkeys_credential_id ON passkeys (credential_id)",
    "CREATE INDEX ix_passkeys_account_id ON passkeys (account_id)",
    """CREATE TABLE passkey_challenges (
        challenge bytea CONSTRAINT pk_passkey_challenges PRIMARY KEY,
        account_id uuid CONSTRAINT fk_passkey_challenges_account_id REFERENCES accounts ON DELETE CASCADE,
        expires_at timestamptz NOT NULL
    )""",
    "CREATE INDEX ix_passkey_challenges_expires_at ON passkey_challenges (expires_at)",
    """CREATE TABLE signing_keys (
        kid text CONSTRAINT pk_signing_keys PRIMARY KEY,
        sealed text NOT NULL,
        signs_from timestamptz NOT NULL,
        ends_at timestamptz
    )""",
    """CREATE TABLE reset_links (
        digest bytea CONSTRAINT pk_reset_links PRIMARY KEY,
        account_id uuid NOT NULL CONSTRAINT fk_reset_links_account_id REFERENCES accounts ON DELETE CASCADE,
        expires_at timestamptz NOT NULL
    )""",
    "CREATE INDEX ix_reset_links_account_id ON reset_links (account_id)",
    "CREATE INDEX ix_reset_links_expires_at ON reset_links (expires_at)",
    """CREATE TABLE email_changes (
        account_id uuid CONSTRAINT pk_email_changes PRIMARY KEY
            CONSTRAINT fk_email_changes_account_id REFERENCES accounts ON DELETE CASCADE,
        digest bytea NOT NULL,
        email text NOT NULL,
        expires_at timestamptz NOT NULL
    )""",
    "CREATE UNIQUE INDEX uq_email_changes_digest ON email_changes (digest)",
    "CREATE INDEX ix_email_changes_expires_at ON email_changes (expires_at)",
    """CREATE TABLE clients (
        id uuid CONSTRAINT pk_clients PRIMARY KEY,
        name text NOT NULL,
        scope text NOT NULL,
        created_at timestamptz NOT NULL
    )""",
    "CREATE UNIQUE INDEX uq_clients_name ON clients (name)",
    """CREATE TABLE client_secrets (
        id uuid CONSTRAINT pk_client_secrets PRIMARY KEY,
        client_id uuid NOT NULL CONSTRAINT fk_client_secrets_client_id REFERENCES clients ON DELETE CASCADE,
        hash text NOT NULL,
        created_at timestamptz NOT NULL,
        expires_at timestamptz
    )""",
    "CREATE INDEX ix_client_secrets_client_id ON client_secrets (client_id)",
    "CREATE INDEX ix_client_secrets_expires_at ON client_secrets (expires_at)",
    """CREATE TABLE sites (
        id uuid CONSTRAINT pk_sites PRIMARY KEY,
        version integer NOT NULL,
        code text NOT NULL,
        kind text NOT NULL,
        name text NOT NULL
    )""",
    """CREATE TABLE regies (
        id uuid CONSTRAINT pk_regies PRIMARY KEY,
        version integer NOT NULL,
        code text NOT NULL,
        name text NOT NULL
    )""",
    """CREATE TABLE tries (
        key bytea CONSTRAINT pk_tries PRIMARY KEY,
        tried integer NOT NULL,
        ends_at timestamptz NOT NULL
    )""",
    """CREATE TABLE known_addresses (
        owner_id uuid,
        digest bytea,
        seen_at timestamptz NOT NULL,
        CONSTRAINT pk_known_addresses PRIMARY KEY (owner_id, digest)
    )""",
    "CREATE INDEX ix_known_addresses_seen_at ON known_addresses (seen_at)",
    """CREATE TABLE lanes (
        key bytea CONSTRAINT pk_lanes PRIMARY KEY,
        wrong integer NOT NULL,
        next_at timestamptz NOT NULL,
        busy_until timestamptz NOT NULL,
        ends_at timestamptz NOT NULL
    )""",
    """CREATE TABLE tickets (
        id uuid CONSTRAINT pk_tickets PRIMARY KEY,
        lane bytea NOT NULL,
        network bytea NOT NULL,
        rank integer NOT NULL,
        seen_at timestamptz NOT NULL
    )""",
    "CREATE INDEX ix_tickets_lane ON tickets (lane)",
    """CREATE TABLE notices (
        id uuid CONSTRAINT pk_notices PRIMARY KEY,
        version integer NOT NULL,
        notice_id uuid NOT NULL,
        status text NOT NULL CONSTRAINT ck_notices_status CHECK (
            status IN ('to_send', 'sent', 'to_print', 'printed', 'undeliverable')),
        dossier_id uuid,
        guardian_id uuid,
        account_id uuid,
        to_desk boolean NOT NULL,
        email text,
        title text NOT NULL,
        paragraphs jsonb NOT NULL,
        link text,
        attempts integer NOT NULL,
        next_at timestamptz NOT NULL,
        created_at timestamptz NOT NULL,
        printed_at timestamptz,
        CONSTRAINT ck_notices_has_address CHECK (status <> 'to_send' OR to_desk OR email IS NOT NULL),
        CONSTRAINT ck_notices_letter_to_a_dossier
            CHECK (status NOT IN ('to_print', 'printed') OR dossier_id IS NOT NULL),
        CONSTRAINT ck_notices_printed CHECK ((status = 'printed') = (printed_at IS NOT NULL))
    )""",
    "CREATE UNIQUE INDEX uq_notices_notice_id_email ON notices (notice_id, email) NULLS NOT DISTINCT",
    "CREATE INDEX ix_notices_next_at ON notices (next_at) WHERE status = 'to_send'",
    "CREATE INDEX ix_notices_to_print ON notices (id) WHERE status = 'to_print'",
    "CREATE INDEX ix_notices_account_id ON notices (account_id)",
    """CREATE TABLE print_runs (
        id uuid CONSTRAINT pk_print_runs PRIMARY KEY,
        notice_ids uuid[] NOT NULL,
        made_by uuid NOT NULL,
        made_at timestamptz NOT NULL
    )""",
    "CREATE INDEX ix_print_runs_made_at ON print_runs (made_at)",
    """CREATE TABLE messages (
        id uuid CONSTRAINT pk_messages PRIMARY KEY,
        account_id uuid NOT NULL CONSTRAINT fk_messages_account_id REFERENCES accounts ON DELETE CASCADE,
        notice_id uuid NOT NULL,
        title text NOT NULL,
        paragraphs jsonb NOT NULL,
        link text,
        created_at timestamptz NOT NULL,
        read_at timestamptz
    )""",
    "CREATE UNIQUE INDEX uq_messages_account_id_notice_id ON messages (account_id, notice_id)",
    "CREATE INDEX ix_messages_account_id_id ON messages (account_id, id)",
    "CREATE INDEX ix_messages_created_at ON messages (created_at)",
    """CREATE TABLE desk_notices (
        id uuid CONSTRAINT pk_desk_notices PRIMARY KEY,
        dossier_id uuid,
        title text NOT NULL,
        paragraphs jsonb NOT NULL,
        created_at timestamptz NOT NULL,
        done_at timestamptz,
        done_by uuid,
        done_by_name text,
        CONSTRAINT ck_desk_notices_done CHECK ((done_at IS NULL) = (done_by IS NULL))
    )""",
    "CREATE INDEX ix_desk_notices_waiting ON desk_notices (id) WHERE done_at IS NULL",
    """CREATE TABLE unwanted_mails (
        account_id uuid CONSTRAINT fk_unwanted_mails_account_id REFERENCES accounts ON DELETE CASCADE,
        category text,
        CONSTRAINT pk_unwanted_mails PRIMARY KEY (account_id, category)
    )""",
    """GRANT UPDATE, DELETE ON accounts, activation_links, claims, client_secrets, clients, desk_notices,
    devices, dossier_requests, email_changes, known_addresses, lanes, link_requests, messages, notices, passkeys,
    print_runs, reset_links, sessions, signing_keys, tickets, totp_enrolments, tries TO identity_app""",
    "GRANT DELETE ON passkey_challenges, recovery_codes, unwanted_mails TO identity_app",
    # What is erased with those of whom it speaks.
    "GRANT DELETE ON dossiers TO identity_app",
    "GRANT UPDATE ON dossiers, regies, sites TO identity_app",
)


def upgrade() -> None:
    create_plumbing("identity_app")
    for statement in STATEMENTS:
        op.execute(statement)
