# The habits of the house. `make` alone lists them.
#
# Everything runs inside .venv, which `make setup` makes from exact, hashed
# requirements; no habit needs root, and none minds it.

VENV := .venv
BIN := $(VENV)/bin
READY := $(VENV)/.ready
NODE_READY := node_modules/.ready
VENDOR_READY := backflush/web/static/vendor/icons.svg
PAGES_READY := backflush/web/served/gathered.sha256
WORDS := $(wildcard backflush/locale/*/LC_MESSAGES/django.po)
WORDS_READY := backflush/locale/sentences.json

# Those with something to keep.
ROOMS := $(sort $(notdir $(patsubst %/,%,$(dir $(wildcard backflush/*/models.py)))))

# Plain `python3` first: it is the one its owner chose. PYTHON=/path/to/python overrules the search.
PYTHONS := $(or $(PYTHON),python3 python3.14 python3.13 python3.12 python3.11 python)

.DEFAULT_GOAL := help
.PHONY: help setup words check format test soak speed demo run lock clean

help: ## List these habits
	@awk -F ':.*## ' '/^[a-z]+:.*## / {printf "  make %-8s %s\n", $$1, $$2}' $(MAKEFILE_LIST)

setup: $(READY) $(PAGES_READY) $(WORDS_READY) ## Make .venv and the pages' files; runs again only when its inputs changed

# The stamp lies inside .venv, so that removing the folder is enough to begin anew.
$(READY): requirements/dev.txt pyproject.toml
	@python=; for name in $(PYTHONS); do \
		if "$$name" -c 'import sys; sys.exit(sys.version_info < (3, 11))' 2>/dev/null; then python=$$name; break; fi; \
	done; \
	if [ -z "$$python" ]; then \
		echo "Backflush needs Python 3.11 or later, and none of these is one: $(PYTHONS)." \
			"Install it, or name it: make setup PYTHON=/path/to/python" >&2; exit 1; \
	fi; \
	if [ ! -x $(BIN)/python ]; then "$$python" -m venv $(VENV) || { \
		echo "$$python could not make a virtual environment; some systems keep that in a package of its own" \
			"(python3-venv)." >&2; rm -rf $(VENV); exit 1; }; fi
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --require-hashes -r requirements/dev.txt
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --no-deps --no-build-isolation -e .
	@touch $@

# Packages as locked, none of whose scripts is run.
$(NODE_READY): package.json package-lock.json
	@node -e 'process.exit(process.versions.node.split(".")[0] < 20 ? 1 : 0)' 2>/dev/null || { \
		echo "The pages of Backflush need Node 20 or later to be set up (with npm). Install it, then: make setup" >&2; \
		exit 1; }
	npm ci --ignore-scripts --no-audit --no-fund --loglevel=error
	@touch $@

# Again when a template or module changed, because these name the icons.
$(VENDOR_READY): tools/frontend.mjs $(NODE_READY) $(shell find backflush/web -name '*.html' -o -name '*.py')
	node tools/frontend.mjs

# With hashed names, as they are served, and as a wheel takes them along.
$(PAGES_READY): $(READY) $(VENDOR_READY) $(wildcard backflush/web/static/app/*)
	$(BIN)/python -m backflush.web.platform.static_files
	@touch $@

# What Django reads of the languages; a wheel takes it along.
$(WORDS_READY): $(READY) $(WORDS) tools/messages.py
	$(BIN)/python tools/messages.py compile

words: setup ## Bring the texts for translators up to date with the pages
	$(BIN)/python tools/messages.py collect

check: setup ## Format, lint, types, imports, templates, missing migrations
	$(BIN)/ruff format --check .
	$(BIN)/ruff check .
	$(BIN)/mypy
	$(BIN)/lint-imports --no-logo
	@templates=$$(find backflush -name '*.html'); \
	if [ -n "$$templates" ]; then \
		echo "$(BIN)/djlint --check --lint backflush"; $(BIN)/djlint --check --lint backflush; \
	fi
	@# A database in memory: the question is about the models, not about anybody's stock. The rooms are
	@# named, because Django passes over a room that has no migrations at all.
	DATABASE_URL=sqlite://:memory: $(BIN)/python -m backflush.config.manage makemigrations \
		--check --dry-run $(ROOMS)

format: setup ## Put everything into the one format, and mend what lint can mend
	$(BIN)/ruff check --fix-only .
	$(BIN)/ruff format .

test: setup ## Every test, each test of behaviour on SQLite and on PostgreSQL
	$(BIN)/pytest -n auto --dist loadgroup

soak: setup ## The same promises, looked at for much longer
	$(BIN)/pytest -n auto -m soak

# LONG=1 gives SQLite a history of ten million movements too; BACKFLUSH_ADVENTUREWORKS names the data of (d).
speed: setup ## Measure against raw SQL, on SQLite and PostgreSQL; docs/speed.md
	$(BIN)/python -m tests.speed --json docs/speed.json --write docs/speed.md

demo: setup ## Fill a database with a small believable factory
	$(BIN)/backflush demo

run: setup ## Make the demo plant, walk through it, and serve it with a log-in until Ctrl-C
	$(BIN)/backflush tour

# Pins already there are kept as long as they fit; `make lock UPGRADE=1` takes the newest of everything.
# No header, no annotations, no index: the files must say what is installed, not where they were made.
lock: setup ## Pin what pyproject.toml asks for, with hashes for all platforms
	@[ -x $(BIN)/uv ] || $(BIN)/python -m pip install --quiet --disable-pip-version-check uv
	$(LOCK) --output-file requirements/runtime.txt
	$(LOCK) --group dev --constraints requirements/runtime.txt --output-file requirements/dev.txt

LOCK = $(BIN)/uv pip compile pyproject.toml --quiet --universal --python-version 3.11 --generate-hashes \
	--no-header --no-annotate --no-emit-index-url --no-emit-find-links $(if $(UPGRADE),--upgrade)

clean: ## Remove .venv, caches and what was built; data is left alone
	rm -rf $(VENV) node_modules backflush/web/static/vendor backflush/web/served $(WORDS_READY) $(WORDS:.po=.mo) build dist *.egg-info .mypy_cache .ruff_cache .pytest_cache .import_linter_cache .hypothesis
	find backflush tests -name __pycache__ -type d -prune -exec rm -rf {} +
