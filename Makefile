# Two commands do everything on a machine with Python 3.11 or later: `make lab` and `make test`.
# Environments are rebuilt when pyproject.toml or a list under requirements/ changes, and else left alone.

PYTHON ?= python3
LAB_ARGS ?=
TEST_ARGS ?=
BENCH_ARGS ?=
LOCK_ARGS ?=

BIN := .venv/bin
LAB := .venv/.lab-installed
DEV := .venv/.dev-installed
OLDEST := .venv-oldest/.installed
BENCH := .venv-bench/.installed
# The front end: what is built, what builds it, and the mark that JupyterLab finds it.
EXTENSION := labextension/dist/package.json
NODE_MODULES := labextension/node_modules/.yarn-state.yml
SHOWN := .venv/.extension-shown
LABEXTENSION := .venv/share/jupyter/labextensions/lineageflow-jupyter
JLPM := cd labextension && PATH="$(abspath $(BIN)):$$PATH" jlpm
ARCTIC := .venv-bench-arctic/.installed
INSTALL := -m pip install --quiet --disable-pip-version-check
# An installation from here leaves the front end to the rules below, and needs no Node for it.
export HATCH_BUILD_NO_HOOKS := true
# Node knows its own certificates alone. A company's, through whose proxy packages come, is among those of the system.
NODE_EXTRA_CA_CERTS ?= $(wildcard /etc/ssl/certs/ca-certificates.crt)
export NODE_EXTRA_CA_CERTS
# Tests make thousands of small files: in memory, where there is a file system in memory, they take four fifths of the time.
MEMORY := $(wildcard /dev/shm)
FILES := $(if $(MEMORY),--basetemp=$(MEMORY)/lineageflow-tests-$(shell id -u))
PYTEST := -m pytest -n 2 --dist loadgroup $(FILES)
# What the oldest environment need not repeat, since no supported version of a library can change how it ends: text and
# bytes worked on by Python alone; processes that are killed or race, where what counts is the file system; how time and
# statements grow with the size of a repository. tests/test_architecture.py sees that the first group imports no frames.
PURE := tests/model tests/lineage/test_redaction.py tests/kernel/test_tokens.py \
	tests/store/test_identity.py tests/store/test_local.py tests/store/test_location.py tests/store/test_memory.py \
	tests/store/test_packs.py tests/store/test_power_failure.py tests/store/test_reader.py
NOT_REPEATED := $(PURE) tests/acceptance/test_durability.py tests/acceptance/test_races.py tests/test_history_scale.py \
	tests/catalog/test_cell_scale.py
COMPILE := .venv-lock/bin/uv --system-certs pip compile --quiet --universal --python-version 3.11 --no-annotate \
	--custom-compile-command "make lock" pyproject.toml $(LOCK_ARGS)

.NOTPARALLEL:
.PHONY: help lab test check docs chromium bench lock clean

help:
	@echo "make lab     install, and open JupyterLab on notebooks/quickstart.ipynb (LAB_ARGS=\"--no-browser --port=9999\")"
	@echo "make test    install what the tests need, check, and run all tests (TEST_ARGS=\"-k merge\")"
	@echo "make check   lint, format, types and import layers only"
	@echo "make docs    write the pages that are made from the code, and the answers of the guide"
	@echo "make bench   measure against other tools (BENCH_ARGS=--help)"
	@echo "make lock    resolve the lists under requirements/ again (LOCK_ARGS=--upgrade for newer versions)"
	@echo "make clean   remove environments and caches"
	@echo "PYTHON=python3.12 in front chooses the Python that environments are made with."

lab: $(SHOWN)
	$(BIN)/python -m jupyterlab $(if $(filter 0,$(shell id -u)),--allow-root) notebooks/quickstart.ipynb $(LAB_ARGS)

test: check chromium $(SHOWN) $(OLDEST)
	$(BIN)/python $(PYTEST) $(TEST_ARGS)
	.venv-oldest/bin/python $(PYTEST) -m "not browser and not notebook" $(addprefix --ignore=,$(NOT_REPEATED)) $(TEST_ARGS)
	@rm -rf $(if $(MEMORY),$(MEMORY)/lineageflow-tests-$(shell id -u))

