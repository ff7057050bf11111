# Offline Access. Two commands do all set-up, packages included: `make demo` and `make test`.

PREFIX        ?= /usr
DESTDIR       ?=
SYSCONFDIR    ?= /etc
LOCALSTATEDIR ?= /var
MULTIARCH     := $(shell gcc -print-multiarch 2>/dev/null)
# PAM looks in the multiarch folder of /usr, wherever the rest goes.
SECURITYDIR   ?= $(PREFIX)/lib/$(MULTIARCH)/security
LIBEXECDIR    := $(PREFIX)/libexec
SBINDIR       := $(PREFIX)/sbin
BUILD_DIR     ?= build
# An absolute path lets a new clone reuse what another one built.
SCRATCH       ?= $(CURDIR)/.build
SWIFT         ?= swift
SWIFT_FLAGS   := --scratch-path $(SCRATCH) --disable-index-store
# Packed relocations take a hundredth of the room; build/static has the C++ library that Swift's runtime needs, and the
# linker would load the shared one whole.
RELEASE_FLAGS := $(SWIFT_FLAGS) -c release --static-swift-stdlib -Xswiftc -use-ld=lld \
  -Xlinker -z -Xlinker pack-relative-relocs -Xlinker -L$(abspath $(BUILD_DIR))/static
BIN           = $(SCRATCH)/release

.PHONY: all build install uninstall test unit-test integration-test demo screenshots strength bench fuzz sanitize \
        format lint packages-build packages-test packages-bench online-servers clean

all: build

include Sources/pam_offline_access/embedded.mk

packages-build packages-test packages-bench: packages-%:
	@tools/packages $*

## Building

build: packages-build $(BUILD_DIR)/static/libstdc++.a
	$(SWIFT) build $(RELEASE_FLAGS) --product offline-accessd
	$(SWIFT) build $(RELEASE_FLAGS) --product offline-access-online
	$(SWIFT) build $(RELEASE_FLAGS) --product offline-access
	$(SWIFT) build $(RELEASE_FLAGS) --product offline-access-agent
	$(SWIFT) build $(RELEASE_FLAGS) --product offline-access-greeter
	$(SWIFT) build $(RELEASE_FLAGS) --product offline-access-manual
	@$(MAKE) --no-print-directory embedded $(BUILD_DIR)/installed-data

# A folder with nothing but the static library: beside a shared one the linker would take that.
$(BUILD_DIR)/static/libstdc++.a:
	@mkdir -p $(@D)
	@ln -s $$(g++ -print-file-name=libstdc++.a) $@

