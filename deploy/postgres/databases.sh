#!/bin/bash
# At the server's first start: a database a service, with its two roles, whose passwords are those of the services' URLs.
set -euo pipefail

password() {  # of the URL in that secret
    sed -E 's|^[^:]+://[^:]+:([^@]+)@.*$|\1|' "/run/secrets/$1"
}

for service in identity dossier enrolment planning billing; do
    psql --quiet --no-psqlrc -v ON_ERROR_STOP=1 -U "$POSTGRES_USER" -d postgres \
        -v service="$service" -v owner="${service}_owner" -v app="${service}_app" \
        -v owner_password="$(password "${service}_owner_database_url")" \
        -v app_password="$(password "${service}_database_url")" <<'SQL'
CREATE ROLE :owner LOGIN PASSWORD :'owner_password';
CREATE ROLE :app LOGIN PASSWORD :'app_password';
CREATE DATABASE :service OWNER :owner;
REVOKE CONNECT ON DATABASE :service FROM PUBLIC;
GRANT CONNECT ON DATABASE :service TO :app;
\connect :service
ALTER SCHEMA public OWNER TO :owner;
REVOKE ALL ON SCHEMA public FROM PUBLIC;
GRANT USAGE ON SCHEMA public TO :app;
SQL
done
