# make reproduce | test | test-slurm | check | verify | archive | artifact | plan | preflight | fetch | world |
# drawn-world | icons | validate | sweep | carry-over | peers | leaderboard | submit | bench | bench-sd2 | lint | schemas | copies;
# every target makes the environment first and is safe to repeat.
PYTHON ?= python3
BIN := .venv/bin
# glibc hands big buffers back to the kernel at every step otherwise: a fifth of a training step on the CPU.
export MALLOC_MMAP_THRESHOLD_ := 4294967296
export MALLOC_TRIM_THRESHOLD_ := 4294967296
export PATH := $(CURDIR)/$(BIN):$(PATH)
# No target but fetch downloads a model.
export HF_HUB_OFFLINE := 1

.PHONY: env scm profile test test-slurm lint world drawn-world icons validate sweep carry-over peers leaderboard submit reproduce preflight fetch check verify archive artifact plan bench bench-sd2 schemas copies lock

env: .venv/.locked

.venv/.locked: requirements.lock requirements-uv.lock
	@echo "Making the environment in .venv from requirements.lock (5 GB, most of it torch; under a minute once downloaded)"
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11) and "expected Python 3.11 or newer, got " + sys.version)'
	@$(PYTHON) -m venv .venv
	@$(BIN)/python -m pip install --quiet --disable-pip-version-check --require-hashes -r requirements-uv.lock
	@$(BIN)/uv pip install --quiet --compile-bytecode --python $(BIN)/python --require-hashes -r requirements.lock
	@touch $@

# An unpacked archive is no git repository: DVC needs core.no_scm then, in .dvc/config.local, which git ignores.
scm:
	@test -e .git || $(BIN)/dvc config --local core.no_scm true

# A file's tests in one of several processes, which share the cores: one thread each.
test: env
	OMP_NUM_THREADS=1 $(BIN)/python -m pytest -n logical --maxprocesses 8 --dist loadfile

# The ci profile on a real Slurm of two nodes on this machine: needs Debian's slurm-wlm and munge, and root.
test-slurm: env
	$(BIN)/python -m pytest -m slurm tests/cluster

lint: env
	$(BIN)/ruff check . && $(BIN)/ruff format --check .

# What is long and shipped: the models, the metrics' validation, the sweeps, the comparison of models. Their stages are frozen, so that no `dvc repro`
# starts hours of work because a file that they import was edited or lost. These targets run what is not up to date.
LONG := $(patsubst %,profiles/%/dvc.yaml,world validation sweep flow_sweep peers_sweep peers growth carry_over leaderboard)
thawed = sed -i --follow-symlinks 's/^    frozen: true/    frozen: false/' $(1); \
	trap "sed -i --follow-symlinks 's/^    frozen: false/    frozen: true/' $(1)" EXIT; $(2)

# The painted world's model from nothing: hours on two cores.
world: env scm
	@$(call thawed,profiles/world/dvc.yaml,$(BIN)/dvc repro profiles/world/dvc.yaml)

# The drawn world's model from its icons, and the icons from the npm packages that they came in (npm and a network).
drawn-world: env scm
	@$(call thawed,profiles/drawn_world/dvc.yaml,$(BIN)/dvc repro profiles/drawn_world/dvc.yaml)
icons: env
	$(BIN)/python -m pipeline.world.drawn.icons

# Dials and small n: what the metrics are worth, in each world.
VALIDATIONS := profiles/validation/dvc.yaml profiles/drawn_validation/dvc.yaml
validate: env scm
	@$(call thawed,$(VALIDATIONS),$(BIN)/dvc repro $(VALIDATIONS))

# Every row on development prompts, and the strengths that they choose: of the U-Net, the flow transformer, the drawn world's U-Net.
SWEEPS := profiles/sweep/dvc.yaml profiles/flow_sweep/dvc.yaml profiles/drawn_sweep/dvc.yaml
sweep: env scm
	@$(call thawed,$(SWEEPS),$(BIN)/dvc repro $(SWEEPS))

# The same methods on both models: runs what is not up to date of both profiles.
carry-over: env scm
	@$(call thawed,profiles/carry_over/dvc.yaml,$(BIN)/dvc repro profiles/carry_over/dvc.yaml)

# The published methods: strengths on development prompts, results on test prompts, other numbers of particles.
PEERS := profiles/peers_sweep/dvc.yaml profiles/peers/dvc.yaml profiles/growth/dvc.yaml
peers: env scm
	@$(call thawed,profiles/sweep/dvc.yaml $(PEERS),$(BIN)/dvc repro $(PEERS))

