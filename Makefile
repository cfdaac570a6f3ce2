# On a fresh machine, `make demo` and `make test` install all that they need.

PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
STAMP := $(VENV)/.installed

.PHONY: demo test quick simulator emulate emulate-counters mutations fuzz faults kills kernels smoke widths lint docs site corpus bench gpu figure1 ablations cifar10 photos clean

demo: $(STAMP)
	rm -rf demo
	$(BIN)/convnet train --layers layers/digits.cfg --params params/digits.params --save demo/run
	$(BIN)/convnet test --load demo/run
	$(BIN)/convnet show-cost --load demo/run --out demo/cost.png
	$(BIN)/convnet show-filters --load demo/run --out demo/filters.png
	@echo "The network is in demo/run, its curve in demo/cost.png, its filters in demo/filters.png."

# pytest runs one process per core.  The simulator's tests run in separate processes, because the simulator
# is chosen when Numba is imported; they use the CPU kernels that the first command compiled.
# `make simulator` also runs the slow rows, whose values have a second reader.
SIMULATOR = NUMBA_ENABLE_CUDASIM=1 $(BIN)/python -m pytest -n auto tests/simulator

test: $(VENV)/.tested
	$(BIN)/python -m pytest -n auto --dist worksteal --ignore tests/emulator
	$(SIMULATOR) -m "not slow"

# Something of everything, kernels of both backends included: under a minute once they are compiled.
QUICK := tests/test_imports.py tests/language/test_parse.py tests/graph/test_mistakes.py \
	tests/network/test_placement.py tests/operations tests/layers/test_contract.py \
	tests/layers/test_layers.py tests/data/test_feed.py tests/train/test_resume.py tests/test_api.py
quick: $(VENV)/.tested
	$(BIN)/python -m pytest -n auto --dist worksteal $(QUICK) -k "not test_layers or alone"
	NUMBA_ENABLE_CUDASIM=1 $(BIN)/python -m pytest tests/simulator/test_rows.py \
		-k "alone and (conv or pool or cmrnorm or logreg or dropout)"

simulator: $(VENV)/.tested
	$(SIMULATOR)

# The emulator's own tests, and the compiled CUDA kernels on emulated GPUs (emulator/README.md), in two processes.
# `make emulate WHOLE=1`: every row with every seed, and all of tests/gpu.  `make mutations`: defects that these tests have to find.
emulate: $(VENV)/.tested
	$(BIN)/python -m pytest -n auto --dist worksteal tests/emulator
	$(BIN)/python -m tests.scripts.emulate $(if $(WHOLE),--whole)

mutations: $(VENV)/.tested
	$(BIN)/python -m tests.scripts.emulator_mutations

# Damaged inputs for every reader; faults in every call that writes; a thousand kills of a run.
SECONDS ?= 600
fuzz: $(VENV)/.tested
	$(BIN)/python -m tests.fuzz --seconds $(SECONDS)

faults: $(VENV)/.tested
	$(BIN)/python -m tests.faults

COUNT ?= 1000
kills: $(VENV)/.tested
	$(BIN)/python -m tests.scripts.kills --count $(COUNT)

kernels: $(VENV)/.tested
	$(BIN)/python -m tests.scripts.kernels_table

# What AlexNet's launches ask of a GPU, counted by running some of their blocks in the emulator.
emulate-counters: $(VENV)/.tested
	$(BIN)/python -m tests.scripts.counters_table

smoke: $(VENV)/.tested
	$(BIN)/python -m pytest tests/language/test_parse.py tests/graph/test_summary.py

lint: $(VENV)/.tested
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy

corpus: $(VENV)/.tested
	$(BIN)/python -m tests.scripts.corpus_table
	$(BIN)/python -m tests.scripts.corpus_replicas

# Tests of vectorized code with vectors of 16, 32 and, where the processor has them, 64 bytes.
VECTORIZED := tests/network/test_fusion.py tests/layers/test_layers.py \
	$(addprefix tests/backends/cpu/test_,conv.py pool.py neuron.py exponentials.py)
AVX512 := +avx512f,+avx512bw,+avx512cd,+avx512dq,+avx512vl
widths: $(VENV)/.tested
	NUMBA_CPU_NAME=x86-64 NUMBA_CPU_FEATURES=+sse4.2 $(BIN)/python -m pytest $(VECTORIZED)
	NUMBA_CPU_NAME=x86-64-v3 NUMBA_CPU_FEATURES=+avx2,+fma $(BIN)/python -m pytest $(VECTORIZED)
	@if $(BIN)/python -m tests.scripts.has_features $(AVX512); then set -x; \
	NUMBA_CPU_NAME=x86-64-v4 NUMBA_CPU_FEATURES=$(AVX512) $(BIN)/python -m pytest $(VECTORIZED); \
	else echo "no vectors of 64 bytes: the processor lacks some of $(AVX512)"; fi

bench: $(VENV)/.bench
	$(BIN)/python -m benchmarks.cpu

figure1: $(STAMP)
	$(BIN)/python examples/figure1.py

ablations: $(STAMP)
	$(BIN)/python examples/ablations.py

# The published CIFAR-10 results from the originals' files: make cifar10 DATA=cifar-10-batches-py CORPUS=originals.
# ARGS="--nets 80sec --scale 0.1" trains less.  docs/results.md says what the folders hold.
cifar10: $(STAMP)
	$(BIN)/python -m examples.cifar10 --data "$(DATA)" --corpus "$(CORPUS)" $(ARGS)

# AlexNet on photographs: make photos DATA=FOLDER, a folder that `convnet make-data` made.
photos: $(STAMP)
	$(BIN)/python -m examples.photos --data "$(DATA)" $(ARGS)

# Uses PYTHON if it has all packages, otherwise .venv.  PARTS=smoke,cases runs some parts.
gpu:
	@if $(PYTHON) -m benchmarks.gpu.packages; \
	then $(PYTHON) -m benchmarks.gpu --parts "$(PARTS)"; \
	else $(MAKE) $(VENV)/.gpu && $(BIN)/python -m benchmarks.gpu --parts "$(PARTS)"; fi

docs: $(STAMP)
	$(BIN)/python -m convnet.report.language docs

# Builds the documentation as web pages in site/.  A broken link is an error.
site: $(VENV)/.docs
	$(BIN)/mkdocs build --strict

clean:
	rm -rf $(VENV) build demo dist site *.egg-info

$(STAMP): setup.py pyproject.toml
	$(PYTHON) -m venv $(VENV)
	$(BIN)/python -m pip install --quiet --disable-pip-version-check -e .
	touch $@

$(VENV)/.tested: $(STAMP)
	$(BIN)/python -m pip install --quiet --disable-pip-version-check -e ".[test]"
	touch $@

$(VENV)/.bench: $(STAMP)
	$(BIN)/python -m pip install --quiet --disable-pip-version-check -e ".[bench]"
	touch $@

$(VENV)/.docs: $(STAMP)
	$(BIN)/python -m pip install --quiet --disable-pip-version-check -e ".[docs]"
	touch $@

$(VENV)/.gpu: $(STAMP)
	$(BIN)/python -m pip install --quiet --disable-pip-version-check -e ".[cuda,bench,test]"
	touch $@
