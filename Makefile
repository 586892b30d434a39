# Needs Python 3.11+, git and make. Everything else is fetched as packages into .venv and js_snippet/node_modules.
.DEFAULT_GOAL := help
.PHONY: help setup snippet sizes chromium test demo lint bench faults build release-snippet lock clean

PYTHON ?= python3
BIN := .venv/bin
READY := .venv/.ready
SNIPPET := widget_server/web/static/widget/manifest.json
BUILT := widget_server/web/static/pages/built/manifest.json
# Compiled modules are kept, whatever is usual on this machine: the tests start hundreds of processes.
export PYTHONDONTWRITEBYTECODE :=

help: ## what can be made
	@grep -E '^[a-z-]+:.*## ' $(MAKEFILE_LIST) | sed -E 's/^([a-z-]+):.*## /  make \1\t/' | expand -t 20

$(READY): requirements.lock setup.cfg
	$(PYTHON) -m venv .venv
	$(BIN)/python -m pip install -q --disable-pip-version-check -r requirements.lock
	$(BIN)/python -m pip install -q --disable-pip-version-check --no-deps --no-build-isolation -e .
	@touch $@

setup: $(READY) ## the Python environment in .venv

$(SNIPPET): $(READY) $(wildcard js_snippet/src/*.ts js_snippet/src/*/*.ts js_snippet/src/*/*.css) js_snippet/build.mjs js_snippet/package.json js_snippet/package-lock.json js_snippet/budgets.json js_snippet/test/ask.json
	$(BIN)/python js_snippet/node.py run build

$(BUILT): $(SNIPPET) $(wildcard js_snippet/dashboard/*.ts) js_snippet/dashboard/build.mjs js_snippet/dashboard/budgets.json
	$(BIN)/python js_snippet/node.py run pages

snippet: $(SNIPPET) $(BUILT) ## the browser script and that of the owner's pages, built and weighed against their budgets

sizes: $(READY) $(SNIPPET) chromium ## what the snippet weighs and costs, beside its peers (fetches their packages)
	$(BIN)/python -m tests.sizes

release-snippet: $(SNIPPET) ## freeze the first version of the snippet for ever (once; then commit it)
	$(BIN)/python -m widget_server.web.frozen

chromium: $(READY)
	@$(BIN)/python -m tests.browser.chromium

# How many processes share the tests.
WORKERS ?= 2

test: $(READY) $(SNIPPET) $(BUILT) chromium ## all checks: lint, types, import contracts, Python and JavaScript tests
	$(MAKE) lint
	$(BIN)/python js_snippet/node.py test
	@failed=0; for part in "tests --ignore tests/browser" tests/browser; do \
		$(BIN)/python -m pytest -q --instafail -n $(WORKERS) --dist worksteal $$part || failed=1; done; exit $$failed

demo: $(READY) $(SNIPPET) $(BUILT) ## a demo shop with everything running, in the foreground
	$(BIN)/atbalss demo

lint: $(READY) ## ruff, mypy, import contracts
	$(BIN)/ruff check .
	$(BIN)/mypy
	$(BIN)/lint-imports --config setup.cfg

bench: $(READY) $(SNIPPET) $(BUILT) ## ratios against named baselines, measured in one run
	$(BIN)/python -m tests.benchmarks

faults: $(READY) $(SNIPPET) $(BUILT) ## kill, cut and starve everything; count what was lost (nothing)
	$(BIN)/python -m tests.faults

build: $(READY) $(SNIPPET) $(BUILT) ## the wheel, in dist/
	$(BIN)/python -m pip wheel -q --disable-pip-version-check --no-deps --no-build-isolation -w dist .

clean: ## forget everything that was made
	rm -rf .venv dist build js_snippet/node_modules widget_server/web/static/widget widget_server/web/static/pages/built