# Everything that is written from the code or that names a folder.
$(BUILD_DIR)/installed-data: $(wildcard dbus/*.in data/*.in docs/man/*.in) $(BIN)/offline-access-manual Makefile
	@mkdir -p $(BUILD_DIR)/data $(BUILD_DIR)/man $(BUILD_DIR)/completions
	@for file in dbus/*.in data/*.in; do \
	  sed 's|@LIBEXECDIR@|$(LIBEXECDIR)|g; s|@SBINDIR@|$(SBINDIR)|g' $$file > $(BUILD_DIR)/data/$$(basename $$file .in); done
	@for page in docs/man/*.in; do \
	  $(BIN)/offline-access-manual < $$page > $(BUILD_DIR)/man/$$(basename $$page .in) || exit 1; done
	@for shell in bash zsh fish; do \
	  $(BIN)/offline-access --generate-completion-script $$shell > $(BUILD_DIR)/completions/$$shell || exit 1; done
	@touch $@

## Installing what `make build` built

install:
	@test -x $(BIN)/offline-accessd || { echo "run make build first" >&2; exit 1; }
	install -d $(DESTDIR)$(LIBEXECDIR) $(DESTDIR)$(PREFIX)/bin $(DESTDIR)$(SECURITYDIR)
	install -m 755 -s $(BIN)/offline-accessd $(DESTDIR)$(LIBEXECDIR)/offline-accessd
	install -m 755 -s $(BIN)/offline-access-agent $(DESTDIR)$(LIBEXECDIR)/offline-access-agent
	install -m 755 -s $(BIN)/offline-access-online $(DESTDIR)$(LIBEXECDIR)/offline-access-online
	install -m 755 -s $(BIN)/offline-access $(DESTDIR)$(PREFIX)/bin/offline-access
	install -m 755 -s $(BUILD_DIR)/offline-access-helper $(DESTDIR)$(LIBEXECDIR)/offline-access-helper
	install -m 644 -s $(BUILD_DIR)/pam_offline_access.so $(DESTDIR)$(SECURITYDIR)/pam_offline_access.so
	install -D -m 755 -s $(BIN)/offline-access-greeter $(DESTDIR)$(SBINDIR)/offline-access-greeter
	install -D -m 644 $(BUILD_DIR)/data/offline-access-greeter.desktop $(DESTDIR)$(PREFIX)/share/xgreeters/offline-access-greeter.desktop
	install -D -m 644 data/lightdm-offline-access-greeter.conf $(DESTDIR)$(PREFIX)/share/doc/offline-access/lightdm-offline-access-greeter.conf
	install -D -m 644 dbus/org.offlineaccess.Factor1.xml $(DESTDIR)$(PREFIX)/share/dbus-1/interfaces/org.offlineaccess.Factor1.xml
	install -D -m 644 dbus/org.offlineaccess.Factor1.conf $(DESTDIR)$(PREFIX)/share/dbus-1/system.d/org.offlineaccess.Factor1.conf
	install -D -m 644 $(BUILD_DIR)/data/org.offlineaccess.Factor1.service $(DESTDIR)$(PREFIX)/share/dbus-1/system-services/org.offlineaccess.Factor1.service
	install -D -m 644 $(BUILD_DIR)/data/offline-access.service $(DESTDIR)$(PREFIX)/lib/systemd/system/offline-access.service
	install -D -m 644 data/offline-access-online.socket $(DESTDIR)$(PREFIX)/lib/systemd/system/offline-access-online.socket
	install -D -m 644 $(BUILD_DIR)/data/offline-access-online@.service $(DESTDIR)$(PREFIX)/lib/systemd/system/offline-access-online@.service
	install -D -m 644 data/org.offlineaccess.Factor1.policy $(DESTDIR)$(PREFIX)/share/polkit-1/actions/org.offlineaccess.Factor1.policy
	install -D -m 644 data/security-keys.conf $(DESTDIR)$(PREFIX)/share/offline-access/security-keys.conf
	install -D -m 644 $(BUILD_DIR)/data/offline-access-agent.desktop $(DESTDIR)$(SYSCONFDIR)/xdg/autostart/offline-access-agent.desktop
	install -D -m 644 $(BUILD_DIR)/data/offline-access-agent.service $(DESTDIR)$(PREFIX)/lib/systemd/user/offline-access-agent.service
	install -D -m 644 data/70-offline-access.rules $(DESTDIR)$(PREFIX)/lib/udev/rules.d/70-offline-access.rules
	install -D -m 644 data/pam-configs/offline-access $(DESTDIR)$(PREFIX)/share/pam-configs/offline-access
	install -d $(DESTDIR)$(SYSCONFDIR)/offline-access/offline-access.conf.d
	test -e $(DESTDIR)$(SYSCONFDIR)/offline-access/offline-access.conf || \
	  install -m 644 data/offline-access.conf $(DESTDIR)$(SYSCONFDIR)/offline-access/offline-access.conf
	install -d -m 700 $(DESTDIR)$(LOCALSTATEDIR)/lib/offline-access
	for page in $(BUILD_DIR)/man/*; do \
	  install -D -m 644 $$page $(DESTDIR)$(PREFIX)/share/man/man$${page##*.}/$${page##*/} || exit 1; done
	install -D -m 644 $(BUILD_DIR)/completions/bash $(DESTDIR)$(PREFIX)/share/bash-completion/completions/offline-access
	install -D -m 644 $(BUILD_DIR)/completions/zsh $(DESTDIR)$(PREFIX)/share/zsh/vendor-completions/_offline-access
	install -D -m 644 $(BUILD_DIR)/completions/fish $(DESTDIR)$(PREFIX)/share/fish/vendor_completions.d/offline-access.fish

