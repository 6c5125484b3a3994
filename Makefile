# Everything runs from a bare clone, without root, in .venv. See README.md.
PYTHON ?= python3
BIN := .venv/bin
STAMP := .venv/.installed

.PHONY: demo test check bench test-peers lock clean
.DELETE_ON_ERROR:

$(STAMP): requirements.lock pyproject.toml
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' || { echo "fieldgate needs Python 3.11 or newer; name it: make PYTHON=python3.12 demo"; exit 1; }
	@$(PYTHON) -m pip --version >/dev/null 2>&1 || { echo "pip is missing; install it once:  sudo apt-get install -y python3-pip"; exit 1; }
	@echo "fieldgate: making the environment in .venv (once, some seconds) ..."
	@test -x $(BIN)/python || $(PYTHON) -m venv --without-pip .venv
	@$(PYTHON) -m pip --python .venv install --quiet --disable-pip-version-check --no-warn-script-location --require-hashes --requirement requirements.lock
	@$(PYTHON) -m pip --python .venv install --quiet --disable-pip-version-check --no-warn-script-location --no-deps --no-build-isolation --editable .
	@touch $@

demo: $(STAMP)
	@$(BIN)/fieldgate demo

test: $(STAMP)
	@PYTHONHASHSEED=0 $(BIN)/python -P -m pytest -q -m "not peers"

check: $(STAMP)
	@$(BIN)/ruff format --check .
	@$(BIN)/ruff check .
	@$(BIN)/mypy
	@$(BIN)/lint-imports
	@$(BIN)/python -P -m pytest -q tests/test_tidy.py

test-peers: $(STAMP)
	@sh packaging/install-peers.sh
	@PYTHONHASHSEED=0 $(BIN)/python -P -m pytest -q -m peers

bench: $(STAMP)
	@$(BIN)/python -P -m bench.run

lock:
	@$(BIN)/uv pip compile --quiet --universal --generate-hashes --no-header --all-extras pyproject.toml --output-file requirements.lock

clean:
	rm -rf .venv demo-run .mypy_cache .ruff_cache .hypothesis
