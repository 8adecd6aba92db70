# The project from a fresh clone: `make drill` shows a failover, `make test` runs every test.
# Both do all the set-up: survey, virtual environment, packages, appliance image.

SHELL := /bin/bash
.SHELLFLAGS := -euo pipefail -c
.DELETE_ON_ERROR:
.DEFAULT_GOAL := help

VENV := .venv
BIN := $(VENV)/bin
INSTALLED := $(VENV)/.installed
REQUIRE := sim
# Two at a time: tests with real packets mostly wait.
PYTEST := $(BIN)/python -m pytest -n 2

# The survey's Python: the environment's own, else the newest on PATH that really starts.
ifneq ($(wildcard $(BIN)/pip),)
PYTHON := $(BIN)/python
else
PYTHON := $(shell for minor in 19 18 17 16 15 14 13 12 11; do \
	python3.$$minor -c "" 2>/dev/null && echo python3.$$minor && exit; done; echo python3)
endif

.PHONY: help survey drill test check fidelity crash-sweep requirements mutants search mutation bench image clean

help: ## list the targets
	@sed -nE 's/^([a-z-]+):.*## (.*)/  make \1\t\2/p' Makefile | expand -t 18

drill: $(INSTALLED) ## set everything up and run the drill `failover` on the best backend
	@$(BIN)/standby-lab run failover

test: $(INSTALLED) ## set everything up and run the whole test suite
	@$(PYTEST)

check: $(INSTALLED) ## lint, format, types, import rules and tests
	@$(BIN)/ruff check .
	@$(BIN)/ruff format --check .
	@$(BIN)/mypy
	@$(BIN)/lint-imports
	@$(PYTEST)

fidelity: $(INSTALLED) ## the same drills on three backends, traces compared
	@$(BIN)/standby-lab fidelity

requirements: $(INSTALLED) ## which test and which planted bug prove which requirement; a gap fails
	@$(BIN)/python -m tools.requirements

mutants: $(INSTALLED) ## known bugs in builds of the module: each must be noticed by a drill
	@$(BIN)/python -m tools.mutants

search: $(INSTALLED) ## planted bugs that campaigns of drawn drills must find by themselves
	@$(BIN)/python -m tools.search

mutation: $(INSTALLED) ## each small change of the pure machines must make one of their tests fail
	@$(BIN)/python -m tools.mutation

crash-sweep: $(INSTALLED) ## a drill, crashed after every disk operation and around every step
	@$(BIN)/standby-lab crash-sweep

bench: $(INSTALLED) ## one table of speeds, each with the ratio to its reference
	@$(BIN)/python -m benchmarks

image: $(INSTALLED) ## build the appliance image, unless it is up to date
	@$(BIN)/standby-lab image build

clean: ## remove the environment and everything cached; runs/ stays
	@rm -rf $(VENV) .cache .mypy_cache .ruff_cache .pytest_cache .import_linter_cache \
	  .hypothesis build *.egg-info
	@find . -name __pycache__ -type d -prune -exec rm -rf {} +

# In CI nothing may be skipped for want of an engine, of rights, or of a browser.
ifdef CI
test check: REQUIRE := sim,docker,netns,syscalls,browser
endif

survey:
	@$(PYTHON) -m emulator.machine --install --require $(REQUIRE)

$(INSTALLED): pyproject.toml $(BIN)/pip | survey
	@echo "installing the project and its packages into $(VENV) …"
	@$(BIN)/python -m pip install --quiet --editable '.[dev]' || { \
	  echo "make: pip could not install; the index that pip is configured for must be reachable" >&2; \
	  exit 4; }
	@touch $@

# bin/pip is what venv writes last: without it the environment is half-made, and made anew.
$(BIN)/pip: | survey
	@echo "making the virtual environment $(VENV) with $(PYTHON) …"
	@$(PYTHON) -m venv --clear $(VENV) || { \
	  rm -rf $(VENV); \
	  echo "make: no virtual environment with $(PYTHON): sudo apt-get install -y python3-venv" >&2; \
	  exit 4; }
