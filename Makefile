# Every chore of the project, one word each.
.DEFAULT_GOAL := help
.PHONY: help setup demo run test check lab bench screens revision lock secrets compose-demo
SHELL := /bin/bash
PYTHON ?= python3
UV := .tools/bin/uv
PARTS := $(patsubst %/pyproject.toml,%,$(wildcard libs/*/pyproject.toml services/*/pyproject.toml gateway/pyproject.toml web/pyproject.toml))
export UV_PYTHON_DOWNLOADS := never
export UV_LINK_MODE := copy

help: ## list the chores
	@grep -hE '^[a-z-]+:.*## ' $(MAKEFILE_LIST) | sed -E 's/:.*## /\t/' | expand -t 14

setup: .venv/.ready ## install everything that is missing: Python packages, PostgreSQL, RabbitMQ, Chromium
	@.venv/bin/python -m deploy.local install

demo: setup ## start the whole stack, play both acts of a family, stop
	@.venv/bin/python -m deploy.local demo

run: setup ## start the whole stack and keep it up until Ctrl-C
	@.venv/bin/python -m deploy.local run

# In the order of `testpaths`, whole stacks first: what is long at the end would leave one process waiting for the other.
test: setup ## run every test on real PostgreSQL and RabbitMQ, in two processes with servers of their own
	@.venv/bin/pytest --numprocesses 2 --dist loadfile --no-loadscope-reorder

# Types: modules by their full place (services.billing.tests.x), so that no folder's helper is taken for another's.
check: setup ## lint, types, dependencies between parts, generated files, migrations
	@.venv/bin/ruff check .
	@.venv/bin/ruff format --check .
	@.venv/bin/mypy -m conftest $(foreach module,deploy tests $(notdir $(PARTS)) $(addsuffix .tests,$(subst /,.,$(filter-out gateway web,$(PARTS)))),-p $(module))
	@.venv/bin/mypy gateway/tests
	@.venv/bin/mypy web/tests
	@.venv/bin/lint-imports
	@.venv/bin/check-jsonschema --quiet --builtin-schema vendor.compose-spec docker-compose.yml
	@.venv/bin/hadolint deploy/Dockerfile
	@.venv/bin/python -m deploy.local check

lab: setup ## run at length what the suite has short: races, orders of events, any input
	@.venv/bin/pytest -m lab tests/lab

bench: setup ## measure what is promised of speed, against the same work done plainly; keep it in docs/benchmarks.md
	@.venv/bin/python -m tests.lab.bench

screens: setup ## keep a picture of each page in docs/screens
	@mkdir -p docs/screens
	@SCREENS=docs/screens .venv/bin/pytest --quiet web/tests tests/pages

secrets: .venv/.ready ## make the secrets of an installation in containers, in .secrets
	@.venv/bin/python -m deploy.containers secrets

compose-demo: .venv/.ready ## build the containers, play the first journey on them while a worker dies, take them down
	@.venv/bin/python -m deploy.containers demo

revision: setup ## draft the statements that a migration needs, from what the models now declare
	@.venv/bin/python -m deploy.local revision

lock: $(UV) ## pin every dependency again, with hashes
	$(UV) pip compile --universal --generate-hashes --no-header --no-annotate --python-version 3.11 --upgrade --quiet \
		$(PARTS:%=%/pyproject.toml) --group pyproject.toml:dev --output-file requirements.lock

$(UV):
	@$(PYTHON) -c 'import ensurepip, venv' 2>/dev/null || { [ "$$(id -u)" = 0 ] && command -v apt-get >/dev/null \
		&& apt-get update -qq && apt-get install -y -qq --no-install-recommends python3-venv; } \
		|| { echo "Python's venv module is missing: install it (Debian: apt-get install python3-venv)." >&2; exit 1; }
	@$(PYTHON) -m venv .tools
	@.tools/bin/python -m pip install --quiet --disable-pip-version-check uv==0.13.9

# --no-build-isolation: the build backend is in the lock too, so nothing is installed without a hash.
.venv/.ready: $(UV) requirements.lock $(PARTS:%=%/pyproject.toml)
	@test -x .venv/bin/python || $(UV) venv --quiet --python "$$($(PYTHON) -c 'import sys; print(sys.executable)')" .venv
	@$(UV) pip sync --quiet --require-hashes requirements.lock
	@$(UV) pip install --quiet --no-deps --no-build-isolation $(PARTS:%=-e ./%)
	@env -u PYTHONDONTWRITEBYTECODE .venv/bin/python -m compileall -q -j 2 .venv/lib libs services gateway web deploy >/dev/null || true
	@touch $@
