# Copyright: entra.pim contributors
# SPDX-License-Identifier: GPL-3.0-or-later

# Everything is made below .build/; nothing else of the machine is changed.
#   make demo    sign in, elevate, work and give back against the simulator
#   make bench   compare with other ways to activate roles, and write docs/performance.md (about 20 minutes)
#   make test    every layer of tests, with the oldest and the newest ansible-core there is a Python for

# The first Python >= 3.11 that starts and can make virtual environments; `make PYTHON=... setup` names another.
ifndef PYTHON
PYTHON := $(shell for python in python3 python3.13 python3.12 python3.11 $${PYENV_ROOT:-$$HOME/.pyenv}/versions/3.1[1-9]*/bin/python3; do \
	$$python -c 'import ensurepip, sys, venv; sys.exit(sys.version_info < (3, 11))' 2>/dev/null && { echo $$python; break; }; done)
endif
RUN := .build/venv/bin/python -m

.PHONY: help setup lanes demo test unit simulator-test examples-test contract faults fuzz load molecule integration gates sanity bench build changelog clean

help:
	@sed -n 's/^#   //p' Makefile

setup:
	@test -n "$(PYTHON)" || { echo "No Python 3.11 or newer with venv and ensurepip was found." >&2; exit 1; }
	@$(PYTHON) -m tools.venvs main
	@$(PYTHON) -m tools.collection_tree

lanes: setup
	@$(PYTHON) -m tools.venvs lanes clients galaxy

demo: setup
	@$(RUN) tools.demo

test: lanes
	@$(RUN) tools.run_tests

unit simulator-test examples-test faults fuzz load molecule: setup
	@$(RUN) tools.run_tests $(@:-test=)

gates: setup
	@$(PYTHON) -m tools.venvs galaxy
	@$(RUN) tools.run_tests $@

integration sanity contract: lanes
	@$(RUN) tools.run_tests $@

# What could not be installed is a row that says so: the others are compared all the same.
bench: setup
	-@$(PYTHON) -m tools.venvs clients bench
	@$(RUN) tools.bench

build: setup
	@$(RUN) tools.build

# Once for each release: turns the fragments into changelogs/changelog.yaml and CHANGELOG.md.
changelog: setup
	@PATH="$(CURDIR)/.build/venv/bin:$$PATH" antsibull-changelog release

clean:
	rm -rf .build
