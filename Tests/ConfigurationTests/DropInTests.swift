import Configuration
import Foundation
import OfflineAccess
import Testing

@Suite("Drop-ins")
struct DropInTests {
  private func source(_ fixture: ConfigurationFixture, _ key: String) throws -> String {
    try #require(try fixture.files.load().effective.first { $0.key == key }).source
  }

  @Test("A later file overrides an earlier one key by key, and each value tells where it comes from")
  func overriding() throws {
    let fixture = try ConfigurationFixture("[Allowance]\nlogins=1\ndays=2\n# a comment\nwarn-at=4\n")
    let first = try fixture.drop("10-first.conf", "[Allowance]\ndays=20\nwarn-at=40\n")
    let second = try fixture.drop("20-second.conf", "\n\n[Allowance]\nwarn-at=400\n")
    let policy = try fixture.policy()
    #expect(policy.logins == 1)
    #expect(policy.days == 20)
    #expect(policy.warnAt == 400)
    #expect(try source(fixture, "logins") == "\(fixture.files.main):2")
    #expect(try source(fixture, "days") == "\(first):2")
    #expect(try source(fixture, "warn-at") == "\(second):4")
    #expect(try source(fixture, "attempts") == "default")
  }

  @Test("The order is that of the names' bytes, whatever order they were made in")
  func order() throws {
    let names = ["a.conf", "9.conf", "Z.conf", "10.conf", "é.conf", "-.conf", "~.conf"]
    let fixture = try ConfigurationFixture()
    for (index, name) in names.enumerated() { try fixture.drop(name, "[Allowance]\nlogins=\(index + 1)\n") }
    var last: [String] = []
    for _ in names {
      let name = names[try fixture.policy().logins - 1]
      last.append(name)
      try FileManager.default.removeItem(atPath: fixture.files.dropIns + "/" + name)
    }
    #expect(last == ["é.conf", "~.conf", "a.conf", "Z.conf", "9.conf", "10.conf", "-.conf"])
  }

  @Test("A list is replaced whole")
  func lists() throws {
    let fixture = try ConfigurationFixture("[Factor]\nexempt=root;@staff\n")
    try fixture.drop("a.conf", "[Factor]\nexempt=alice\n")
    #expect(try fixture.policy().exempt == [.user("alice")])
  }

  @Test(
    "Other names are no drop-ins",
    arguments: ["a.conf~", "a.conf.dpkg-old", "a.bak", ".hidden.conf", ".conf", "conf", "a.CONF"])
  func otherNames(_ name: String) throws {
    let fixture = try ConfigurationFixture()
    try fixture.drop(name, "this would be refused\n")
    #expect(try fixture.policy() == Policy())
  }

  @Test("Drop-ins need no main file, and a main file no drop-ins")
  func alone() throws {
    let fixture = try ConfigurationFixture()
    try fixture.drop("a.conf", "[Allowance]\nlogins=5\n")
    #expect(try fixture.policy().logins == 5)
    #expect(try ConfigurationFixture("[Allowance]\nlogins=6\n").policy().logins == 6)
  }

  @Test("An error is blamed on the file that holds it")
  func blamed() throws {
    let fixture = try ConfigurationFixture("[Allowance]\nlogins=5\n")
    try fixture.drop("a.conf", "[Allowance]\nlogins=6\n")
    let wrong = try fixture.drop("b.conf", "[Allowance]\ndays=6\nlogins=x\n")
    let error = try #require(fixture.error())
    #expect(error.file == wrong)
    #expect(error.line == 3)
  }

  @Test("What is wrong stays wrong although a later file overrides it")
  func overriddenError() throws {
    let fixture = try ConfigurationFixture("[Allowance]\nlogins=x\n")
    try fixture.drop("a.conf", "[Allowance]\nlogins=6\n")
    #expect(fixture.error()?.file == fixture.files.main)
  }

  @Test("The same key in two files is no duplicate")
  func sameKey() throws {
    let fixture = try ConfigurationFixture("[Allowance]\nlogins=5\n")
    try fixture.drop("a.conf", "[Allowance]\nlogins=5\n")
    #expect(fixture.error() == nil)
  }
}

@Suite("Noticing changes")
struct FingerprintTests {
  @Test("Without a change the fingerprint stays")
  func unchanged() throws {
    let fixture = try ConfigurationFixture("[Allowance]\nlogins=5\n")
    try fixture.drop("a.conf", "")
    let before = fixture.files.fingerprint()
    _ = try fixture.policy()
    #expect(fixture.files.fingerprint() == before)
  }

  @Test("Every edit, addition and removal changes it")
  func changes() throws {
    let fixture = try ConfigurationFixture()
    let files = FileManager.default
    let steps: [(String, () throws -> Void)] = [
      ("the main file is made", { try fixture.write("[Allowance]\nlogins=5\n") }),
      ("it grows", { try fixture.write("[Allowance]\nlogins=50\n") }),
      (
        "it is replaced by one of the same size",
        {
          try fixture.write(Array("[Allowance]\nlogins=60\n".utf8), to: fixture.folder + "/new")
          try #require(rename(fixture.folder + "/new", fixture.files.main) == 0)
        }
      ),
      (
        "its time changes",
        {
          try files.setAttributes([.modificationDate: Date(timeIntervalSince1970: 1)], ofItemAtPath: fixture.files.main)
        }
      ),
      ("the folder is made, with a drop-in", { try fixture.drop("a.conf", "[Allowance]\nlogins=7\n") }),
      ("a second drop-in is added", { try fixture.drop("b.conf", "") }),
      ("the first is edited", { try fixture.drop("a.conf", "[Allowance]\nlogins=700\n") }),
      ("the second is removed", { try files.removeItem(atPath: fixture.files.dropIns + "/b.conf") }),
      ("the folder is removed", { try files.removeItem(atPath: fixture.files.dropIns) }),
      ("the main file is removed", { try files.removeItem(atPath: fixture.files.main) }),
    ]
    var before = fixture.files.fingerprint()
    for (what, step) in steps {
      try step()
      let after = fixture.files.fingerprint()
      #expect(after != before, "\(what)")
      before = after
    }
  }

  @Test("A folder that becomes unreadable changes it, so that the refusal is noticed")
  func unreadable() throws {
    let fixture = try ConfigurationFixture("")
    try fixture.drop("a.conf", "")
    let before = fixture.files.fingerprint()
    try FileManager.default.removeItem(atPath: fixture.files.dropIns)
    try fixture.write([], to: fixture.files.dropIns)
    #expect(fixture.files.fingerprint() != before)
    #expect(fixture.error() != nil)
  }
}
