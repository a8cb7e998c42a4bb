# make test | make reproduce | make world | make bench | make lint;  every target makes the environment first and is safe to repeat.
PYTHON ?= python3
BIN := .venv/bin
# glibc hands big buffers back to the kernel at every step otherwise: a fifth of a training step on the CPU.
export MALLOC_MMAP_THRESHOLD_ := 4294967296
export MALLOC_TRIM_THRESHOLD_ := 4294967296
export PATH := $(CURDIR)/$(BIN):$(PATH)
# Nothing asks a hub for a model.
export HF_HUB_OFFLINE := 1

.PHONY: env test lint world reproduce plan bench lock

env: .venv/.locked

.venv/.locked: requirements.lock requirements-uv.lock
	@echo "Making the environment in .venv from requirements.lock (5 GB, most of it torch; under a minute once downloaded)"
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11) and "expected Python 3.11 or newer, got " + sys.version)'
	@$(PYTHON) -m venv .venv
	@$(BIN)/python -m pip install --quiet --disable-pip-version-check --require-hashes -r requirements-uv.lock
	@$(BIN)/uv pip install --quiet --python $(BIN)/python --require-hashes -r requirements.lock
	@touch $@

test: env
	$(BIN)/python -m pytest

lint: env
	$(BIN)/ruff check . && $(BIN)/ruff format --check .

# The painted world's model from nothing (hours on two cores); does nothing where the shipped one is up to date.
world: env
	$(BIN)/dvc repro pipeline/world/dvc.yaml

# What is left to do of the small profile.
reproduce: env
	$(BIN)/dvc repro

# What `make world` and `make reproduce` would run, without running it.
plan: env
	@$(BIN)/dvc repro --dry pipeline/world/dvc.yaml
	@$(BIN)/dvc repro --dry

bench: env
	$(BIN)/python -m bench.world
	$(BIN)/python -m bench.sampling

lock: env
	$(BIN)/uv pip compile --universal --generate-hashes --no-header --no-annotate --no-emit-index-url --extra dev \
	  pyproject.toml -o requirements.lock
