# Needs Python 3.11 or newer, git and make; nothing else. Where python3 is older: make run PYTHON=python3.12
PYTHON ?= python3
PY := .venv/bin/python
INSTALL = $(PY) tools/pip-26.3-py3-none-any.whl/pip --disable-pip-version-check install --quiet --no-deps --require-hashes
COMPILE = uv pip compile --quiet --universal --python-version 3.11 --generate-hashes --no-annotate --no-header \
	--no-emit-index-url --no-emit-find-links pyproject.toml

.PHONY: run demo test test-slow test-long bench lint lock clean

# Through child.py, so that the portal stops even when make itself is killed.
run: .venv/ready
	@exec $(PY) -I -S slo_portal/child.py $$PPID 15 - $(PY) manage.py portal

demo: .venv/ready
	@exec $(PY) -I -S slo_portal/child.py $$PPID 15 - $(PY) manage.py demo

test: .venv/ready-dev
	$(PY) -m pytest -n 2

test-slow: .venv/ready-dev
	$(PY) -m pytest -m "slow and not long" -n 2 --dist loadfile

test-long: .venv/ready-dev
	$(PY) -m pytest -m long

bench: .venv/ready-dev
	$(PY) -m benchmarks

lint: .venv/ready-dev
	$(PY) -m ruff check .
	$(PY) -m ruff format --check .
	$(PY) -m mypy
	$(PY) -W ignore::RuntimeWarning manage.py makemigrations --check --dry-run --settings tests.settings
	$(PY) -m pytest -q tests/test_floors.py

# For maintainers; uv is needed for this alone.
lock:
	$(COMPILE) -o requirements.txt
	$(COMPILE) --extra dev -o tools/requirements-dev.txt

# Leaves var/ alone: it holds the portal's data.
clean:
	rm -rf .venv .mypy_cache .pytest_cache .ruff_cache .hypothesis

.venv/ready: requirements.txt
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' || { \
		echo "Python 3.11 or newer is needed, $(PYTHON) is not. Name one that is: make $(MAKECMDGOALS) PYTHON=python3.12"; exit 1; }
	@echo "Installing packages into .venv (once; about half a minute)"
	@$(PYTHON) -m venv --without-pip .venv
	@$(INSTALL) -r requirements.txt
	@touch $@

.venv/ready-dev: .venv/ready tools/requirements-dev.txt
	@echo "Installing the tools for tests into .venv (once)"
	@$(INSTALL) -r tools/requirements-dev.txt
	@touch $@
