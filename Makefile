# Everything that people do here. `make demo` and `make test` set up all they need in .venv; a second call takes seconds.
# Needed: Linux, make, Python 3.11 or newer, a package index. Where `uv` is there it is used, for speed.

PYTHON ?= $(shell for p in python3 python3.14 python3.13 python3.12 python3.11; do \
	$$p -c 'import sys; sys.exit(sys.version_info < (3, 11))' 2>/dev/null && echo $$p && break; done)
UV ?= $(shell command -v uv 2>/dev/null)
BIN := .venv/bin
WORKERS ?= 2
# Being measured costs time: diaries of rules and campaigns show nothing that isn't measured elsewhere, and the laws bound
# CPU time.
LAWS := tests/unit/rulebook/test_laws.py
MEASURED := tests/unit tests/contract tests/simulation tests/acceptance --ignore=$(LAWS)
DIARIES := tests/language tests/ruletests tests/chaos $(LAWS)
ARGS ?=

.DEFAULT_GOAL := help
.PHONY: help demo test lint format types docs unit api bench chaos lock clean setup setup-dev
MAKEFLAGS += --no-print-directory
.DELETE_ON_ERROR:

help: ## what there is
	@awk -F ':.*## ' '/^[a-z-]+:.*## / {printf "  make %-10s %s\n", $$1, $$2}' $(MAKEFILE_LIST)
	@printf '\n  make demo ARGS="--json --days 60 --seed 7"    make unit ARGS="tests/unit/facts -k money"\n'

demo: .venv/.runtime ## a studio that lives, 60 days in a minute; ARGS="--help" tells what can be set
	@$(BIN)/selftimer demo $(ARGS)

test: .venv/.dev lint docs ## all that is checked: format, lint, types, import rules, docs, tests with coverage
	@$(BIN)/python -m pytest -n $(WORKERS) --dist worksteal --cov --cov-report=term $(ARGS) $(MEASURED)
	@$(BIN)/python -m pytest -n $(WORKERS) --dist worksteal $(ARGS) $(DIARIES)

lint: .venv/.dev types ## format, lint, types, import rules; changes nothing
	@$(BIN)/ruff format --check --quiet . || { echo "Some files aren't formatted: run 'make format'" >&2; exit 1; }
	@$(BIN)/ruff check --quiet .
	@said=$$($(BIN)/lint-imports --no-logo 2>&1) || { echo "$$said" >&2; exit 1; }

types: .venv/.dev ## mypy, strict
	@$(BIN)/mypy

format: .venv/.dev ## format, and mend what ruff can mend
	@$(BIN)/ruff format .
	@$(BIN)/ruff check --fix .

docs: .venv/.dev ## the documentation as a site in site/
	@NO_MKDOCS_2_WARNING=1 $(BIN)/mkdocs build --strict --quiet

unit: .venv/.dev ## tests without coverage; ARGS choose which
	@$(BIN)/python -m pytest -n $(WORKERS) --dist worksteal $(ARGS)

api: .venv/.dev ## the sandbox against its description, minutes instead of seconds; ROUNDS=1000 for hours
	@API_ROUNDS=$(or $(ROUNDS),150) $(BIN)/python -m pytest -n $(WORKERS) --timeout 0 tests/contract/test_sandbox_described.py $(ARGS)

bench: .venv/.dev ## measurements, in bench/results/
	@$(BIN)/python -m bench $(ARGS)

chaos: .venv/.dev ## crashes, faults, hostile input: a night's campaigns, an hour; RELEASE=1 for a day; ARGS="--only kill"
	@$(BIN)/python -m chaos --column $(if $(RELEASE),release,night) --report $(ARGS)

# --- set-up ----------------------------------------------------------------------------------------------------------
# A stamp says which lock .venv was filled from. The checkout itself comes last, with no build isolation: the lock holds
# the build backend too, so that nothing is fetched that isn't pinned.

setup: .venv/.runtime ## .venv with what running needs
setup-dev: .venv/.dev ## .venv with what working here needs

.venv/.runtime: requirements.lock pyproject.toml | .venv/pyvenv.cfg
	@$(call install,requirements.lock)
	@touch $@

.venv/.dev: requirements-dev.lock pyproject.toml | .venv/pyvenv.cfg
	@$(call install,requirements-dev.lock)
	@touch .venv/.runtime $@

.venv/pyvenv.cfg:
	@test -n '$(PYTHON)' || { echo 'Python 3.11 or newer is needed; say where it is: make PYTHON=/path/to/python3' >&2; exit 1; }
	@$(PYTHON) -m venv .venv || { rm -rf .venv; \
		echo "python3's venv is missing; on Debian and Ubuntu: apt-get install python3-venv" >&2; exit 1; }

# $(1) the lock. What is said goes to stderr: `make demo ARGS=--json` writes JSON to stdout and nothing else.
define install
echo 'Installing $(1) into .venv' >&2; \
if test -n '$(UV)' \
	&& $(UV) pip install --quiet --python $(BIN)/python --require-hashes -r $(1) \
	&& $(UV) pip install --quiet --python $(BIN)/python --no-deps --no-build-isolation -e .; then :; else \
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --require-hashes -r $(1) >&2 \
	&& $(BIN)/python -m pip install --quiet --disable-pip-version-check --no-deps --no-build-isolation -e . >&2; fi
endef

# --- upkeep ----------------------------------------------------------------------------------------------------------
# One resolution for every Python and machine, with hashes and without a word on where packages come from. Extras stand
# in it: given `coverage==1` alone, an older pip looks for the newest `coverage[toml]` and then misses its hash.

COMPILE = $(or $(UV),.venv/lock/bin/uv) pip compile --quiet --universal --generate-hashes --no-strip-extras --python-version 3.11 --no-header

lock: $(if $(UV),,.venv/lock/bin/uv) ## the lock files anew; ARGS=--upgrade for newer versions
	@$(COMPILE) $(ARGS) --group dev pyproject.toml -o requirements-dev.lock
	@$(COMPILE) --group build -c requirements-dev.lock pyproject.toml -o requirements.lock

.venv/lock/bin/uv: | .venv/pyvenv.cfg
	@$(PYTHON) -m venv .venv/lock && .venv/lock/bin/python -m pip install --quiet uv

clean: ## remove what was made; .selftimer, a workspace's state, stays
	@rm -rf .venv site dist build .mypy_cache .ruff_cache .pytest_cache .import_linter_cache .hypothesis .coverage .coverage.*
	@find . -name __pycache__ -type d -prune -exec rm -rf {} +
