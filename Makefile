# make triage: set up, and look at this machine.   make test: set up, and run every test.   make help: the rest.
SHELL := /bin/bash
.DEFAULT_GOAL := help

# The system's own Python: what a version manager puts before it on the PATH may be a wrapper that tools stumble over.
PYTHON ?= $(firstword $(wildcard /usr/bin/python3) python3)
VENV := .venv
BIN := $(VENV)/bin
PLACE := $(VENV)/collections/ansible_collections/incident
NOX := $(BIN)/nox --no-error-on-missing-interpreters
export PATH := $(CURDIR)/$(BIN):$(PATH)

.PHONY: help
help: ## this list
	@grep -hE '^[a-z]+:.*##' $(MAKEFILE_LIST) | sed -E 's/:.*## /\t/' | expand -t 10

.PHONY: setup
setup: $(VENV)/ready ## a virtual environment that has ansible-playbook and this checkout as a collection

$(VENV)/ready: requirements/controller.txt
	@$(PYTHON) -c 'import ensurepip, venv' 2>/dev/null || tests/packages.sh python3-venv
	@echo "Setting up $(VENV) with $$($(PYTHON) --version)"
	@$(PYTHON) -m venv $(VENV)
	@$(BIN)/pip install --quiet --disable-pip-version-check --requirement requirements/controller.txt
	@mkdir -p $(PLACE) && ln -sfn ../../../.. $(PLACE)/response
	@$(BIN)/python -c 'import pathlib, sysconfig; pathlib.Path(sysconfig.get_path("purelib"), "collections.pth").write_text("$(CURDIR)/$(VENV)/collections\n")'
	@touch $@

.PHONY: triage
triage: setup ## look at this machine
	@$(BIN)/ansible-playbook incident.response.triage

$(VENV)/test-ready: $(VENV)/ready requirements/test.txt
	@$(BIN)/pip install --quiet --disable-pip-version-check --requirement requirements/test.txt
	@touch $@

.PHONY: test
test: $(VENV)/test-ready ## every test
	@tests/run.sh

.PHONY: lint
lint: $(VENV)/test-ready ## linters and type checks only
	@$(NOX) --session static

.PHONY: unit
unit: $(VENV)/test-ready ## unit tests only
	@$(NOX) --session unit

.PHONY: lab
lab: setup ## start the lab: three real Debian hosts on this machine
	@$(BIN)/python tests/lab/fleet.py up

.PHONY: bench
bench: $(VENV)/test-ready ## measure what the collection costs; ARGS="sockets --check" chooses
	@$(NOX) --session bench -- $(ARGS)

.PHONY: docs
docs: setup ## write RETURN documentation and the schema page from the declared records
	@$(BIN)/python docs/generate.py