# Every method of all profiles, and submissions, on one table: from the results that are there, which are in git.
leaderboard: env scm
	@$(call thawed,profiles/leaderboard/dvc.yaml,$(BIN)/dvc repro -s profiles/leaderboard/dvc.yaml:leaderboard)

# METHOD=path.py: a method of yours, measured; submissions/NAME.json is what the leaderboard merges.
submit: env
	@test -n "$(METHOD)" || { echo "error: METHOD: expected a Python file or an entry point, got nothing" >&2; exit 2; }
	@$(BIN)/python -m analysis.leaderboard.submit "$(METHOD)"

# PROFILE=small (the default), flow, drawn, ci, sd2_mini or sd2: from prompts to report, only what is not up to date.
PROFILE ?= small
HERE := $(if $(filter small,$(PROFILE)),,profiles/$(PROFILE)/)
REPORT := results/$(PROFILE)/report

# A sweep ends in a table, not in a report: make sweep.
profile: env
	@test -f "$(HERE)params.yaml" || { echo "error: no profile $(PROFILE); expected one of small $(notdir $(patsubst %/,%,$(dir $(filter-out profiles/world/% profiles/drawn_world/% profiles/validation/% profiles/drawn_validation/% profiles/carry_over/% profiles/leaderboard/% profiles/peers/%,$(wildcard profiles/*/params.yaml)))))" >&2; exit 2; }

reproduce: profile scm
	@case "$(PROFILE)" in *sweep) false;; esac || { echo "error: the sweep makes no report; make sweep runs it" >&2; exit 2; }
	@$(BIN)/python -m pipeline.machine.requirements $(HERE)params.yaml
	@echo "Profile $(PROFILE): dvc repro $(HERE)dvc.yaml runs what is not up to date."
	@$(BIN)/dvc repro $(HERE)dvc.yaml
	@echo "The report: $(REPORT)/report.pdf and $(REPORT)/index.html"

# What a profile needs and misses here, and what it would take: images a second, hours, gigabytes.
preflight: profile
	@$(BIN)/python -m pipeline.machine.preflight --profile $(PROFILE)

# The model and the encoder's weights of a profile, where they are downloads.
fetch: profile
	@$(BIN)/python -m pipeline.machine.downloads $(HERE)params.yaml

# The profile's results against the expected ones, within its tolerances; a table of what moved.
check: profile
	@$(BIN)/python -m analysis.artifact.check $(HERE)params.yaml

# For reviewers: hashes, every claim once more from the results in git, and one row made again on PROMPTS (ids, or all).
PROMPTS ?= cave
verify: env
	@$(BIN)/python -m analysis.artifact.verify "$(PROMPTS)"

# One ZIP of the commit that is checked out, with a run crate, Croissant metadata and the list of packages; its SHA-256.
archive: env
	@$(BIN)/python -m analysis.artifact.archive.bundle archive

# What would run where the cache is full, the long stages included, without running it.
plan: env scm
	@$(call thawed,$(LONG),$(BIN)/dvc repro --dry --allow-missing $(LONG) dvc.yaml profiles/flow/dvc.yaml)

bench: env
	$(BIN)/python -m bench.world
	$(BIN)/python -m bench.sampling
	$(BIN)/python -m bench.cpu
	$(BIN)/python -m bench.metrics
	$(BIN)/python -m bench.stages

# Stable Diffusion 2's architecture with random weights: on a GPU, or for ten minutes on the CPU.
bench-sd2: env
	$(BIN)/python -m bench.sd2

# The page for reviewers, of what is in git.
artifact: env
	$(BIN)/python -m analysis.artifact.page > docs/artifact.md

# What editors complete and check params.yaml and files of methods by.
schemas: env
	$(BIN)/python -m analysis.schema > profiles/params.schema.json
	$(BIN)/python -m repulsion methods --schema > repulsion/data/methods.schema.json

copies:
	for profile in ci sd2 sd2_mini drawn; do cp dvc.yaml profiles/$$profile/; done
	for profile in peers_sweep drawn_sweep; do cp profiles/sweep/dvc.yaml profiles/$$profile/; done

lock: env
	$(BIN)/uv pip compile --universal --generate-hashes --no-header --no-annotate --no-emit-index-url --extra bench --extra dev \
	  pyproject.toml -o requirements.lock
