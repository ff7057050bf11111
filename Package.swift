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
    .executable(name: "offline-access-agent", targets: ["offline-access-agent"]),
    .executable(name: "offline-access-online", targets: ["offline-access-online"]),
    .executable(name: "offline-access-greeter", targets: ["offline-access-greeter"]),
  ],
  dependencies: [
    // The command line only; the service has no third-party Swift package.
    .package(url: "https://github.com/apple/swift-argument-parser", from: "1.8.2")
  ],
  targets: [
    library("CGLib", "glib-2.0", apt: "libglib2.0-dev"),
    library("CGIO", "gio-unix-2.0", apt: "libglib2.0-dev"),
    library("CSQLite", "sqlite3", apt: "libsqlite3-dev"),
    library("CCrypto", "libcrypto", apt: "libssl-dev"),
    library("CQREncode", "libqrencode", apt: "libqrencode-dev"),
    library("CPNG", "libpng", apt: "libpng-dev"),
    library("CFIDO2", "libfido2", apt: "libfido2-dev"),
    library("CCurl", "libcurl", apt: "libcurl4-openssl-dev"),
    library("CGTK", "gtk+-3.0", apt: "libgtk-3-dev"),
    library("CLightDM", "liblightdm-gobject-1", apt: "liblightdm-gobject-dev"),
    // For tests only.
    library("CDBus", "dbus-1", apt: "libdbus-1-dev"),
    library("CUMockdev", "umockdev-1.0", apt: "libumockdev-dev"),

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
    .target(name: "Threads", dependencies: ["CLinux"]),
    .target(name: "Store", dependencies: ["OfflineAccess", "Threads", "CSQLite", "CCrypto", "CLinux"]),
    .target(name: "SecurityKey", dependencies: ["OfflineAccess", "Threads", "CFIDO2", "CCrypto", "CLinux"]),
    .target(name: "Configuration", dependencies: ["OfflineAccess", "CGLib"]),
    .target(name: "GLibBus", dependencies: ["OfflineAccess", "BusInterface", "CGIO", "CLinux"]),
    .target(
      name: "OfflineAccessService",
      dependencies: [
        "OfflineAccess", "BusInterface", "Passcode", "Store", "SecurityKey", "AuthorityProcess", "GLibBus",
        "Configuration", "CGLib", "CLinux", "ProgramPages",
      ]),
    // Wipes what the service's process frees; nothing else links it.
    .target(name: "WipingFree", path: "Sources/C/WipingFree"),
    // Keeps the code of the service's process out of locked memory.
    .target(name: "ProgramPages", path: "Sources/C/ProgramPages"),
    .executableTarget(name: "offline-accessd", dependencies: ["OfflineAccessService", "WipingFree"]),

    // The online factor: a process of its own, which the service talks to in the words of OnlineWire.
    .target(name: "OnlineWire"),
    .target(name: "Online", dependencies: ["OnlineWire", "CCurl", "CCrypto", "CLinux"]),
    .executableTarget(name: "offline-access-online", dependencies: ["Online", "WipingFree"]),

    // The service's end of that talk.
    .target(
      name: "AuthorityProcess", dependencies: ["OfflineAccess", "OnlineWire", "Configuration", "Threads", "CLinux"]),

    // Front ends. BusClient and Conversation also compile as Embedded Swift (see Makefile).
    .target(name: "BusClient", dependencies: ["OfflineAccess", "BusInterface"]),
    .target(name: "Conversation", dependencies: ["OfflineAccess", "BusInterface", "BusClient"]),
    .executableTarget(
      name: "offline-access",
      dependencies: [
        "OfflineAccess", "BusInterface", "BusClient", "Conversation", "QRCodes", "CPNG", "CLinux", "Configuration",
        "AuthorityProcess",
        .product(name: "ArgumentParser", package: "swift-argument-parser"),
      ],
      path: "Sources/CommandLine"),

    .target(name: "QRCodes", dependencies: ["OfflineAccess", "CQREncode"]),
    // What graphical front ends share: what there is to see, and its drawing with GTK.
    .target(name: "FactorScene", dependencies: ["Conversation", "OfflineAccess"]),
    .target(name: "FactorView", dependencies: ["FactorScene", "Conversation", "OfflineAccess", "QRCodes", "CGTK"]),

    .executableTarget(
      name: "offline-access-greeter",
      dependencies: ["FactorScene", "FactorView", "BusClient", "OfflineAccess", "CGTK", "CLightDM"],
      path: "Sources/Greeter"),

    // The polkit agent: its talk with polkit and polkit's helper without any toolkit, then terminal and window.
    .target(
      name: "PolkitAgent",
      dependencies: ["OfflineAccess", "BusInterface", "GLibBus", "BusClient", "Conversation", "CLinux"]),
    .executableTarget(
      name: "offline-access-agent",
      dependencies: ["PolkitAgent", "OfflineAccess", "GLibBus", "FactorScene", "FactorView", "CGTK", "CLinux"]),

    // Writes the parts of the manual pages that repeat the code; not installed.
    .executableTarget(
      name: "offline-access-manual", dependencies: ["OfflineAccess", "BusInterface"], path: "Sources/Manual"),

    // Security keys in software, for tests and the demo.
    .target(name: "SoftKey", dependencies: ["CCrypto"], path: "Tests/SoftKey"),
    .executableTarget(name: "soft-keys", dependencies: ["SoftKey", "CUMockdev"], path: "Tests/SoftKeyHost"),

    .testTarget(name: "BenchTests"),
    .testTarget(name: "OfflineAccessTests", dependencies: ["OfflineAccess"]),
    .testTarget(name: "PasscodeTests", dependencies: ["Passcode", "OfflineAccess"]),
    .testTarget(name: "StoreTests", dependencies: ["Store", "Threads", "Passcode", "OfflineAccess", "CSQLite"]),
    .testTarget(name: "BusInterfaceTests", dependencies: ["BusInterface", "OfflineAccess"]),
    .testTarget(
      name: "ConversationTests", dependencies: ["Conversation", "BusClient", "OfflineAccess", "BusInterface"]),
    .testTarget(
      name: "FactorSceneTests", dependencies: ["FactorScene", "Conversation", "BusClient", "OfflineAccess"]),
    .testTarget(
      name: "PolkitAgentTests", dependencies: ["PolkitAgent", "OfflineAccess", "GLibBus", "Conversation", "BusClient"]),
    .testTarget(name: "ConfigurationTests", dependencies: ["Configuration", "OfflineAccess"]),
    .testTarget(
      name: "ManualTests", dependencies: ["offline-access-manual", "OfflineAccess", "BusInterface", "Configuration"]),
    .testTarget(name: "CommandLineTests", dependencies: ["offline-access", "QRCodes"]),
    .testTarget(name: "ServiceTests", dependencies: ["OfflineAccessService", "GLibBus", "OfflineAccess"]),
    .testTarget(
      name: "SecurityKeyTests",
      dependencies: ["SecurityKey", "SoftKey", "OfflineAccess", "Configuration", "CFIDO2", "CLinux"]),
    .testTarget(name: "SoftKeyTests", dependencies: ["SoftKey", "CFIDO2"]),
    .testTarget(name: "OnlineWireTests", dependencies: ["OnlineWire"]),
    .testTarget(name: "OnlineTests", dependencies: ["Online", "OnlineWire", "CCrypto", "CCurl"]),
    // Runs in the throw-away machine: see tools/machine.
    .testTarget(
      name: "IntegrationTests", dependencies: ["BusInterface", "OfflineAccess", "BusClient", "Store", "OnlineWire"],
      exclude: [
        "SecurityKeys/referee.py", "Online/privacyidea_server.py", "Online/duo_stand_in.py", "Online/fault_server.py",
        "Online/relay.py", "Greeter/reader.py", "Greeter/monitors.py",
      ]),
  ],
  swiftLanguageModes: [.v6]
)

// The fuzz targets: by tools/fuzz as a program with libFuzzer, else as a test that runs the corpus.
let isFuzzing = Context.environment["OFFLINE_ACCESS_FUZZ"] != nil
let fuzzed: [Target.Dependency] = [
  "OfflineAccess", "BusInterface", "Passcode", "Store", "Configuration", "GLibBus", "BusClient", "Conversation",
  "SecurityKey", "SoftKey", "CDBus", "CGIO", "CFIDO2", "OnlineWire", "Online",
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