check: $(DEV) $(NODE_MODULES)
	@$(JLPM) check
	$(BIN)/python -m ruff check .
	$(BIN)/python -m ruff format --check .
	$(BIN)/python -m mypy
	$(BIN)/lint-imports --no-logo

docs: $(DEV)
	$(BIN)/python -m tests.documents

chromium: $(DEV)
	@sh .ci/need chromium $(BIN)/python

bench: $(BENCH) $(ARCTIC)
	.venv-bench/bin/python tests/benchmarks/run.py $(BENCH_ARGS)

lock: | .venv-lock/bin/python
	.venv-lock/bin/python $(INSTALL) --group lock
	$(COMPILE) --all-extras --group extension --group test --group ui --group check --group bench -o requirements/locked.txt
	$(COMPILE) --extra polars --group test --group ui -c requirements/oldest.in -o requirements/oldest.txt
	$(COMPILE) --extra polars --group bench-arctic -o requirements/bench-arctic.txt

clean:
	rm -rf labextension/node_modules labextension/lib labextension/dist
	rm -rf .venv .venv-oldest .venv-bench .venv-bench-arctic .venv-lock build dist
	rm -rf .pytest_cache .hypothesis .mypy_cache .ruff_cache .import_linter_cache
	find . -name __pycache__ -type d -prune -exec rm -rf {} +

# The name of the rule says which environment; a Python that has gone leaves a dangling link, and so a new environment.
%/bin/python:
	@sh .ci/need python "$(PYTHON)"
	$(PYTHON) -m venv --clear $* || { rm -rf $*; exit 1; }
	$@ $(INSTALL) --upgrade "pip>=25.1,<27"

$(LAB): pyproject.toml requirements/locked.txt | .venv/bin/python
	@rm -rf $(LABEXTENSION)
	$(BIN)/python $(INSTALL) -c requirements/locked.txt -e ".[lab]" --group extension
	@touch $@

$(DEV): pyproject.toml requirements/locked.txt | .venv/bin/python
	@rm -rf $(LABEXTENSION)
	$(BIN)/python $(INSTALL) -c requirements/locked.txt -e ".[lab]" --group extension --group test --group ui --group check
	@touch $(LAB) $@

$(NODE_MODULES): labextension/package.json labextension/yarn.lock | $(LAB)
	@$(JLPM) install --immutable >../.venv/.jlpm.log || { cat ../.venv/.jlpm.log >&2; exit 1; }
	@touch $@

$(EXTENSION): $(NODE_MODULES) $(wildcard labextension/*.json labextension/src/* labextension/style/* labextension/schema/*)
	@$(JLPM) build >../.venv/.jlpm.log || { cat ../.venv/.jlpm.log >&2; exit 1; }

# An installation copies what is built at that time; a link shows what will be built. Before the next installation it
# must go: uninstalling removes files through it.
$(SHOWN): $(EXTENSION) $(LAB)
	@rm -rf $(LABEXTENSION) && mkdir -p $(dir $(LABEXTENSION))
	@ln -s $(abspath $(dir $(EXTENSION))) $(LABEXTENSION)
	@touch $@

$(OLDEST): pyproject.toml requirements/oldest.txt | .venv-oldest/bin/python
	.venv-oldest/bin/python $(INSTALL) -c requirements/oldest.txt -e ".[polars]" --group test --group ui
	@touch $@

$(BENCH): pyproject.toml requirements/locked.txt | .venv-bench/bin/python
	.venv-bench/bin/python $(INSTALL) -c requirements/locked.txt -e ".[polars]" --group bench
	@touch $@

$(ARCTIC): pyproject.toml requirements/bench-arctic.txt | .venv-bench-arctic/bin/python
	.venv-bench-arctic/bin/python $(INSTALL) -c requirements/bench-arctic.txt -e ".[polars]" --group bench-arctic
	@touch $@
