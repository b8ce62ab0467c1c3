# The front: `make scan` and `make test` work on a fresh Debian 12, as root or with sudo. They
# install what is missing (tools/setup lists it) and leave the rest to Meson.

PATHS   ?= /usr/bin $(HOME)
ARGS    ?=
JOBS    ?= $(shell nproc)
SECONDS ?= 60
TARGET  ?=
DESTDIR ?=
PREFIX  ?= /usr/local

help: ## this list
	@sed -n 's/^\([a-z]*\):.*## /  make \1\t/p' $(MAKEFILE_LIST) | expand -t 18
	@echo; echo "  PATHS=... ARGS=...  for scan      TARGET=... SECONDS=...  for fuzz"

scan: release ## scan PATHS (default: /usr/bin and your home) with the embedded definitions
	build/release/src/cmd/candor scan $(ARGS) $(PATHS)

release: ## build build/release
	@tools/setup build
	@test -f build/release/build.ninja || \
	    meson setup build/release -Dbuildtype=release --prefix $(PREFIX) >/dev/null
	@ninja -j $(JOBS) -C build/release --quiet src/cmd/candor

test: ## build with ASan and UBSan and with clang, run every test
	@tools/setup test
	@JOBS=$(JOBS) tools/test

bench: release ## measure candor beside yara, clamscan and clamd, on the same files
	@tools/setup bench
	@bench/run $(ARGS)
	@bench/clamav

fuzz: ## fuzz TARGET (default: each in turn) for SECONDS with libFuzzer
	@tools/setup fuzz
	@JOBS=$(JOBS) tools/fuzz $(SECONDS) $(TARGET)

install: release ## install below PREFIX (default /usr/local), DESTDIR is honoured
	meson configure build/release --prefix $(PREFIX)
	ninja -j $(JOBS) -C build/release --quiet
	DESTDIR=$(DESTDIR) meson install -C build/release --quiet

clean: ## remove build/
	rm -rf build

.PHONY: help scan release test bench fuzz install clean
.DEFAULT_GOAL := help
