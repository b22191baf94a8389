# The project's commands. `make` alone lists them.
#
# Everything runs inside .venv, which `make setup` creates from exact, hashed requirements. Nothing needs root, and root
# may run everything. With PYTHON=/path/to/python a command runs on that Python, in an environment of its own beside
# .venv, named after the version: `make test PYTHON=python3.13` uses .venv-3.13.

# `make run` passes RUN=1: it needs neither tests nor linters, so what these need is not installed for it, unless it is
# there already.

VENV := .venv$(if $(PYTHON),-$(shell "$(PYTHON)" -c 'import sys; print("%d.%d" % sys.version_info[:2])'))
BIN := $(VENV)/bin
READY := $(VENV)/.ready$(if $(wildcard $(VENV)/.ready),,$(RUN:1=-to-run))
REQUIREMENTS := $(if $(filter %-to-run,$(READY)),requirements/runtime.txt requirements/build.txt,requirements/dev.txt)
NODE_READY := node_modules/.ready$(if $(wildcard node_modules/.ready),,$(RUN:1=-to-run))
VENDOR_READY := backflush/web/static/vendor/icons.svg
PAGES_READY := backflush/web/served/gathered.sha256

# The packages that have models, and so migrations.
# Background jobs keep the label `errands` of their tables.
ROOMS := $(patsubst background,errands,$(sort $(notdir $(patsubst %/,%,$(dir $(wildcard backflush/*/models.py))))))

# Plain `python3` comes first, because the owner of the machine chose it.
PYTHONS := $(or $(PYTHON),python3 python3.14 python3.13 python3.12 python3.11 python)

# Python compiles a module when it is first imported; compiling all of them at once takes a quarter of the set-up.
PIP_INSTALL := $(BIN)/python -m pip install --quiet --disable-pip-version-check --no-compile

# `make test-quick`: the rules, on SQLite only, and one file of tests for each interface.
QUICK := $(wildcard tests/test_*.py) tests/core tests/cases tests/rooms tests/doors/api/test_api.py \
	tests/doors/test_booking_commands.py tests/doors/web/test_booking_page.py

.DEFAULT_GOAL := help
.PHONY: help setup words picture check format test test-quick test-pythons coverage soak wheel speed demo run lock clean

help: ## List these commands
	@awk -F ':.*## ' '/^[a-z-]+:.*## / {printf "  make %-12s  %s\n", $$1, $$2}' $(MAKEFILE_LIST)

# Python's packages and the front end's are installed side by side.
setup: ## Create .venv and build the front end; repeats only what is out of date
	@$(MAKE) --no-print-directory --silent --jobs=2 $(READY) $(PAGES_READY)

# The stamp lies inside .venv, so deleting that folder is enough to start again.
$(READY): $(REQUIREMENTS) pyproject.toml setup.py
	@python=; for name in $(PYTHONS); do \
		if "$$name" -c 'import sys; sys.exit(sys.version_info < (3, 11))' 2>/dev/null; then python=$$name; break; fi; \
	done; \
	if [ -z "$$python" ]; then \
		echo "Backflush needs Python 3.11 or later, and none of these is one: $(PYTHONS)." \
			"Install it, or name it with every command, as in: make run PYTHON=/path/to/python" >&2; exit 1; \
	fi; \
	if [ ! -x $(BIN)/python ]; then \
		echo "Creating a virtual environment in $(VENV) with $$("$$python" --version) ..."; \
		"$$python" -m venv $(VENV) || { \
		echo "$$python could not create a virtual environment. Some systems ship that part of Python in a package of" \
			"its own (python3-venv)." >&2; rm -rf $(VENV); exit 1; }; fi
	@echo "Installing the locked Python packages into $(VENV) (up to a minute; longer if they must be downloaded) ..."
	@$(PIP_INSTALL) --require-hashes $(addprefix -r ,$(REQUIREMENTS))
	@echo "Installing Backflush itself, in editable mode ..."
	@# setuptools warns about every editable installation.
	@PYTHONWARNINGS=ignore $(PIP_INSTALL) --no-deps --no-build-isolation -e .
	@touch $@

# Installs the locked packages without running any of their scripts.
$(NODE_READY): package.json package-lock.json
	@node -e 'process.exit(process.versions.node.split(".")[0] < 20 ? 1 : 0)' 2>/dev/null || { \
		echo "Building the pages of Backflush needs Node 20 or later, with npm. Install it, then: make setup" >&2; \
		exit 1; }
	@echo "Installing the locked front-end packages into node_modules ..."
	@npm ci $(if $(filter %-to-run,$@),--omit=dev) --ignore-scripts --no-audit --no-fund --loglevel=error >/dev/null
	@touch $@

# Runs again when a template or a module of the pages changes, because these name the icons.
$(VENDOR_READY): tools/frontend.mjs $(NODE_READY) $(shell find backflush/web -name '*.html' -o -name '*.py')
	@echo "Copying the front-end files in use into the package ..."
	@node tools/frontend.mjs

# Gives the static files their hashed names, under which they are served and shipped.
$(PAGES_READY): $(READY) $(VENDOR_READY) $(wildcard backflush/web/static/app/*) $(shell find backflush/web/display/styles -name '*.css')
	@echo "Collecting and compressing the static files ..."
	@$(BIN)/python -m backflush.web.platform.static_files
	@touch $@

words: setup ## Update the translators' files from the texts of the pages (LANGUAGE=fr begins one)
	$(BIN)/python tools/messages.py $(LANGUAGE)

picture: setup ## Draw docs/data-model.svg again, from the models
	$(BIN)/python tools/data_model.py

check: setup ## Check format, lint, types, imports, templates and missing migrations
	$(BIN)/ruff format --check .
	$(BIN)/ruff check .
	$(BIN)/mypy
	$(BIN)/lint-imports --no-logo
	@templates=$$(find backflush -name '*.html'); \
	if [ -n "$$templates" ]; then \
		echo "$(BIN)/djlint --check --lint backflush"; $(BIN)/djlint --check --lint backflush; \
	fi
	npm run --silent check
	@# In memory, because the question is about the models and no data is needed. The packages are named, because
	@# Django skips one that has no migrations folder at all.
	DATABASE_URL=sqlite://:memory: $(BIN)/python -m backflush.config.manage makemigrations \
		--check --dry-run $(ROOMS)

format: setup ## Format code, styles and scripts, and fix what the linters can fix
	$(BIN)/ruff check --fix-only .
	$(BIN)/ruff format .
	npm run --silent format

test: setup ## Run every test, on SQLite and on one PostgreSQL that the run starts itself
	$(BIN)/pytest -n auto --dist loadgroup

test-quick: setup ## Run the tests of the rules on SQLite, in about a minute
	$(BIN)/pytest -q -n auto --dist loadgroup --engine sqlite -m "not soak and not slow" $(QUICK)

# Counts what the tests' own processes run; programs that a test starts are not counted. Lines and branches without a test
# are listed in htmlcov/index.html.
coverage: setup ## Run every test and print which part of the code they run
	$(BIN)/pytest -q -n auto --dist loadgroup --cov --cov-report=term --cov-report=html

# Pythons are looked for on the PATH and among those of pyenv. TESTS=test runs every test on each.
TESTS := test-quick
test-pythons: ## Run the quick tests on each later Python found here: 3.12, 3.13, 3.14
	@for version in 3.12 3.13 3.14; do \
		python=; for name in python$$version $$HOME/.pyenv/versions/$$version.*/bin/python; do \
			if "$$name" -c '' 2>/dev/null; then python=$$name; break; fi; \
		done; \
		if [ -z "$$python" ]; then echo "Python $$version is not on this machine, so it was not tested."; continue; fi; \
		$(MAKE) --no-print-directory $(TESTS) PYTHON="$$python" || exit 1; \
	done

soak: setup ## Run the randomised tests for much longer
	$(BIN)/pytest -n auto -m soak

wheel: setup ## Build the wheel, install it elsewhere, and serve a page from it
	$(BIN)/python tools/try_wheel.py

# LONG=1 gives SQLite a history of ten million movements too; BACKFLUSH_ADVENTUREWORKS names the data for part (d).
speed: setup ## Measure against raw SQL on SQLite and PostgreSQL, and write docs/speed.md
	$(BIN)/python -m tests.speed --json docs/speed.json --write docs/speed.md

demo: setup ## Fill a database with a small demo plant
	$(BIN)/backflush demo

run: ## Make the demo plant, walk through it, and serve it with a log-in until Ctrl-C
	@$(MAKE) --no-print-directory setup RUN=1
	@echo "Starting Backflush ..."
	@$(BIN)/backflush tour

# Keeps the pinned versions as long as they satisfy pyproject.toml; `make lock UPGRADE=1` takes the newest of each.
# Without header, annotations and index, so that the files say what is installed and not where they were made.
lock: setup ## Pin the requirements of pyproject.toml, with hashes for all platforms
	@[ -x $(BIN)/uv ] || $(PIP_INSTALL) uv
	$(LOCK) pyproject.toml --output-file requirements/runtime.txt
	$(LOCK) pyproject.toml --group dev --constraints requirements/runtime.txt --output-file requirements/dev.txt
	$(LOCK) --group build --constraints requirements/dev.txt --output-file requirements/build.txt

LOCK = $(BIN)/uv pip compile --quiet --universal --python-version 3.11 --generate-hashes \
	--no-header --no-annotate --no-emit-index-url --no-emit-find-links $(if $(UPGRADE),--upgrade)

clean: ## Remove .venv, caches and everything that was built; databases are kept
	rm -rf .venv .venv-* node_modules backflush/web/static/vendor backflush/web/static/built backflush/web/served \
		build dist *.egg-info .mypy_cache .ruff_cache .pytest_cache .import_linter_cache .hypothesis .coverage htmlcov
	find backflush tests -name __pycache__ -type d -prune -exec rm -rf {} +