# Takes the programs away; configuration and state stay, as they are the administrator's.
uninstall:
	@if grep -qs pam_offline_access $(DESTDIR)$(SYSCONFDIR)/pam.d/*; then \
	  echo "PAM still uses the module and would let nobody in. First run:" >&2; \
	  echo "  pam-auth-update --package --remove offline-access" >&2; \
	  echo "and take pam_offline_access out of: $$(grep -ls pam_offline_access $(DESTDIR)$(SYSCONFDIR)/pam.d/* | tr '\n' ' ')" >&2; \
	  exit 1; fi
	rm -f $(DESTDIR)$(LIBEXECDIR)/offline-accessd $(DESTDIR)$(LIBEXECDIR)/offline-access-online \
	  $(DESTDIR)$(LIBEXECDIR)/offline-access-helper $(DESTDIR)$(LIBEXECDIR)/offline-access-agent \
	  $(DESTDIR)$(SYSCONFDIR)/xdg/autostart/offline-access-agent.desktop \
	  $(DESTDIR)$(PREFIX)/lib/systemd/user/offline-access-agent.service \
	  $(DESTDIR)$(PREFIX)/bin/offline-access $(DESTDIR)$(SECURITYDIR)/pam_offline_access.so \
	  $(DESTDIR)$(SBINDIR)/offline-access-greeter \
	  $(DESTDIR)$(PREFIX)/share/xgreeters/offline-access-greeter.desktop \
	  $(DESTDIR)$(PREFIX)/share/doc/offline-access/lightdm-offline-access-greeter.conf \
	  $(DESTDIR)$(PREFIX)/share/dbus-1/interfaces/org.offlineaccess.Factor1.xml \
	  $(DESTDIR)$(PREFIX)/share/dbus-1/system.d/org.offlineaccess.Factor1.conf \
	  $(DESTDIR)$(PREFIX)/share/dbus-1/system-services/org.offlineaccess.Factor1.service \
	  $(DESTDIR)$(PREFIX)/lib/systemd/system/offline-access.service \
	  $(DESTDIR)$(PREFIX)/lib/systemd/system/offline-access-online.socket \
	  $(DESTDIR)$(PREFIX)/lib/systemd/system/offline-access-online@.service \
	  $(DESTDIR)$(PREFIX)/share/polkit-1/actions/org.offlineaccess.Factor1.policy \
	  $(DESTDIR)$(PREFIX)/share/pam-configs/offline-access \
	  $(DESTDIR)$(PREFIX)/share/offline-access/security-keys.conf \
	  $(DESTDIR)$(PREFIX)/lib/udev/rules.d/70-offline-access.rules \
	  $(DESTDIR)$(PREFIX)/share/bash-completion/completions/offline-access \
	  $(DESTDIR)$(PREFIX)/share/zsh/vendor-completions/_offline-access \
	  $(DESTDIR)$(PREFIX)/share/fish/vendor_completions.d/offline-access.fish
	for page in docs/man/*.in; do name=$$(basename $$page .in); \
	  rm -f $(DESTDIR)$(PREFIX)/share/man/man$${name##*.}/$$name; done
	-rmdir $(DESTDIR)$(SYSCONFDIR)/offline-access/offline-access.conf.d 2>/dev/null || true

## Trying and testing

# In a throw-away machine: nothing of this one changes. SHELL_AFTER=1 leaves you in it to play.
demo: packages-test build
	$(SWIFT) build --scratch-path $(SCRATCH) --product soft-keys
	@tools/machine env SHELL_AFTER=$(SHELL_AFTER) OFFLINE_ACCESS_SOFT_KEYS=$(SCRATCH)/debug/soft-keys tools/demo

# The unit tests run here, the integration tests as root in the throw-away machine.
test: packages-test build unit-test integration-test

# Without --disable-index-store: XCTest's discovery of tests reads it.
unit-test: packages-test
	$(SWIFT) build --scratch-path $(SCRATCH) --build-tests
	$(SWIFT) test --scratch-path $(SCRATCH) --skip-build --skip IntegrationTests

integration-test: packages-test online-servers
	tools/machine $(SWIFT) test --scratch-path $(SCRATCH) --skip-build --filter IntegrationTests

# A real privacyIDEA and more for the tests of the online factor; the first time only it takes a minute.
online-servers: packages-test
	@tools/online-servers

# Writes docs/screenshots: every state of the greeter, by a real LightDM.
screenshots: packages-test build
	$(SWIFT) build --scratch-path $(SCRATCH) --build-tests
	SCRATCH=$(SCRATCH) tools/screenshots docs/screenshots

# The same strength tests as in `make test`, as often as their table promises.
strength: packages-test build online-servers
	$(SWIFT) build --scratch-path $(SCRATCH) --build-tests
	tools/machine tools/strength $(SWIFT) test --scratch-path $(SCRATCH) --skip-build --filter IntegrationTests/Strength

# The service with a commit for each call, which the bench compares with.
ONE_JOB := $(SCRATCH)/one-job-a-batch
# Speed and strength beside what a user would pick instead: bench/README.md. QUICK=1 is done in under five minutes.
bench: packages-bench build
	$(SWIFT) build --scratch-path $(SCRATCH) --product soft-keys
	$(SWIFT) build $(RELEASE_FLAGS) --scratch-path $(ONE_JOB) -Xswiftc -DONE_JOB_A_BATCH --product offline-accessd
	@QUICK=$(QUICK) SOFT_KEYS=$(SCRATCH)/debug/soft-keys ONE_JOB=$(ONE_JOB)/release/offline-accessd tools/bench $(GROUPS)

# libFuzzer with AddressSanitizer; the corpus alone is a unit test.
RUNS ?= 1000000
fuzz: packages-build
	tools/fuzz --runs $(RUNS)

# All tests under ThreadSanitizer and AddressSanitizer, in build folders of their own.
sanitize: packages-test build online-servers
	$(SWIFT) build --scratch-path $(SCRATCH) --build-tests
	SCRATCH=$(SCRATCH) tools/sanitize

## Keeping it tidy

format:
	$(SWIFT) format format --in-place --recursive Sources Tests Package.swift

lint:
	$(SWIFT) format lint --strict --recursive Sources Tests Package.swift

clean:
	rm -rf $(BUILD_DIR) $(SCRATCH)
