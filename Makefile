# The commands of the project; `make help` lists them. Each sets up what it needs by itself: a
# virtual environment in .venv, and in it the package and the dependency groups of pyproject.toml.

# A Python to make .venv with: the first of these that is there and new enough.
PYTHON ?= $(shell for python in python3.13 python3.12 python3.11 python3; do \
	$$python -c 'import sys; sys.exit(sys.version_info < (3, 11))' 2> /dev/null && echo $$python && break; \
	done)
VENV ?= .venv
BIN = $(VENV)/bin
# Worker processes of pytest.
WORKERS ?= auto
# Further options for pytest, as in `make test ARGS="-k router"`.
ARGS ?=
# The databases of `make demo` and `make serve`: sqlite or postgres.
DB ?= sqlite

.PHONY: help test test-mariadb bench demo serve lint types docs build clean
# The tests of one pair of databases after the other.
.NOTPARALLEL:
# Keep the stamps of installed groups, which make takes for intermediate files.
.SECONDARY:

help:
	@echo 'make demo          the example on SQLite; DB=postgres: on two PostgreSQL servers'
	@echo 'make serve         the example site, on the data of the demo'
	@echo 'make test          the tests on SQLite and on PostgreSQL; ARGS=... goes to pytest'
	@echo 'make test-mariadb  the tests on the MariaDB server that CROSSDB_MARIADB_URL names'
	@echo 'make bench         measure: ratios, with goals; ARGS=--quick, or the names of groups'
	@echo 'make lint          ruff: rules and format'
	@echo 'make types         mypy and basedpyright'
	@echo 'make docs          the documentation, in docs/_build/html'
	@echo 'make build         the source distribution and the wheel, in dist'
	@echo 'make clean         remove all that these commands made'

# Tests

# Coverage is demanded of the whole suite only, not of the tests that ARGS picks.
test: $(VENV)/.test erase-coverage pair-sqlite-sqlite pair-postgres-postgres
	@printf '\n=== Coverage of both runs ===\n'
	@$(BIN)/coverage combine --quiet
	@$(BIN)/coverage report $(if $(ARGS),--fail-under=0)

.PHONY: erase-coverage
erase-coverage: $(VENV)/.test
	@$(BIN)/coverage erase

test-mariadb: $(VENV)/.mariadb pair-postgres-mariadb pair-mariadb-sqlite pair-mariadb-mariadb

# A million rows are too many to trace, line by line: they run without coverage.
pair-%: $(VENV)/.test
	@printf '\n=== Tests: $* ===\n'
	@CROSSDB_PAIR=$* $(BIN)/coverage run -m pytest -n $(WORKERS) $(if $(ARGS),$(ARGS),-m 'not million')
	@$(if $(ARGS),,CROSSDB_PAIR=$* $(BIN)/python -m pytest -m million)

# Measuring; on a PostgreSQL of the system's, or the one that CROSSDB_POSTGRES_BIN names.

bench: $(VENV)/.bench
	@$(BIN)/python -m tests.bench $(ARGS)

# The example

demo: $(VENV)/.demo $(if $(filter postgres,$(DB)),$(VENV)/.databases)
	DEMO_DB=$(DB) $(BIN)/python example_app/manage.py demo

serve: $(VENV)/.demo $(if $(filter postgres,$(DB)),$(VENV)/.databases)
	DEMO_DB=$(DB) $(BIN)/python example_app/manage.py serve

# Checks and products

lint: $(VENV)/.lint
	$(BIN)/ruff check
	$(BIN)/ruff format --check

types: $(VENV)/.types
	$(BIN)/mypy
	$(BIN)/mypy tests/typing
	$(BIN)/basedpyright

docs: $(VENV)/.docs
	$(BIN)/sphinx-build -W -b html docs docs/_build/html

build: $(VENV)/.build
	$(BIN)/python -m build --outdir dist

clean:
	rm -rf .venv .venv-ci build dist var docs/_build .coverage .coverage.* \
		.hypothesis .mypy_cache .pytest_cache .ruff_cache

# Set-up: a stamp says that the package and one dependency group are installed.

$(VENV)/.%: pyproject.toml | $(BIN)/python
	@echo 'Installing the package and what "$*" needs ...'
	@$(BIN)/pip install --quiet --editable . --group $*
	@touch $@

$(BIN)/python:
	@test -n '$(PYTHON)' || { echo 'Python 3.11 or newer is needed; name it: make PYTHON=...'; exit 1; }
	$(PYTHON) -m venv $(VENV)
	@$(BIN)/python -m pip install --quiet --upgrade 'pip>=25.1'
