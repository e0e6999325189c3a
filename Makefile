# Every target sets up what it needs: Python 3.12 or newer and make are enough.
.DEFAULT_GOAL := help
.DELETE_ON_ERROR:
MAKEFLAGS += --no-print-directory

PORT ?= 8000
STORE ?= sql
BASE ?= origin/main
FUZZ_SECONDS ?= 1800
NEWEST ?= 3.15
NEWEST_SUITES ?= libs/framework-m-core/tests libs/framework-m-standard/tests tests/journeys/test_todo.py
BIN := .venv/bin
PYTEST := $(BIN)/pytest -n 2 --dist loadgroup
PROJECTS := $(wildcard libs/*/pyproject.toml)
PACKAGES := $(PROJECTS:/pyproject.toml=)
SUITES = $(wildcard tests libs/*/tests examples/*/tests)
export PORT

# Another PYTHON than the environment's: set up anew.
ifneq ($(PYTHON),)
_ := $(shell scripts/setup.sh matches || rm -f .venv/.environment)
endif

.PHONY: help setup run test test-all test-quick isolation test-newest fuzz lint hooks reference contracts-table guards bench bench-micro build packages lock clean

help: ## show this list
	@sed -n 's/^\([a-z-]*\):.*## \(.*\)/  make \1\t\2/p' Makefile | expand -t 20

setup: .venv/.workspace ## bring uv and Python packages into .tools and .venv
	@:

.venv/.environment: requirements.lock scripts/setup.sh
	scripts/setup.sh environment
	@touch $@

.venv/.workspace: .venv/.environment $(PROJECTS)
	scripts/setup.sh workspace
	@touch $@

run: setup ## serve the example CRM with demo data; PORT and DATABASE_URL are honoured, STORE=mongo is MongoDB
ifeq ($(filter $(STORE),sql mongo),)
	$(error STORE=$(STORE): expected sql or mongo)
else ifeq ($(STORE),mongo)
	@exec $(BIN)/python -m scripts.run_on_mongo $(PORT)
else
	@cd examples/crm && PYTHONPATH=src ../../$(BIN)/python -m crm.demo && exec ../../$(BIN)/m start --port $(PORT)
endif

test: setup ## every test but the slow ones; ARGS are handed to pytest
	$(PYTEST) -m 'not slow' $(SUITES) $(ARGS)

test-all: setup ## every test: processes, installed wheels, upgrades and long proofs too
	$(PYTEST) $(SUITES) $(ARGS)

test-quick: setup ## the suites of what differs from BASE (origin/main), without the slow tests
	suites=$$($(BIN)/python scripts/changed_suites.py $(BASE)) && $(PYTEST) -m 'not slow' $$suites $(ARGS)

isolation: setup ## each wheel alone in a clean environment, with each extra, and packages by others; SUITE is one file of these
	$(PYTEST) tests/isolation$(if $(SUITE),/test_$(SUITE).py) $(ARGS)

test-newest: ## core, standard and a journey on PYTHON, else a fetched NEWEST, with the newest releases of dependencies
	PYTHON="$${PYTHON:-$$(scripts/fetch_python.sh $(NEWEST))}" scripts/setup.sh newest
	.tools/newest/bin/pytest -n 2 --dist loadgroup -m 'not slow' $(NEWEST_SUITES) $(ARGS)

fuzz: setup ## random apps and values for FUZZ_SECONDS (1800) each; FUZZ_SEED repeats a failure
	FUZZ_SECONDS=$(FUZZ_SECONDS) $(PYTEST) tests/fuzz -k 'random or generated' \
		--timeout $$(($(FUZZ_SECONDS) + 300)) $(ARGS)

lint: setup ## style, types, layers and lock files
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	@for tests in $(wildcard libs/*/tests); do \
		MYPYPATH=$${tests%/tests} $(BIN)/mypy $$tests || exit 1; \
	done
	$(BIN)/basedpyright
	$(BIN)/lint-imports
	$(BIN)/pytest -q tests/architecture/test_lock_files.py

hooks: setup ## lint before each commit of this clone
	$(BIN)/pre-commit install

reference: setup ## write the pages of docs/reference that are made from the code
	$(BIN)/python -m scripts.reference

contracts-table: setup ## run the contracts on every adapter, and write docs/reference/contracts.md from what they gave
	$(PYTEST) $$(grep -rlE '^class \w+\(\w+Contract\)' libs/framework-m-standard/tests libs/framework-mx-*/tests --include='*.py') \
		--contracts-report .tools/contracts.json $(ARGS)
	$(BIN)/python -m scripts.contracts_table .tools/contracts.json

guards: setup ## take each security guard out in turn; its test must fail
	$(BIN)/python scripts/check_guards.py $(ARGS)

bench: setup ## measure what the performance page promises; ARGS are handed on
	$(BIN)/python -m benchmarks $(ARGS)

bench-micro: setup ## measure single steps of a request and of a start
	$(BIN)/python -m benchmarks --only micro $(ARGS)

build: setup ## wheels of all packages into dist/
	rm -rf dist
	@for package in $(PACKAGES); do \
		$(BIN)/python -m build --no-isolation --wheel --outdir dist $$package || exit 1; \
	done

packages: build ## our wheels and all that they need, for another machine, in dist/packages; ARGS are --platform and --python-version
	scripts/setup.sh tool .tools/pip pip
	PYTHONPATH=.tools/pip $(BIN)/python scripts/collect_packages.py $(ARGS)

lock: ## lock anew: uv.lock stays here, requirements.lock is committed
	scripts/setup.sh lock

clean: ## remove what set-up and builds made
	rm -rf frontend/node_modules frontend/packages/*/dist frontend/*.tgz
	rm -rf .venv .tools dist .mypy_cache .ruff_cache .pytest_cache .import_linter_cache
