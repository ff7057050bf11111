import Configuration
import Foundation
import Testing

@Suite("A configuration file that cannot be trusted or read")
struct RefusedFileTests {
  private func reason(_ fixture: ConfigurationFixture, file: String? = nil) throws -> String {
    let error = try #require(fixture.error())
    #expect(error.file == file ?? fixture.files.main)
    #expect(error.line == nil)
    #expect(error.description == "\(error.file): \(error.reason)")
    return error.reason
  }

  @Test("A file that others can write is refused", arguments: [0o646, 0o664, 0o666, 0o602, 0o777])
  func writable(_ mode: Int) throws {
    let fixture = try ConfigurationFixture()
    try fixture.write(Array("[Failure]\nmode=open\n".utf8), to: fixture.files.main, mode: mode)
    #expect(try reason(fixture) == "must belong to root and be writable by root alone")
  }

  @Test("A drop-in that others can write is refused as well")
  func writableDropIn() throws {
    let fixture = try ConfigurationFixture()
    let path = try fixture.drop("a.conf", "[Failure]\nmode=open\n")
    try FileManager.default.setAttributes([.posixPermissions: 0o666], ofItemAtPath: path)
    #expect(try reason(fixture, file: path) == "must belong to root and be writable by root alone")
  }

  @Test("Another user's file is refused", .enabled(if: geteuid() == 0))
  func owner() throws {
    let fixture = try ConfigurationFixture("[Failure]\nmode=open\n")
    try FileManager.default.setAttributes([.ownerAccountID: 12_345], ofItemAtPath: fixture.files.main)
    #expect(try reason(fixture) == "must belong to root and be writable by root alone")
  }

  @Test("A folder in the file's place is refused")
  func folder() throws {
    let fixture = try ConfigurationFixture()
    try FileManager.default.createDirectory(atPath: fixture.files.main, withIntermediateDirectories: false)
    #expect(try reason(fixture) == "not a regular file")
  }

  @Test("A pipe in the file's place is refused and not waited for")
  func pipe() throws {
    let fixture = try ConfigurationFixture()
    try #require(mkfifo(fixture.files.main, 0o644) == 0)
    #expect(try reason(fixture) == "not a regular file")
  }

  @Test("A device in the file's place is refused")
  func device() throws {
    let fixture = try ConfigurationFixture()
    try FileManager.default.createSymbolicLink(atPath: fixture.files.main, withDestinationPath: "/dev/zero")
    #expect(try reason(fixture) == "not a regular file")
  }

  @Test("A file larger than a mebibyte is refused, one of that size is read")
  func size() throws {
    let fixture = try ConfigurationFixture(String(repeating: "#", count: 1 << 20))
    #expect(fixture.error() == nil)
    try fixture.write(String(repeating: "#", count: (1 << 20) + 1))
    #expect(try reason(fixture) == "larger than 1048576 bytes")
  }

  @Test("Links in a circle are refused")
  func circle() throws {
    let fixture = try ConfigurationFixture()
    try FileManager.default.createSymbolicLink(atPath: fixture.files.main, withDestinationPath: fixture.files.main)
    #expect(try reason(fixture).contains("symbolic links"))
  }

  @Test("A drop-in folder that is none is refused")
  func dropInsAreAFile() throws {
    let fixture = try ConfigurationFixture("")
    try fixture.write([], to: fixture.files.dropIns)
    #expect(try reason(fixture, file: fixture.files.dropIns) == "Not a directory")
  }

  @Test("A drop-in folder that is a circle of links is refused")
  func dropInsInACircle() throws {
    let fixture = try ConfigurationFixture("")
    try FileManager.default.createSymbolicLink(
      atPath: fixture.files.dropIns, withDestinationPath: fixture.files.dropIns)
    #expect(try reason(fixture, file: fixture.files.dropIns).contains("symbolic links"))
  }

  @Test("A drop-in folder that cannot be listed is refused", .enabled(if: geteuid() != 0))
  func unreadableFolder() throws {
    let fixture = try ConfigurationFixture("")
    try FileManager.default.createDirectory(
      atPath: fixture.files.dropIns, withIntermediateDirectories: false, attributes: [.posixPermissions: 0])
    #expect(try reason(fixture, file: fixture.files.dropIns) == "Permission denied")
  }

  @Test("A file that cannot be read is refused", .enabled(if: geteuid() != 0))
  func unreadableFile() throws {
    let fixture = try ConfigurationFixture()
    try fixture.write([], to: fixture.files.main, mode: 0)
    #expect(try reason(fixture) == "Permission denied")
  }
}
