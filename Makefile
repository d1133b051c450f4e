# `make` alone lists what there is. Arguments for the tools: make test ARGS='-k mailbox', make demo ARGS='--audio talk.mp3'.
.DEFAULT_GOAL := help
.PHONY: help setup demo stack test chaos outage fuzz load soak bench audit lint types terraform images format docs lock clean

# The first of these that is 3.11, 3.12 or 3.13, which the tests run on; else any newer python3. `make setup PYTHON=…` overrides it.
PYTHON ?= $(shell \
  for p in python3 python3.13 python3.12 python3.11; do \
    "$$p" -c 'import sys; sys.exit(not (3, 11) <= sys.version_info < (3, 14))' 2>/dev/null && echo "$$p" && exit; done; \
  python3 -c 'import sys; sys.exit(sys.version_info < (3, 11))' 2>/dev/null && echo python3)
BIN := .venv/bin
INSTALLED := .venv/.installed
ARGS ?=
# Processes that run tests side by side; most tests wait for processes of their own. JOBS=0: all tests in one.
JOBS ?= 2
KILLS ?= 50
SCHEDULES ?= 200
STACK ?= both
SEED ?= 1
OUTAGE ?= 300
FUZZ ?= 60

help: ## Show this list
	@awk -F ':.*## ' '/^[a-z]+:.*## / { printf "make %-9s %s\n", $$1, $$2 }' Makefile

setup: $(INSTALLED) ## Make .venv with the pinned requirements; does nothing while it is up to date

demo: $(INSTALLED) ## Start the services and Whisper here, play a recording to them and show its transcript grow
	@$(BIN)/turnscribe demo $(ARGS)

stack: $(INSTALLED) ## Run the system as in production here: emulators of Google Cloud, Redis, each service by itself
	@$(BIN)/python -m local_cloud --port 8080 --read-port 8081 $(ARGS)

test: $(INSTALLED) ## Run all tests; the end names each component that was missing
	@$(BIN)/python -m pytest -c pyproject.toml -p tests.components -n $(JOBS) --dist loadfile --no-loadscope-reorder $(ARGS)

chaos: $(INSTALLED) ## Play SCHEDULES=200 seeded schedules of faults to STACK=both under twenty streams each, from SEED=1 on; and kill uploads KILLS=50 times
	@$(BIN)/python -m pytest -c pyproject.toml -p tests.components -rP -q tests/chaos/test_pipeline_chaos.py tests/chaos/uploads \
	  --chaos-schedules=$(SCHEDULES) --chaos-stack=$(STACK) --chaos-kills=$(KILLS) --chaos-seed=$(SEED) $(ARGS)

outage: $(INSTALLED) ## Let Whisper be down in mid-stream in four ways, for OUTAGE=300 seconds each, and compare the transcripts
	@$(BIN)/python -m pytest -c pyproject.toml -p tests.components -rP -q tests/chaos/test_whisper_down.py --whisper-outage=$(OUTAGE) --chaos-seed=$(SEED) $(ARGS)

fuzz: $(INSTALLED) ## Fuzz what reads foreign bytes under atheris, FUZZ=60 seconds for each target, from SEED=1
	@$(BIN)/python -m tests.fuzz --seconds $(FUZZ) --seed $(SEED) $(ARGS)

load: $(INSTALLED) ## Play more and more live streams until they are too many, and see where each resource goes and what gives way (ten minutes)
	@$(BIN)/python -m bench.load $(ARGS)

soak: $(INSTALLED) ## Let meetings come and go for an hour, and see what grows
	@$(BIN)/python -m bench.soak $(ARGS)

bench: $(INSTALLED) ## Measure what is promised of speed and size; one table (half an hour; ARGS=--brief: five minutes)
	@$(BIN)/python -m bench $(ARGS)

lint: $(INSTALLED) ## Check style and formatting
	@$(BIN)/ruff check
	@$(BIN)/ruff format --check

types: $(INSTALLED) ## Check types, strictly
	@$(BIN)/mypy

audit: $(INSTALLED) ## Ask whether anything that is locked has a known vulnerability
	@$(BIN)/python requirements/audit.py $(ARGS)

terraform: $(INSTALLED) ## Check terraform/: format, validity, its tests on mocked providers, checkov's policies
	@bash terraform/check.sh $(BIN) $(ARGS)

images: $(INSTALLED) ## Build and start the services' images in folders, without Docker; print time to the first answer and size
	@$(BIN)/python cloudbuild/images/without_docker.py $(ARGS)

format: $(INSTALLED) ## Rewrite the sources in the project's format
	@$(BIN)/ruff check --fix
	@$(BIN)/ruff format

docs: $(INSTALLED) ## Write what docs/ says of settings, routes, metrics, costs and limits from the code and what was measured
	@$(BIN)/python docs/generate_settings.py
	@$(BIN)/python docs/generate_http.py
	@$(BIN)/python docs/generate_metrics.py
	@$(BIN)/python docs/generate_cost.py

lock: $(INSTALLED) ## Pin the newest allowed versions in requirements/*.txt (wants the network)
	@BIN='$(BIN)' sh requirements/lock.sh

clean: ## Remove .venv, builds and caches; recordings and transcripts in .turnscribe stay
	rm -rf .venv build dist .mypy_cache .pytest_cache .ruff_cache .hypothesis
	find . -name __pycache__ -type d -prune -exec rm -rf {} +

$(INSTALLED): requirements/dev.txt pyproject.toml
	@test -n '$(PYTHON)' || { echo 'turnscribe wants Python 3.11 or newer and found none. Name one: make setup PYTHON=/path/to/python3.12' >&2; exit 1; }
	@'$(PYTHON)' -c 'import ensurepip, venv' 2>/dev/null || { \
	  version=$$('$(PYTHON)' -c 'import sys; print("%d.%d" % sys.version_info[:2])'); \
	  echo "$(PYTHON) cannot make a virtual environment: it has no ensurepip. On Debian and Ubuntu: apt-get install python$$version-venv" >&2; exit 1; }
	@$(BIN)/python -m pip --version >/dev/null 2>&1 || { echo 'Making .venv with $(PYTHON)'; '$(PYTHON)' -m venv --clear .venv; }
	@echo 'Installing requirements/dev.txt (the first time: about 260 MB to download, half a minute on a good line)'
	@$(BIN)/python -m pip install -qq --disable-pip-version-check --require-hashes -r requirements/dev.txt
	@$(BIN)/python -m pip install -qq --disable-pip-version-check --no-deps --no-build-isolation -e .
	@touch $@
