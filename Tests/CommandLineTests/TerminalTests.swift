import Glibc
import OfflineAccess
import Testing

@testable import offline_access

@Suite("Reading answers")
struct LineSourceTests {
  /// A source whose input is `bytes`, then the end.
  private static func source(_ bytes: [UInt8]) -> LineSource {
    var ends: [Int32] = [0, 0]
    precondition(pipe(&ends) == 0)
    _ = write(ends[1], bytes, bytes.count)
    close(ends[1])
    return LineSource(descriptor: ends[0], isTerminal: false, closes: true)
  }

  @Test("One line an answer, whatever ends it, and nothing of the next")
  func lines() throws {
    let source = Self.source(Array("123456\r\n654321\n\nlast".utf8))
    #expect(try source.ask("", echo: false).text == "123456")
    #expect(try source.ask("", echo: true).text == "654321")
    #expect(try source.ask("", echo: false).text == "")
    #expect(try source.ask("", echo: false).text == "last")
    #expect(throws: LineFailure.endOfInput) { try source.ask("", echo: false) }
  }

  @Test("An endless line is refused, and the next one is read from its start")
  func tooLong() throws {
    let source = Self.source(Array(repeating: UInt8(ascii: "1"), count: 3000) + Array("\n42\n".utf8))
    #expect(throws: LineFailure.tooLong) { try source.ask("", echo: false) }
    #expect(try source.ask("", echo: false).text == "42")
  }

  @Test("A wait ends with its time")
  func timeout() {
    var ends: [Int32] = [0, 0]
    #expect(pipe(&ends) == 0)
    defer { close(ends[1]) }
    let source = LineSource(descriptor: ends[0], isTerminal: false, closes: true)
    #expect(throws: LineFailure.timedOut) { try source.ask("", echo: false, timeout: 0) }
  }
}

@Suite("Small parts")
struct SmallPartsTests {
  @Test("polkit's agent is told the start time, whatever the program is called")
  func startTime() {
    let fields = (4...25).map(String.init).joined(separator: " ")
    #expect(AuthorizationAgent.startTime("12 (a) b) (c) S \(fields)\n") == 22)
    #expect(AuthorizationAgent.startTime("") == nil)
    #expect(AuthorizationAgent.startTime("1 (x) S 2 3") == nil)
  }

  @Test("polkit's agent steps back only where a session can have another one")
  func session() {
    let folder = TemporaryFolder()
    let host = HostFiles(root: folder.path)
    guard getenv("XDG_SESSION_ID") == nil else { return }
    #expect(!AuthorizationAgent.isInSession(host, user: 1000))
    folder.write("run/systemd/users/1000", "NAME=alice\nDISPLAY=\n")
    #expect(!AuthorizationAgent.isInSession(host, user: 1000))
    folder.write("run/systemd/users/1000", "NAME=alice\nDISPLAY=c1\n")
    #expect(AuthorizationAgent.isInSession(host, user: 1000))
    folder.write("proc/self/cgroup", "0::/user.slice/user-1001.slice/session-3.scope\n")
    #expect(AuthorizationAgent.isInSession(host, user: 1001))
  }

  @Test("Control characters from elsewhere cannot steer the terminal")
  func printable() {
    #expect("a\u{1B}[31mb\u{9B}c\u{7}\nd".printable == "a\u{FFFD}[31mb\u{FFFD}c\u{FFFD}\nd")
    #expect("Grüße".printable == "Grüße")
  }

  @Test("Days are spelled out, and what is no day is left as it is")
  func days() {
    #expect(LocalTime.text(isoDay: "2026-12-01") == "1 December 2026")
    for text in ["", "soon", "2026-13-01", "2026-12", "2026-12-01-02"] { #expect(LocalTime.text(isoDay: text) == text) }
  }

  @Test("JSON is one line, in order, and every control character is escaped")
  func json() {
    let value: JSON = [
      "b": true, "a": .array([.null, .integer(-1), .unsigned(.max), "x"]), "text": "\"\\\n\r\t\u{1}\u{2028}ü", "o": [:],
    ]
    #expect(
      value.line
        == #"{"b":true,"a":[null,-1,18446744073709551615,"x"],"text":"\"\\\n\r\t\u0001\u2028ü","o":{}}"#)
  }
}

@Suite("Files that hold a secret")
struct SecretFileTests {
  private let folder = TemporaryFolder()
  private let contents = Secret(Array("secret".utf8))

  @Test("A new file is for its owner alone and goes away again")
  func lifeCycle() throws {
    let path = folder.path + "/qr.png"
    let file = try SecretFile(path: path, contents: contents)
    let found = try #require(HostFiles().information(path))
    #expect(found.mode == 0o600)
    #expect(HostFiles().text(path) == "secret")
    let removed = file.remove()
    #expect(removed)
    #expect(!HostFiles().exists(path))
  }

  @Test("An existing file and a link are left alone")
  func existing() {
    folder.write("there", "mine")
    symlink("\(folder.path)/target", "\(folder.path)/link")
    for name in ["there", "link"] {
      #expect(throws: SecretFile.Failure.exists) {
        _ = try SecretFile(path: "\(folder.path)/\(name)", contents: contents)
      }
    }
    #expect(HostFiles().text("\(folder.path)/there") == "mine")
    #expect(!HostFiles().exists("\(folder.path)/target"))
  }

  @Test("A file that took its place is not removed")
  func replaced() throws {
    let path = folder.path + "/qr.png"
    let file = try SecretFile(path: path, contents: contents)
    rename(path, path + ".moved")
    folder.write("qr.png", "another")
    let removed = file.remove()
    #expect(!removed)
    #expect(HostFiles().text(path) == "another")
  }

  @Test("A path without a file name is refused", arguments: ["", "/tmp/", "..", "/tmp/."])
  func nameless(_ path: String) {
    #expect(throws: SecretFile.Failure.notAFileName) { _ = try SecretFile(path: path, contents: contents) }
  }
}
