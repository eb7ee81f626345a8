# `make demo` and `make test` set themselves up in .venv; nothing outside this folder is touched.
PYTHON ?= python3
VENV ?= .venv
SHELL := /bin/bash
MARKED := not slow
BIN := $(abspath $(VENV))/bin
PIP := $(BIN)/python -m pip install --quiet --quiet
NATIVE := $(wildcard nus_native/*.pyx research/metrics/*.pyx train/data/*.pyx nus_native/src/* nus_native/extensions.py)

.PHONY: demo test test-all test-beam fuzz chaos package test-jax lint messages docs test-docs benchmark addons-oracle clean help

help:
	@echo "make demo           the whole main job on street scenes it draws itself (CITYSCAPES_ROOT=/path: on Cityscapes)"
	@echo "make test           the tests"
	@echo "make test-all       every test, those that repeat others or take minutes too, JAX's and the wheel's as well"
	@echo "make test-jax       parity tests and training steps on Keras's JAX backend"
	@echo "make test-beam      tests of conversions on Apache Beam, in an environment on top of this one"
	@echo "make fuzz           random calls of the native code under address and undefined-behaviour checks (INPUTS=1000000 SEED=0)"
	@echo "make chaos          commands killed again and again, compared with undisturbed ones (KILLS=100 SEED=0; hours)"
	@echo "make package        wheel and source archive in build/dist, and an example run from the wheel"
	@echo "make lint           ruff and mypy"
	@echo "make messages       docs/messages.md, the list of all error messages"
	@echo "make docs           the documentation, into build/docs"
	@echo "make test-docs      every code block of its tutorials"
	@echo "make benchmark      native code against the published way"
	@echo "make addons-oracle  ours against the real tensorflow-addons, in an environment of its own"

$(VENV)/.ready: setup.py pyproject.toml requirements.lock $(NATIVE)
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' || { echo "error: $(PYTHON) is older than 3.11; set PYTHON=/path/to/python3.11" >&2; exit 2; }
	@$(PYTHON) -c 'import ensurepip, sysconfig, os; assert os.path.exists(os.path.join(sysconfig.get_paths()["include"], "Python.h"))' 2>/dev/null \
	  || { echo "error: $(PYTHON) lacks venv or its C headers; on Debian: apt-get install python3-venv python3-dev" >&2; exit 2; }
	@command -v $${CXX:-c++} >/dev/null || { echo "error: no C++ compiler; on Debian: apt-get install g++" >&2; exit 2; }
	@echo "setting up $(VENV): TensorFlow and what else is in requirements.lock, about 1 GB; a minute or two"
	@$(PYTHON) -m venv $(VENV)
	@$(PIP) --upgrade pip
	@$(PIP) --requirement <(grep -E '^(tensorflow|keras|numpy|Cython)==' requirements.lock)
	@echo "building the native extensions and installing the rest"
	@$(PIP) --constraint requirements.lock --config-settings editable_mode=strict --editable '.[dev,docs]'
	@touch $@

demo: $(VENV)/.ready
	@PATH="$(BIN):$$PATH" bash train/demo.sh

test: $(VENV)/.ready
	$(BIN)/python -m pytest -q -n auto --dist worksteal

# Before a release, at night, and when a file changes that a test marked `slow` covers.
test-all: $(VENV)/.ready
	$(BIN)/python -m pytest -q -n auto --dist worksteal -m ''
	@$(MAKE) --no-print-directory test-jax MARKED=
	@$(MAKE) --no-print-directory package

# Compiling is most of its time, and every operation of every shape runs once: hence the quick compiler.
test-jax: $(VENV)/.ready
	@$(PIP) $$(grep -E '^(jax|jaxlib)==' requirements.lock)
	KERAS_BACKEND=jax JAX_DISABLE_MOST_OPTIMIZATIONS=1 $(BIN)/python -m pytest -q -n auto --dist worksteal -m '$(MARKED)' tests/parity tests/ops tests/sampling tests/train/on_jax

# Beam takes older versions of four packages than those of requirements.lock.
BEAM := build/beam
test-beam: $(VENV)/.ready
	@$(PYTHON) -m venv $(BEAM)
	@echo "import site; site.addsitedir('$$($(BIN)/python -c 'import sysconfig; print(sysconfig.get_path("purelib"))')')" \
	  > "$$($(BEAM)/bin/python -c 'import sysconfig; print(sysconfig.get_path("purelib"))')/below.pth"
	@$(BEAM)/bin/python -m pip install --quiet --quiet --constraint <(grep -vE '^(pillow|protobuf|pyarrow|python-dateutil)==' requirements.lock) 'apache-beam>=2.77'
	$(BEAM)/bin/python -m pytest -q -m '' tests/data_conversion/write/test_beam.py

INPUTS := 1000000
SEED := 0
fuzz: $(VENV)/.ready
	@mkdir -p build/fuzz
	ROADSEG_SANITIZE=1 $(BIN)/python setup.py -q build_ext --build-lib build/fuzz/lib --build-temp build/fuzz/temp
	LD_PRELOAD="$$($${CXX:-c++} -print-file-name=libasan.so) $$($${CXX:-c++} -print-file-name=libstdc++.so)" PYTHONMALLOC=malloc \
	  ASAN_OPTIONS=detect_leaks=0:allocator_may_return_null=1 UBSAN_OPTIONS=print_stacktrace=1 \
	  $(BIN)/python -m tests.nus_native.fuzz --library build/fuzz/lib --inputs $(INPUTS) --seed $(SEED)

# What an earlier call made goes away; STAGES=convert,density takes some of the commands.
KILLS := 100
STAGES := convert,density,segmentation,evaluation,centroids,export
chaos: $(VENV)/.ready
	@rm -rf build/chaos
	TF_CPP_MIN_LOG_LEVEL=3 $(BIN)/python -m tests.chaos --kills $(KILLS) --seed $(SEED) --stages $(STAGES) --to build/chaos

lint: $(VENV)/.ready
	$(BIN)/ruff format --check .
	$(BIN)/ruff check .
	$(BIN)/mypy

package: $(VENV)/.ready
	@$(PIP) build
	@rm -rf build/dist
	$(BIN)/python -m build --outdir build/dist .
	$(BIN)/python -m tests.package build/dist

messages: $(VENV)/.ready
	$(BIN)/python -m tests.messages

docs: $(VENV)/.ready
	TF_CPP_MIN_LOG_LEVEL=3 $(BIN)/python -m sphinx -W --keep-going -q -b html docs build/docs
	@echo "open build/docs/index.html"

test-docs: $(VENV)/.ready
	$(BIN)/python -m pytest -q -n 2 --dist worksteal -m slow tests/docs

benchmark: $(VENV)/.ready
	$(BIN)/python -m roadseg.nus_native.benchmark
	$(BIN)/python -m roadseg.eval.benchmark.confusion

addons-oracle: $(VENV)/.ready
	$(BIN)/python tests/parity/addons_oracle.py

clean:
	rm -rf $(VENV) build *.egg-info
