import Foundation
import Glibc
import Testing

extension IntegrationTests {
  @Suite("PAM when something is broken: closed")
  struct PAMFailures {
    let user: String
    let phone: Phone

    init() throws {
      try Machine.reset()
      try PAMHost.install()
      // In front of a module that ignores itself, pam_permit alone would let anybody in.
      try Machine.pamService("test-ignored", "auth required pam_permit.so", "auth required \(PAMHost.module)")
      try Machine.pamService("test-alone", "auth required \(PAMHost.module)")
      user = try Machine.newUser()
      phone = try Phone.activated(user)
    }

    /// Tries every stack with the right code; all have to deny and to say `text`.
    private func expectAllOut(_ code: String, saying text: String, sourceLocation: SourceLocation = #_sourceLocation)
      throws
    {
      for service in ["test-alone", "test-ignored"] {
        expectOut(
          try PromptDialogue.run(["pamtester", service, user, "authenticate"], typing: [code]), saying: text,
          sourceLocation: sourceLocation)
      }
      expectOut(try PAMHost.login(user, code), saying: text, sourceLocation: sourceLocation)
      expectOut(try PAMHost.sudo(user, code), saying: text, sourceLocation: sourceLocation)
    }

    @Test("A host that answers every prompt with the password lets nobody in and locks nobody")
    func passwordAgain() throws {
      try Machine.configure("[Failure]\nattempts=1\n")
      expectOut(try PAMHost.login(user, Machine.password), saying: "That was the password again")
      expectOut(try PAMHost.sudo(user, Machine.password), saying: "That was the password again")
      #expect(try Factor.root.allowance(user)["state"] == "ready")
      // Where no module had a password before, it is a wrong code like any other.
      let alone = ["pamtester", "test-alone", user, "authenticate"]
      expectOut(try PromptDialogue.run(alone, typing: [Machine.password]), saying: "That passcode is not right.")
      #expect(try Factor.root.allowance(user)["state"] == "locked")
    }

    @Test("The service's program is missing: denied, and in again when it is back")
    func missing() throws {
      let code = try phone.nextCode()
      try Machine.stopService()
      try run("mv", "/usr/libexec/offline-accessd", "/usr/libexec/offline-accessd.away").expectSuccess()
      defer { _ = try? run("mv", "/usr/libexec/offline-accessd.away", "/usr/libexec/offline-accessd") }
      try expectAllOut(code, saying: "Offline access is not available on this computer (")
      try run("mv", "/usr/libexec/offline-accessd.away", "/usr/libexec/offline-accessd").expectSuccess()
      expectIn(try PAMHost.login(user, code), saying: "(10 logins left)")
    }

    @Test("The service's program fails at once: denied")
    func broken() throws {
      let code = try phone.nextCode()
      try Machine.stopService()
      try run("mv", "/usr/libexec/offline-accessd", "/usr/libexec/offline-accessd.away").expectSuccess()
      defer { _ = try? run("mv", "/usr/libexec/offline-accessd.away", "/usr/libexec/offline-accessd") }
      try run("cp", "/bin/false", "/usr/libexec/offline-accessd").expectSuccess()
      try expectAllOut(code, saying: "Offline access is not available on this computer (")
    }

    @Test("There is no bus: denied")
    func noBus() throws {
      let code = try phone.nextCode()
      // A service that runs already would be reached without the bus.
      try Machine.stopService()
      // In a mount namespace of its own, where an empty folder hides the bus's socket.
      for service in ["test-alone", "test-ignored"] {
        let answer = try PromptDialogue.run(
          [
            "unshare", "--mount", "sh", "-c",
            "mount -t tmpfs none /run/dbus && exec pamtester \(service) \(user) authenticate",
          ],
          typing: [code])
        expectOut(
          answer, saying: "Offline access is not available on this computer (the system bus cannot be reached).")
      }
      expectIn(try PAMHost.login(user, code))
    }

    @Test("The bus takes connections and says nothing: denied in ten seconds at most")
    func silentBus() throws {
      try Machine.stopService()
      let folder = "/run/silent-bus"
      try FileManager.default.createDirectory(atPath: folder, withIntermediateDirectories: true)
      let listener = socket(AF_UNIX, Int32(SOCK_STREAM.rawValue) | Int32(SOCK_CLOEXEC.rawValue), 0)
      defer {
        close(listener)
        try? FileManager.default.removeItem(atPath: folder)
      }
      var address = sockaddr_un()
      address.sun_family = sa_family_t(AF_UNIX)
      withUnsafeMutableBytes(of: &address.sun_path) { $0.copyBytes(from: "\(folder)/system_bus_socket".utf8) }
      let isBound = withUnsafePointer(to: &address) {
        $0.withMemoryRebound(to: sockaddr.self, capacity: 1) {
          bind(listener, $0, socklen_t(MemoryLayout<sockaddr_un>.size))
        }
      }
      try #require(isBound == 0 && listen(listener, 8) == 0)
      let start = ContinuousClock.now
      let answer = try PromptDialogue.run([
        "unshare", "--mount", "sh", "-c",
        "mount --bind \(folder) /run/dbus && exec pamtester test-ignored \(user) authenticate",
      ])
      #expect(ContinuousClock.now - start < inTime)
      expectOut(answer, saying: "Offline access is not available on this computer (")
    }

    @Test("The configuration is wrong: denied, and the file is named")
    func configuration() throws {
      let code = try phone.nextCode()
      try Machine.configure("[Allowance]\nlogins=many\n")
      for service in ["test-alone", "test-ignored"] {
        let answer = try PromptDialogue.run(["pamtester", service, user, "authenticate"], typing: [code])
        expectOut(answer, saying: "/etc/offline-access/offline-access.conf:2: logins=many")
        #expect(!answer.text.contains("Offline passcode"))
      }
      try Machine.configure("")
      expectIn(try PAMHost.login(user, code), saying: "(10 logins left)")
    }

    @Test("The service stands still before the prompt: denied in ten seconds at most")
    func stopped() throws {
      let code = try phone.nextCode()
      let service = try stopService()
      defer { kill(service, SIGCONT) }
      let start = ContinuousClock.now
      let answer = try PromptDialogue.run(["pamtester", "test-ignored", user, "authenticate"], typing: [code])
      #expect(ContinuousClock.now - start < inTime)
      expectOut(answer, saying: "the service did not answer in time")
      kill(service, SIGCONT)
      expectIn(try PAMHost.login(user, code), saying: "(10 logins left)")
    }

    @Test("The service stands still behind the prompt: denied in ten seconds at most, and nothing is taken twice")
    func stoppedBehindPrompt() throws {
      let code = try phone.nextCode()
      let dialogue = try PromptDialogue(["pamtester", "test-ignored", user, "authenticate"])
      try dialogue.wait(for: "(10 logins left): ")
      let service = try stopService()
      defer { kill(service, SIGCONT) }
      let start = ContinuousClock.now
      dialogue.answer(code)
      let answer = try dialogue.finish()
      #expect(ContinuousClock.now - start < inTime)
      expectOut(answer, saying: "the service did not answer in time")
      kill(service, SIGCONT)
      // What the service still makes of it once it goes on: the code is spent and counted, or neither.
      let allowance = try Factor.root.allowance(user)
      let isSpent = allowance["remaining"] == "9"
      #expect(isSpent || allowance["remaining"] == "10")
      #expect(allowance["state"] == "ready")
      let again = try Factor.root.authenticate(user, code)
      #expect(again.error == (isSpent ? "ResponseReplayed" : nil))
      #expect(try Factor.root.allowance(user)["remaining"] == "9")
    }

    @Test("The service is killed between prompt and answer: the next one answers, and the code is spent once")
    func killed() throws {
      for left in stride(from: 10, to: 5, by: -1) {
        let code = try phone.nextCode()
        let dialogue = try PromptDialogue(["pamtester", "test-ignored", user, "authenticate"])
        try dialogue.wait(for: "(\(left) logins left): ")
        try Machine.stopService(signal: SIGKILL)
        dialogue.answer(code)
        expectIn(try dialogue.finish(), saying: "\(left - 1) offline logins remaining.")
        expectRefused(try Factor.root.authenticate(user, code), "ResponseReplayed")
        #expect(try Factor.root.allowance(user)["remaining"] == String(left - 1))
      }
    }

    @Test("The service is killed while answers are on their way: a yes is never given without being spent")
    func killedInFlight() throws {
      var left = 10
      for round in 0..<8 {
        let code = try phone.nextCode()
        let dialogue = try PromptDialogue(["pamtester", "test-ignored", user, "authenticate"])
        try dialogue.wait(for: "Offline passcode (\(left) login")
        let service = try #require(try Machine.servicePID())
        dialogue.answer(code)
        // A different moment each round.
        for _ in 0..<round * 2000 { _ = getppid() }
        kill(service, SIGKILL)
        let ending = try dialogue.finish()
        try waitUntil("the service has ended") { kill(service, 0) != 0 }
        let remaining = try #require(Int(try Factor.root.allowance(user)["remaining"] ?? ""))
        #expect(remaining == left || remaining == left - 1)
        if ending.status == 0 { #expect(remaining == left - 1, "\(ending.text)") } else { expectOut(ending) }
        // What was counted was spent with it, and the other way round.
        let again = try Factor.root.authenticate(user, code)
        #expect(again.error == (remaining == left ? nil : "ResponseReplayed"))
        left -= 1
      }
    }

    @Test("No way to fail is an ignored module: behind pam_permit each of them denies")
    func neverIgnored() throws {
      let ignored = ["pamtester", "test-ignored", user, "authenticate"]
      expectOut(try PromptDialogue.run(ignored))
      expectOut(try PromptDialogue.run(ignored, typing: [""]))
      for _ in 1...5 { expectOut(try PromptDialogue.run(ignored, typing: ["000000"])) }
      expectOut(try PromptDialogue.run(ignored, typing: [phone.code(ahead: 30)]), saying: "Too many failed attempts")
      for name in ["nobody-of-that-name", String(repeating: "x", count: 300)] {
        expectOut(try PromptDialogue.run(["pamtester", "test-ignored", name, "authenticate"], typing: ["000000"]))
      }
      let other = try Machine.newUser()
      expectOut(try PromptDialogue.run(["pamtester", "test-ignored", other, "authenticate"]), saying: "not set up")
      try Machine.pamService("test-ignored", "auth required pam_permit.so", "auth required \(PAMHost.module) debug")
      expectOut(try PromptDialogue.run(ignored, typing: [phone.nextCode()]))
    }

    /// Stops the service that runs and returns its process id.
    private func stopService() throws -> Int32 {
      _ = try Factor.root.allowance(user)
      let service = try #require(try Machine.servicePID())
      kill(service, SIGSTOP)
      return service
    }
  }
}
