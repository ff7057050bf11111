import Foundation
import Glibc
import OnlineWire
import Testing

extension IntegrationTests.OnlineFactor {
  @Suite("What the process may do, and how it hears")
  struct ConfinementTests {
    @Test("started by root it is nobody, without groups, capabilities, new programs, files or a readable memory")
    func confined() throws {
      let talk = try OnlineTalk()
      let path = "/proc/\(talk.pid)"
      try waitUntil("it waits for the service") {
        try String(contentsOfFile: "\(path)/status", encoding: .utf8).contains("Seccomp:\t2\n")
      }
      let status = try String(contentsOfFile: "\(path)/status", encoding: .utf8)
      for line in [
        "Uid:\t65534\t65534\t65534\t65534\n", "Gid:\t65534\t65534\t65534\t65534\n", "Groups:\t \n", "NoNewPrivs:\t1\n",
        "CapPrm:\t0000000000000000\n", "CapEff:\t0000000000000000\n", "CapInh:\t0000000000000000\n",
      ] {
        #expect(status.contains(line), "\(line) not in \(status)")
      }
      #expect(try FileManager.default.contentsOfDirectory(atPath: "\(path)/fd").sorted() == ["0", "1", "2"])
      let limits = try String(contentsOfFile: "\(path)/limits", encoding: .utf8)
      for limit in ["file size", "core file size"] {
        #expect(limits.contains(try Regex("Max \(limit) +0 +0 ")))
      }
      // Its files in /proc belong to root while its memory may not be read.
      var information = stat()
      #expect(stat("\(path)/mem", &information) == 0 && information.st_uid == 0)
      #expect(try talk.end() == 0)
    }

    @Test("it starts no process and no program, whoever takes it over")
    func alone() throws {
      let talk = try OnlineTalk()
      try waitUntil("it waits for the service") {
        try String(contentsOfFile: "/proc/\(talk.pid)/status", encoding: .utf8).contains("Seccomp:\t2\n")
      }
      // Root may still look into it, and make it do what an attacker would.
      let calls = ["(int)fork()", "(int)execl(\"/bin/true\", \"true\", 0)", "(int)setuid(0)"]
      let arguments = calls.flatMap { ["-ex", "print \($0)"] }
      let answer = try run(["timeout", "20", "gdb", "-nx", "-batch", "-p", "\(talk.pid)"] + arguments).output
      for number in 1...calls.count { #expect(answer.contains("$\(number) = -1"), "\(answer)") }
    }

    @Test("an ordinary user may start it, too")
    func ordinary() throws {
      let user = try PrivacyIDEAServer.newUser()
      let serial = try PrivacyIDEAServer.tell("hotp \(user) \(PrivacyIDEAServer.secret)")
      let talk = try OnlineTalk(as: "mallory")
      _ = try talk.begin(PrivacyIDEAServer.settings(), user)
      expectApproved(try talk.answer(PrivacyIDEAServer.codes[0]), by: serial)
    }

    @Test("the environment does not lead it to a proxy or to other certificates")
    func environment() throws {
      let user = try PrivacyIDEAServer.newUser()
      try PrivacyIDEAServer.tell("hotp \(user) \(PrivacyIDEAServer.secret)")
      let talk = try OnlineTalk(environment: [
        "https_proxy": "http://127.0.0.1:1", "HTTPS_PROXY": "http://127.0.0.1:1", "ALL_PROXY": "http://127.0.0.1:1",
        "CURL_CA_BUNDLE": "/dev/null", "SSL_CERT_FILE": "/dev/null",
      ])
      #expect(try talk.begin(PrivacyIDEAServer.settings(), user).challenge != nil)
    }

    @Test("a socket of systemd's will do as well")
    func socketActivation() throws {
      let user = try PrivacyIDEAServer.newUser()
      let serial = try PrivacyIDEAServer.tell("hotp \(user) \(PrivacyIDEAServer.secret)")
      let talk = try OnlineTalk(listeningAt: "/run/online-test.socket")
      _ = try talk.begin(PrivacyIDEAServer.settings(), user)
      expectApproved(try talk.answer(PrivacyIDEAServer.codes[0]), by: serial)
    }

    @Test("it takes no arguments")
    func arguments() throws {
      #expect(try run(Machine.builtProgram("offline-access-online"), "--help").status == 64)
    }

    @Test("out of turn, to another request, or garbled, the service gets no answer")
    func outOfTurn() throws {
      let other = try #require(RequestID([UInt8](repeating: 0, count: 32)))
      let settings = try PrivacyIDEAServer.settings()
      let user = try PrivacyIDEAServer.newUser()
      try PrivacyIDEAServer.tell("hotp \(user) \(PrivacyIDEAServer.secret)")
      func begun() throws -> OnlineTalk {
        let talk = try OnlineTalk()
        #expect(try talk.begin(settings, user).challenge != nil)
        return talk
      }
      for talk in [try OnlineTalk(), try OnlineTalk()] {
        try talk.send(.answer(talk.id, code: []))
        #expect(try talk.replyOrEnd() == nil)
        #expect(try talk.end() == 76)
      }
      for request in [OnlineRequest.answer(other, code: []), .wait(other, milliseconds: 0)] {
        let talk = try begun()
        try talk.send(request)
        #expect(try talk.replyOrEnd() == nil)
      }
      let twice = try begun()
      try twice.send(.probe(twice.id, settings))
      #expect(try twice.replyOrEnd() == nil)
      // No push is open.
      let waiting = try begun()
      try waiting.send(.wait(waiting.id, milliseconds: 0))
      #expect(try waiting.replyOrEnd() == nil)
      let abandoned = try begun()
      try abandoned.send(.abandon)
      #expect(try abandoned.replyOrEnd() == nil)
      #expect(try abandoned.end() == 0)
    }
  }
}
