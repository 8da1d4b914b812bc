# Each target sets up what it needs and may be repeated or interrupted at any moment.
SHELL := /bin/bash
.SHELLFLAGS := -o pipefail -c
.PHONY: image test-image test-image-disk test-image-swarm test-image-build bench-image up down soak test test-unit test-lab lint format bench lock venv system help
.DEFAULT_GOAL := help
python := .venv/bin/python

help:            ## this list
	@sed -n 's/^\([a-z-]*\):[^#]*## \(.*\)/make \1	\2/p' $(MAKEFILE_LIST) | expand -t 24

up: venv system  ## a whole cluster on this machine: five managers over three zones, three workers
	@scripts/lab up

down:            ## take that cluster down and leave nothing behind
	@if [ -x $(python) ]; then scripts/lab down; else echo "nothing is set up here, so nothing is up"; fi

test: test-unit test-lab  ## every test; on real engines too, where there is root

test-unit: venv
	@$(python) -m pytest tests/unit -q -n 2 --dist loadfile

test-lab: venv
	@if [ -n "$$CI" ] || [ "$$(id -u)" = 0 ]; then scripts/setup tests && $(python) -m pytest tests/lab -q -n 2 --dist loadfile --no-loadscope-reorder --durations 12; \
	else echo "tests/lab was not run: it makes network namespaces and starts engines, which needs root."; fi

soak: venv system  ## hundreds of hostile boots, each from a seed (BOOTS=300 SEED=1), until one does not hold
	@PYTHONPATH=infra:tests $(python) -m lab.agent.soak --boots $(or $(BOOTS),300) --seed $(or $(SEED),1)

lint: venv       ## style, types, import rules, shell
	@$(python) -m ruff check -q infra tests benchmarks
	@$(python) -m ruff format -q --check infra tests benchmarks
	@$(python) -m mypy
	@PYTHONPATH=infra .venv/bin/lint-imports --no-logo | tail -n 12
	@scripts/lint-shell

format: venv
	@$(python) -m ruff check -q --fix infra tests benchmarks
	@$(python) -m ruff format -q infra tests benchmarks

bench: venv system  ## the figures of docs/benchmarks.md, as ratios measured side by side
	@PYTHONPATH=infra $(python) benchmarks/run.py $(ONLY)

lock: venv       ## write the locks again from requirements*.in
	@for name in requirements requirements-agent requirements-dev requirements-uv; do \
	  .venv/bin/uv pip compile -q --universal --python-version 3.11 --generate-hashes --no-header --no-emit-index-url $$name.in -o $$name.txt; done

image: venv      ## the node images as disks for local VMs, in .images (AMIs: scripts/build-image ami)
	@scripts/setup image && scripts/build-image disk

test-image: venv ## what is on these disks, and three VMs that form a swarm from them (builds them if need be)
	@scripts/setup image && { [ -e .images/manager/disk.qcow2 ] && [ -e .images/worker/disk.qcow2 ] || scripts/build-image disk; } \
	&& PYTHONPATH=infra .venv-image/bin/python -m pytest tests/image/contents --confcutdir tests/image -q && $(python) -m pytest tests/image/build tests/image/vms -q --timeout 3600

test-image-disk: venv ## of these, a manager's disk, built anew, and what is on it
	@scripts/setup image && scripts/build-image disk manager \
	&& PYTHONPATH=infra .venv-image/bin/python -m pytest tests/image/contents --confcutdir tests/image -q -k '[manager]'

test-image-swarm: venv ## of these, three VMs of the manager's disk that form a swarm (builds it if need be)
	@scripts/setup image && { [ -e .images/manager/disk.qcow2 ] || scripts/build-image disk manager; } \
	&& $(python) -m pytest tests/image/vms/test_swarm.py -q --timeout 3600

test-image-build: venv ## of these, what needs no finished disk: builds, interrupted and failed ones, the roles
	@scripts/setup image && $(python) -m pytest tests/image/build -q --timeout 3600

bench-image: venv  ## boot to Ready against a bare join, size and build time against docker by hand
	@scripts/setup image && PYTHONPATH=infra $(python) benchmarks/image_run.py

venv:
	@scripts/setup venv

system:
	@scripts/setup system
