# Every target sets up what it needs: Python 3.12 or 3.13 and make are enough.
.DEFAULT_GOAL := help
.DELETE_ON_ERROR:
MAKEFLAGS += --no-print-directory

PORT ?= 8000
BASE ?= origin/main
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

.PHONY: help setup run test test-all test-quick lint hooks reference guards bench bench-micro build lock clean

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

run: setup ## serve the example CRM with demo data; PORT and DATABASE_URL are honoured
	@cd examples/crm && PYTHONPATH=src ../../$(BIN)/python -m crm.demo && exec ../../$(BIN)/m start --port $(PORT)

test: setup ## every test but the slow ones; ARGS are handed to pytest
	$(PYTEST) -m 'not slow' $(SUITES) $(ARGS)

test-all: setup ## every test: processes, installed wheels, upgrades and long proofs too
	$(PYTEST) $(SUITES) $(ARGS)

test-quick: setup ## the suites of what differs from BASE (origin/main), without the slow tests
	suites=$$($(BIN)/python scripts/changed_suites.py $(BASE)) && $(PYTEST) -m 'not slow' $$suites $(ARGS)

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

lock: ## lock anew: uv.lock stays here, requirements.lock is committed
	scripts/setup.sh lock

clean: ## remove what set-up and builds made
	rm -rf .venv .tools dist .mypy_cache .ruff_cache .pytest_cache .import_linter_cache
