# trackdown: every way of building and checking it. `make help` lists them.
PYTHON ?= $(shell command -v python3.11 || command -v python3)
VENV := .venv
BIN := $(VENV)/bin
STAMP := $(VENV)/.installed
# Tests run side by side; the properties take this many examples in `make fuzz`.
WORKERS ?= 2
EXAMPLES ?= 50000
# Processes that are killed, and stopped past their lease, in `make test-crash`.
KILLS ?= 200
STOPS ?= 20
N ?= 20000

.DEFAULT_GOAL := help
.PHONY: help setup demo test lint types layers check mutants contract cassettes fuzz histories test-crash simulate rings bench bench-text docs lock security clean

help:  ## list the targets
	@grep -hE '^[a-z-]+:.*##' $(MAKEFILE_LIST) | sed -E 's/:.*## /\t/' | expand -t 14

setup: $(STAMP)  ## make .venv with the application and its tools (nothing when up to date)

$(STAMP): requirements.lock pyproject.toml
	@test -x $(BIN)/python || $(PYTHON) -m venv $(VENV)
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --require-hashes -r requirements.lock
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --no-deps --no-build-isolation --editable .
	@touch $@

demo: setup  ## three simulated trackers and a story
	$(BIN)/trackdown demo

test: setup  ## the tests
	$(BIN)/python -m pytest -n $(WORKERS)

lint: setup  ## ruff
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .

types: setup  ## mypy, strict
	$(BIN)/mypy

layers: setup  ## who may import whom
	$(BIN)/lint-imports

check: lint types layers test  ## everything that CI runs

fuzz: setup  ## the laws, with EXAMPLES cases each
	TRACKDOWN_EXAMPLES=$(EXAMPLES) $(BIN)/python -m pytest -n $(WORKERS) tests/property
	TRACKDOWN_EXAMPLES=$(EXAMPLES) $(BIN)/python -m pytest -n $(WORKERS) tests/conformance \
	  -k "never_raises or idempotent or no_change or leaves_others"

histories: setup  ## stories, killed at every step
	TRACKDOWN_EXAMPLES=$(EXAMPLES) $(BIN)/python -m pytest -n $(WORKERS) tests/crash

mutants: setup  ## faults planted in the engine, one at a time: the laws must catch every one
	$(BIN)/python -m tests.mutants

simulate: setup  ## N whole histories by seed, judged by an oracle of every promise
	$(BIN)/python -m tests.simulation --histories $(N)

rings: setup  ## N rings of bridges over shared trackers, and N streams of repeated pages
	$(BIN)/python -m tests.simulation.rings --rings $(N)
	$(BIN)/python -m tests.simulation.rings.streams --streams $(N) --late

test-crash: setup  ## real processes killed (KILLS) and stopped (STOPS), two daemons, and every step of the stories
	$(BIN)/python -m tests.kill --kills $(KILLS) --stops $(STOPS) --workers $(WORKERS)
	TRACKDOWN_EXAMPLES=$(EXAMPLES) $(BIN)/python -m pytest -n $(WORKERS) tests/crash

contract: setup  ## the conformance suite, every request and answer held to the official descriptions
	$(BIN)/python -m pytest -n $(WORKERS) tests/contract
	$(BIN)/python -m pytest -n $(WORKERS) tests/contract/conformance_exchanges.py

cassettes: setup  ## record the adapters' vocabulary anew, from the simulators
	$(BIN)/python -m tests.cassettes.tapes

bench: setup  ## the figures, against the simulators
	$(BIN)/python -m bench

bench-text: setup  ## what survives a trip through each format, against its gates
	$(BIN)/python -m bench.text

docs: setup  ## write the reference pages anew
	$(BIN)/python -m docs.generate

lock: $(STAMP)  ## pin the dependencies anew, with hashes and without addresses
	$(BIN)/uv pip compile pyproject.toml --python-version 3.11 --generate-hashes --no-emit-index-url \
	  --no-emit-find-links --group dev --extra keyring --extra postgresql --no-header -o requirements.lock

security: setup  ## the code and its dependencies, looked through for known weaknesses
	$(BIN)/python -m tests.security.scan

clean:  ## remove what was built
	rm -rf $(VENV) build dist .mypy_cache .ruff_cache .pytest_cache .hypothesis
