# Every target does its own set-up: on Debian as root that installs the system packages it needs, elsewhere it
# says what is missing. `make test` is the whole test suite, as CI runs it.

PYTEST := .venv/bin/pytest
WORKERS ?= 2
# One more, for they often wait.
INTEGRATION_WORKERS ?= 3

# Tests start Lightship hundreds of times: it is compiled once, whatever the machine says of that.
unexport PYTHONDONTWRITEBYTECODE

.PHONY: help demo test test-unit test-integration test-example lint bench bench-article bench-compare built-files standins snapshotter format clean setup-demo setup-test setup-lint

help:
	@echo "make demo              build, start and verify an image without Docker"
	@echo "make test              every test"
	@echo "make test-unit         the fast tests: no network, no root"
	@echo "make test-integration  the tests with real clients and servers"
	@echo "make test-example      the example service's own tests"
	@echo "make lint              ruff, mypy, changelog fragments"
	@echo "make bench             the measurements"
	@echo "make bench-article     the article's Dockerfiles, built by Docker and measured"
	@echo "make built-files       every Dockerfile of the example, built by Docker and by Buildah, started and verified"
	@echo "make bench-compare     predicted sizes of images against built ones"
	@echo "make standins          stand-ins for python:3.11 and python:3.11-slim, from Debian packages"
	@echo "make snapshotter       stargz-snapshotter's daemon, built from Debian packages"

demo: setup-demo
	.venv/bin/python scripts/demo.py

test: setup-test
	$(PYTEST) -m "not integration" -n $(WORKERS)
	$(PYTEST) -m integration -n $(INTEGRATION_WORKERS) --dist loadgroup
	.venv/bin/python scripts/test_example.py

test-unit: setup-test
	$(PYTEST) -m "not integration" -n $(WORKERS)

test-integration: setup-test
	$(PYTEST) -m integration -n $(INTEGRATION_WORKERS) --dist loadgroup

test-example: setup-test
	.venv/bin/python scripts/test_example.py

lint: setup-lint
	.venv/bin/ruff check
	.venv/bin/ruff format --check
	.venv/bin/mypy
	.venv/bin/towncrier build --draft --version next >/dev/null

format: setup-lint
	.venv/bin/ruff check --fix
	.venv/bin/ruff format

bench: setup-test
	.venv/bin/python -m bench.run

built-files: setup-test
	.venv/bin/python -m bench.files

bench-compare: setup-test
	.venv/bin/python -m bench.predicted

bench-article: setup-test
	.venv/bin/python -m bench.article

standins: setup-test
	.venv/bin/python -m scripts.standins

snapshotter: setup-test
	.venv/bin/python -m scripts.snapshotter

clean:
	rm -rf .venv .tools .demo .bench .mypy_cache .pytest_cache .ruff_cache .hypothesis

setup-demo setup-lint setup-test: setup-%:
	@python=$$(sh scripts/find_python.sh) && "$$python" scripts/setup.py $*
