# `make` prints its targets. Everything runs in .venv, from locked dependencies with hashes.

PYTHON ?= $(shell command -v python3.11 || command -v python3)
BIN := .venv/bin
DATA ?= data
ARGS ?=

.DEFAULT_GOAL := help
.PHONY: help demo serve test check bench docs vendor screenshots lock clean

help: ## print the targets
	@awk -F ':.*## ' '/^[a-z]+:.*## / { printf "  make %-12s %s\n", $$1, $$2 }' $(MAKEFILE_LIST)

demo: .venv/run.stamp ## a demo company in $(DATA), and the program serving it
	$(BIN)/crm --data $(DATA) demo $(ARGS)

serve: .venv/run.stamp ## serve what is in $(DATA)
	$(BIN)/crm --data $(DATA) serve $(ARGS)

test: .venv/dev.stamp ## all tests that this machine can run
	$(BIN)/python -m pytest -q -n 2 --dist loadfile -p tests.required $(ARGS)

check: .venv/dev.stamp ## format, lint, types, import contracts
	$(BIN)/ruff format --check .
	$(BIN)/ruff check .
	$(BIN)/mypy
	$(BIN)/lint-imports

bench: .venv/dev.stamp ## measure; ONLY=<group> for one group
	$(BIN)/python -m tests.benchmarks $(if $(ONLY),--only $(ONLY))

docs: .venv/dev.stamp ## write the generated pages anew
	$(BIN)/python -m api.document_events
	$(BIN)/python -m api.document_messages
	$(BIN)/python -m projections.analytics.document > docs/metrics.md
	$(BIN)/python -m commands.importing > docs/importing.schema.json

vendor: .venv/dev.stamp ## fetch the pinned web files and verify their hashes (needs npm)
	$(BIN)/python -m api.web.vendor

screenshots: .venv/dev.stamp ## the pages as pictures, into docs/screens (needs Chromium)
	$(BIN)/python -m tests.web.screenshots

lock: .venv/dev.stamp ## pin the dependencies anew
	$(BIN)/uv pip compile -q --upgrade --generate-hashes --no-emit-index-url --no-header --universal pyproject.toml --group build -o requirements.txt
	$(BIN)/uv pip compile -q --upgrade --generate-hashes --no-emit-index-url --no-header --universal pyproject.toml --group dev -o requirements-dev.txt

clean: ## remove what the build made; data stays
	rm -rf .venv build dist .mypy_cache .ruff_cache .pytest_cache .hypothesis .import_linter_cache

.venv/bin/python:
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' \
		|| { echo "Rapport needs Python 3.11 or newer; PYTHON=/path/to/python names another one."; exit 1; }
	$(PYTHON) -m venv .venv

.venv/run.stamp: .venv/bin/python requirements.txt
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --require-hashes -r requirements.txt
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --no-deps --no-build-isolation -e .
	@touch $@

.venv/dev.stamp: .venv/bin/python requirements-dev.txt
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --require-hashes -r requirements-dev.txt
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --no-deps --no-build-isolation -e .
	@touch $@ .venv/run.stamp
