import ArgumentParser
import Glibc
import Testing

@testable import offline_access

/// Holds offline-access(1) and the command line together.
@Suite("The command line's manual page")
struct ManualPageTests {
  /// The page's template, with its words in one line.
  static func page() throws -> String {
    let root = #filePath.dropLast("/Tests/CommandLineTests/ManualPageTests.swift".count)
    let file = try #require(fopen("\(root)/docs/man/offline-access.1.in", "r"))
    defer { fclose(file) }
    var bytes: [UInt8] = []
    while case let byte = fgetc(file), byte != EOF { bytes.append(UInt8(byte)) }
    return String(decoding: bytes, as: UTF8.self).split(separator: "\n").joined(separator: " ")
  }

  @Test("every exit status is there with its meaning", arguments: offline_access.ExitStatus.allCases)
  func exitStatus(status: offline_access.ExitStatus) throws {
    #expect(try Self.page().contains(".It \(status.rawValue) \(status.meaning)"))
  }

  @Test("every command is there with all of its options")
  func commands() throws {
    let page = try Self.page()
    for command in OfflineAccessCommand.configuration.subcommands {
      let name = try #require(command.configuration.commandName)
      #expect(page.contains(".It Cm \(name) "), "\(name)")
      for option in command.helpMessage(columns: 200).split(whereSeparator: { " \n[]".contains($0) })
      where option.hasPrefix("--") && option.count > 2 {
        #expect(page.contains("Fl Fl \(option.dropFirst(2).prefix { $0.isLetter || $0 == "-" })"), "\(name) \(option)")
      }
    }
  }
}
