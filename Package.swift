// swift-tools-version: 6.2
import PackageDescription

/// A C library found by pkg-config, imported as it is.
func library(_ name: String, _ pkgConfig: String, apt package: String) -> Target {
  .systemLibrary(name: name, path: "Sources/C/\(name)", pkgConfig: pkgConfig, providers: [.apt([package])])
}

let package = Package(
  name: "offline-access",
  products: [
    .executable(name: "offline-accessd", targets: ["offline-accessd"]),
    .executable(name: "offline-access", targets: ["offline-access"]),
  ],
  dependencies: [
    // The command line only; the service has no third-party Swift package.
    .package(url: "https://github.com/apple/swift-argument-parser", from: "1.8.2")
  ],
  targets: [
    library("CGLib", "glib-2.0", apt: "libglib2.0-dev"),
    library("CGIO", "gio-unix-2.0", apt: "libglib2.0-dev"),
    library("CDBus", "dbus-1", apt: "libdbus-1-dev"),
    library("CSQLite", "sqlite3", apt: "libsqlite3-dev"),
    library("CCrypto", "libcrypto", apt: "libssl-dev"),
    library("CQREncode", "libqrencode", apt: "libqrencode-dev"),
    library("CPNG", "libpng", apt: "libpng-dev"),

    // Inline functions for what Swift does not import of Linux.
    .systemLibrary(name: "CLinux", path: "Sources/C/CLinux"),

    // The domain: activation, allowance, lock, clock. Imports no C module.
    .target(name: "OfflineAccess"),
    // Names, errors, keys and the XML of the bus contract.
    .target(
      name: "BusInterface", dependencies: ["OfflineAccess"],
      resources: [.embedInCode("org.offlineaccess.Factor1.xml")]),

    // Around the domain.
    .target(name: "Passcode", dependencies: ["OfflineAccess", "CCrypto"]),
    .target(name: "Store", dependencies: ["OfflineAccess", "CSQLite", "CCrypto", "CLinux"]),
    .target(name: "Configuration", dependencies: ["OfflineAccess", "CGLib"]),
    .target(name: "GLibBus", dependencies: ["OfflineAccess", "BusInterface", "CGIO"]),
    .target(
      name: "OfflineAccessService",
      dependencies: [
        "OfflineAccess", "BusInterface", "Passcode", "Store", "GLibBus", "Configuration", "CGLib", "CLinux",
      ]),
    // Wipes what the service's process frees; nothing else links it.
    .target(name: "WipingFree", path: "Sources/C/WipingFree"),
    .executableTarget(name: "offline-accessd", dependencies: ["OfflineAccessService", "WipingFree"]),

    // Front ends. BusClient and Conversation also compile as Embedded Swift (see Makefile).
    .target(name: "BusClient", dependencies: ["OfflineAccess", "BusInterface", "CDBus"]),
    .target(name: "Conversation", dependencies: ["OfflineAccess", "BusInterface", "BusClient"]),
    .executableTarget(
      name: "offline-access",
      dependencies: [
        "OfflineAccess", "BusInterface", "BusClient", "Conversation", "CQREncode", "CPNG", "CLinux", "Configuration",
        .product(name: "ArgumentParser", package: "swift-argument-parser"),
      ],
      path: "Sources/CommandLine"),

    // Writes the parts of the manual pages that repeat the code; not installed.
    .executableTarget(
      name: "offline-access-manual", dependencies: ["OfflineAccess", "BusInterface"], path: "Sources/Manual"),

    .testTarget(name: "OfflineAccessTests", dependencies: ["OfflineAccess"]),
    .testTarget(name: "PasscodeTests", dependencies: ["Passcode", "OfflineAccess"]),
    .testTarget(name: "StoreTests", dependencies: ["Store", "Passcode", "OfflineAccess", "CSQLite"]),
    .testTarget(name: "BusInterfaceTests", dependencies: ["BusInterface", "OfflineAccess"]),
    .testTarget(
      name: "ConversationTests", dependencies: ["Conversation", "BusClient", "OfflineAccess", "BusInterface"]),
    .testTarget(name: "ConfigurationTests", dependencies: ["Configuration", "OfflineAccess"]),
    .testTarget(
      name: "ManualTests", dependencies: ["offline-access-manual", "OfflineAccess", "BusInterface", "Configuration"]),
    .testTarget(name: "CommandLineTests", dependencies: ["offline-access"]),
    .testTarget(name: "ServiceTests", dependencies: ["OfflineAccessService", "GLibBus", "OfflineAccess"]),
    // Runs in the throw-away machine: see tools/machine.
    .testTarget(name: "IntegrationTests", dependencies: ["BusInterface", "OfflineAccess", "BusClient", "Store"]),
  ],
  swiftLanguageModes: [.v6]
)

// The fuzz targets: by tools/fuzz as a program with libFuzzer, else as a test that runs the corpus.
let isFuzzing = Context.environment["OFFLINE_ACCESS_FUZZ"] != nil
let fuzzed: [Target.Dependency] = [
  "OfflineAccess", "BusInterface", "Passcode", "Store", "Configuration", "GLibBus", "BusClient", "Conversation",
  "CDBus", "CGIO",
]
package.targets.append(
  isFuzzing
    ? .executableTarget(
      name: "fuzz", dependencies: fuzzed, path: "Tests/Fuzz", exclude: ["Corpus", "CorpusTests.swift"])
    : .testTarget(name: "FuzzTests", dependencies: fuzzed, path: "Tests/Fuzz", exclude: ["Corpus", "Program.swift"]))

// A nonisolated async function runs where its caller runs: nothing of the service leaves GLib's main
// loop unless it says so.
for target in package.targets where target.type != .system {
  target.swiftSettings = [.enableUpcomingFeature("NonisolatedNonsendingByDefault")]
}
