# What one does with this repository. `make` alone lists it.
# The work is done by the scripts in hack/; this file gives it names and says what can be set.

SHELL := bash
.SHELLFLAGS := -euo pipefail -c
.DEFAULT_GOAL := help
MAKEFLAGS += --no-print-directory

# One target folder for all checkouts, outside of them: the AWS SDKs take minutes to compile, and once is enough.
export CARGO_TARGET_DIR ?= $(or $(XDG_CACHE_HOME),$(HOME)/.cache)/cloister/target

# The program with everything in it, as sandbox and simulator use it.
cloister := target/cloister

.PHONY: help
help: ## List what can be made
	@sed -n 's/^\([a-z-]*\):.*## /\1\t/p' $(MAKEFILE_LIST) | expand -t 18

.PHONY: sandbox
sandbox: ## Start control plane, simulated AWS and controller, and apply an example (ONCE=1, DELAY=short|real|none)
	@hack/step.sh control-plane build
	@assets="$$(hack/build-control-plane.sh)"; \
	KUBEBUILDER_ASSETS="$$assets" exec "$(cloister)" sandbox --delay "$(or $(DELAY),short)" $(if $(filter-out 0,$(ONCE)),--once)

.PHONY: sandbox-down
sandbox-down: ## End the sandboxes started from this checkout, and nothing else
	@hack/sandbox-down.sh

.PHONY: simulator
simulator: ## The simulated AWS alone, until Ctrl-C (PORT=4599, DELAY=real|short|none, THROTTLE=1)
	@hack/step.sh build
	@exec "$(cloister)" simulator --port "$(or $(PORT),4599)" --delay "$(or $(DELAY),real)" $(if $(filter-out 0,$(THROTTLE)),--throttle)

.PHONY: control-plane
control-plane: ## etcd, kube-apiserver and kube-controller-manager alone, until Ctrl-C
	@hack/step.sh control-plane build
	@assets="$$(hack/build-control-plane.sh)"; KUBEBUILDER_ASSETS="$$assets" exec "$(cloister)" control-plane

.PHONY: build
build: ## Compile the program, with the sandbox in it
	@hack/step.sh build

.PHONY: test
test: ## Everything: format, generated files, lints, licences, unit and end-to-end tests
	@hack/test.sh

.PHONY: lint
lint: ## Format, clippy, licences and sources of dependencies
	@hack/step.sh format units clippy production deny

.PHONY: generate
generate: ## Write the files that are generated from the Rust types
	@hack/step.sh build
	@"$(cloister)" generate

.PHONY: check-generated
check-generated: ## Fail if a generated file is stale
	@hack/step.sh build generated

.PHONY: bench
bench: ## Calls and memory of the release program with 100 environments (half an hour, after `make release`'s time)
	@hack/step.sh control-plane release build bench

.PHONY: release
release: ## Compile the production program, without the sandbox (15 to 25 minutes the first time)
	@hack/step.sh release

.PHONY: clean
clean: ## Remove what was compiled of this project, but not the SDKs below it
	@cargo clean --package cloister
	@cargo clean --release --package cloister
	@echo "Kept: compiled dependencies in $(CARGO_TARGET_DIR), control plane and tools beside it."
