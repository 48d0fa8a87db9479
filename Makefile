# Everything a developer or a build machine runs. Needs make and Python 3.11 or newer; PYTHON=... chooses which.
# The environment is .venv; it is made anew when the interpreter, the pins or a distribution's metadata change.

PYTHON ?= python3
VENV   := .venv
BIN    := $(VENV)/bin
PY     := $(BIN)/python
TAG    := $(shell $(PYTHON) -c 'import sys; print("%d.%d.%d" % sys.version_info[:3])')
READY  := $(VENV)/.ready-$(TAG)
PIP    := $(PY) -m pip install -qq --disable-pip-version-check --constraint constraints.txt
DISTS  := spec impl_asyncio impl_trio conformance
BUILD  := hatchling
TOOLS  := ruff mypy "pyright[nodejs]" import-linter pytest-xdist hypothesis jsonschema types-jsonschema anyio uvloop
RUN    := $(PY) -m accord_conformance run --jobs 2
# Debug mode, eager tasks and another budget change the host. What files, TLS or workers do stands on the areas given here.
HOSTED := BARRIER BCAST CANCEL CKPT COND CONN CTX DNS ERR EVENT EXC FD FROM FUTURE GATHER GEN GUARD HELP INT ITER LATEST \
  LIMIT LOCK MEM MIXIN NATIVE NET OWNED PARK POLL PORTAL PROC RACE RUN RUNNER RWLOCK SCHED SEM SERVICE SIGNAL TASK \
  THREAD TIME UDP UNIX VCLOCK
VARIED := $(HOSTED:%=--area %)
VARIANTS = $(shell $(PY) -c 'from accord_conformance.loader import load_backend; print(*(f"{name}:{variant}" \
  for name in ("asyncio", "trio") for variant in load_backend(name).variants if variant != "uvloop"))')
EDIT   := -e spec -e "impl_asyncio[uvloop]" -e impl_trio -e conformance

.DEFAULT_GOAL := help
.PHONY: help install demo test lint format type imports unit conformance packaging mutants strangers matrix bench build clean

help: ## Show what there is
	@sed -n 's/^\([a-z]*\):.*## /  make \1\t/p' $(MAKEFILE_LIST) | expand -t 20

install: $(READY) ## Make .venv with the four packages (editable) and the tools

$(READY): constraints.txt $(DISTS:%=%/pyproject.toml)
	@echo "==> environment: Python $(TAG) in $(VENV)"
	$(PYTHON) -m venv --clear $(VENV)
	@echo "==> tools (about a minute the first time)"
	$(PIP) $(BUILD) $(TOOLS)
	@echo "==> accord, accord-asyncio, accord-trio, accord-conformance"
	$(PIP) --no-build-isolation $(EDIT)
	@touch $@

demo: $(READY) ## One portable program on every backend, then the conformance table of each
	$(PY) docs/examples/wordcount.py
	$(PY) -m accord_conformance run asyncio
	$(PY) -m accord_conformance run trio

test: lint type imports unit conformance packaging ## Everything that CI runs

lint: $(READY) ## Style and format
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .

format: $(READY) ## Put the code into the house format
	$(BIN)/ruff check --fix .
	$(BIN)/ruff format .

type: $(READY) ## mypy --strict and pyright
	$(BIN)/mypy
	$(BIN)/mypy spec/typing_tests impl_asyncio/typing_tests impl_trio/typing_tests
	$(BIN)/mypy docs/examples
	$(BIN)/pyright --pythonpath $(PY)

imports: $(READY) ## Who may import whom
	$(BIN)/lint-imports --no-logo

unit: $(READY) ## The tests of each package, two at a time
	$(PY) -m pytest -n 2

conformance: $(READY) ## The suite on both backends and uvloop, and what hosts decide in the other variants
	$(RUN) asyncio
	$(RUN) asyncio --variant uvloop
	$(RUN) trio
	@for each in $(VARIANTS); do \
	  echo "==> $${each%%:*}, variant $${each##*:}"; \
	  $(RUN) "$${each%%:*}" --variant "$${each##*:}" $(VARIED) || exit 1; \
	done

mutants: $(READY) ## Whether the suite notices each broken backend
	$(PY) -m accord_conformance.mutants

strangers: $(READY) ## What the suite says about AnyIO and about Trio as a guest, against what is expected
	$(PY) -m pytest -m packaging conformance/tests/test_strangers.py

matrix: $(READY) ## Write docs/conformance.md and .html anew: our backends, the model and the strangers
	cd conformance/tests && ../../$(PY) -m strangers.publish

packaging: $(READY) ## Wheels that work without the repository
	$(PY) -m pytest -m packaging conformance/tests/test_packaging.py

bench: $(READY) ## Speed against native code and against AnyIO
	$(PY) -m accord_conformance bench

build: $(READY) ## The four wheels, in dist/
	$(PY) -m pip wheel --quiet --no-deps --no-build-isolation --wheel-dir dist $(DISTS:%=./%)

clean: ## Remove what was made
	rm -rf $(VENV) dist .mypy_cache .ruff_cache .pytest_cache .import_linter_cache
	find . -name __pycache__ -type d -prune -exec rm -rf {} +
