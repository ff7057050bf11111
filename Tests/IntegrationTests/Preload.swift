import Foundation
import Testing

/// A C library that stands in front of the C library's own functions, as a fault of the machine would.
struct Preload {
  let path: String

  /// Compiles `source`.
  init(_ name: String, _ source: String) throws {
    path = "/run/\(name).so"
    try Machine.write("#define _GNU_SOURCE\n" + source, to: "/run/\(name).c")
    try run("cc", "-shared", "-fPIC", "-O1", "-Wall", "-Werror", "-o", path, "/run/\(name).c").expectSuccess()
  }

  /// Runs `body` while the bus starts the service under this library.
  func underService(_ body: () throws -> Void) throws {
    try Machine.stopService()
    let text = try String(contentsOfFile: Clock.activation, encoding: .utf8)
    defer {
      try? Machine.stopService()
      try? Clock.activate(text)
    }
    try Clock.activate(text.replacing("LD_PRELOAD=", with: "LD_PRELOAD=\(path):"))
    try body()
  }
}
