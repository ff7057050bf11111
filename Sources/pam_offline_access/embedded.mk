# The programs that are compiled as Embedded Swift, outside SwiftPM: one module out of the vocabulary,
# the bus client and the conversation, without the Swift runtime. Included by the Makefile.
#
#   $(PAM_MODULE)   build/pam_offline_access.so
#   $(HELPER)       build/offline-access-helper
#   embedded        both

BUILD_DIR      ?= build
SWIFTC         ?= swiftc
PAM_MODULE     := $(BUILD_DIR)/pam_offline_access.so
HELPER         := $(BUILD_DIR)/offline-access-helper

EMBEDDED_SOURCES := Sources/OfflineAccess/Vocabulary.swift Sources/OfflineAccess/Refusal.swift \
  Sources/BusInterface/BusNames.swift $(wildcard Sources/BusClient/*.swift Sources/Conversation/*.swift)
PAM_SOURCES      := $(wildcard Sources/pam_offline_access/*.swift)
HELPER_SOURCES   := $(wildcard Sources/offline-access-helper/*.swift)
EMBEDDED_MODULES := $(wildcard Sources/pam_offline_access/CPAM/* Sources/pam_offline_access/CSystem/*)

# Expanded in recipes only, so that other targets need no compiler.
EMBEDDED_FLAGS = -enable-experimental-feature Embedded -wmo -parse-as-library -O -swift-version 6 \
  -warnings-as-errors -Xfrontend -function-sections \
  -I Sources/pam_offline_access/CPAM -I Sources/pam_offline_access/CSystem
# Tables for comparing strings; the only part of Swift's library that is linked.
UNICODE_TABLES = $(shell $(SWIFTC) -print-target-info | sed -n \
  's/.*"triple": "\(.*\)".*/\1/p; s/.*"runtimeResourcePath": "\(.*\)".*/\1/p' | { read -r triple; read -r folder; \
  echo "$$folder/embedded/$$triple/libswiftUnicodeDataTables.a"; })
EMBEDDED_LINK  = -Wl,-z,relro,-z,now,-z,pack-relative-relocs,--gc-sections,--as-needed,-O1 $(LDFLAGS)
EMBEDDED_LIBS  = $(UNICODE_TABLES)

.PHONY: embedded
embedded: $(PAM_MODULE) $(HELPER)

$(BUILD_DIR)/embedded:
	mkdir -p $@

$(BUILD_DIR)/embedded/pam.o: $(EMBEDDED_SOURCES) $(PAM_SOURCES) $(EMBEDDED_MODULES) \
    Sources/pam_offline_access/embedded.mk | $(BUILD_DIR)/embedded
	$(SWIFTC) $(EMBEDDED_FLAGS) -module-name pam_offline_access -c $(filter %.swift,$^) -o $@

$(BUILD_DIR)/embedded/helper.o: $(EMBEDDED_SOURCES) $(HELPER_SOURCES) $(EMBEDDED_MODULES) \
    Sources/pam_offline_access/embedded.mk | $(BUILD_DIR)/embedded
	$(SWIFTC) $(EMBEDDED_FLAGS) -module-name offline_access_helper -c $(filter %.swift,$^) -o $@

# nostartfiles: they are for constructors, of which there are none, and each login would look their symbols up.
# nodelete: what it has left with libpam to be called at the end must not be unloaded under a host's feet.
$(PAM_MODULE): $(BUILD_DIR)/embedded/pam.o Sources/pam_offline_access/exports.map
	$(CC) -shared -nostartfiles -o $@ $< $(EMBEDDED_LINK) -Wl,-z,nodelete,-z,defs \
	  -Wl,--version-script=Sources/pam_offline_access/exports.map $(EMBEDDED_LIBS) -lpam

$(HELPER): $(BUILD_DIR)/embedded/helper.o
	$(CC) -pie -o $@ $< $(EMBEDDED_LINK) $(EMBEDDED_LIBS)
