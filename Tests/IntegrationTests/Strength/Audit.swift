import Foundation
import Glibc
import OfflineAccess
import Testing

extension IntegrationTests.Strength {
  @Suite("The journal tells every yes, no, lock, set-up and administrator's act, with its fields")
  struct Audit {
    let user: String
    let uid: String
    let log: ServiceLog

    init() throws {
      try Machine.reset("[Service]\nidle-exit=0\n")
      user = try Machine.newUser()
      uid = try trimmed(run("id", "-u", user).expectSuccess().output)
      log = try ServiceLog()
    }

    @Test("a yes, a wrong code, a spent one, the lock and what comes behind it")
    func authentication() throws {
      let phone = try Phone.activated(user)
      let code = try phone.nextCode()
      let options = ["service": "sshd", "purpose": "login", "remote": "192.0.2.7"]
      expectYes(try Factor.root.authenticate(user, code, options))
      expectRefused(try Factor(user: user).authenticate("", code), "ResponseReplayed")
      expectRefused(try Factor.root.authenticate(user, ""), "ResponseRequired")
      for _ in 1...5 { expectRefused(try Factor.root.authenticate(user, "000000", options), "BadResponse") }
      let until = try #require(try Factor.root.allowance(user)["locked-until"])
      expectRefused(try Factor.root.authenticate(user, phone.code(ahead: 30), ["purpose": "unlock"]), "Locked")

      let common = ["user": user, "uid": uid, "by": "0", "call": "Authenticate", "method": "passcode"]
      let prompt = common.merging(options) { $1 }
      let wrong = prompt.merging(["event": "refused", "reason": "BadResponse", "remaining": "9"]) { $1 }
      let locked = ["locked-until": until]
      try expect(
        [
          prompt.merging(["event": "granted", "via": "offline", "remaining": "9"]) { $1 },
          common.merging([
            "event": "refused", "by": uid, "purpose": "login", "reason": "ResponseReplayed", "remaining": "9",
          ]) { $1 },
          wrong, wrong, wrong, wrong, wrong.merging(locked) { $1 },
          prompt.merging(locked) { $1 }.merging(["event": "locked"]) { $1 },
          common.merging(["event": "refused", "purpose": "unlock", "reason": "Locked", "remaining": "9"]) { $1 }
            .merging(locked) { $1 },
        ], of: ["granted", "refused", "locked"])
    }

    @Test("a set-up is told at each step, and how it ended")
    func activation() throws {
      let first = expectYes(try Factor.root.activate(user))
      let second = expectYes(try Factor.root.activate(user))
      expectRefused(try Factor.root.confirm(first.path, "000000"), "NoSuchActivation")
      expectRefused(try Factor.root.confirm(second.path, "000000"), "BadResponse")
      expectRefused(try Factor(user: "mallory").cancel(second.path), "NoSuchActivation")
      expectYes(try Factor.root.cancel(second.path))
      let third = expectYes(try Factor.root.activate(user))
      let phone = try Phone(uri: try #require(third["uri"]))
      expectYes(try Factor.root.confirm(third.path, phone.code()))
      expectRefused(try Factor.root.activate(user), "AlreadyActivated")
      expectRefused(try Factor(user: user).reactivate("", "passcode", ["response": "000000"]), "BadResponse")
      let fourth = expectYes(try Factor(user: user).reactivate("", "passcode", ["response": phone.nextCode()]))
      expectYes(try Factor.root.deactivate(user))

      let numbers = [first, second, third, fourth].map { String($0.path.split(separator: "/").last ?? "") }
      let mallory = try trimmed(run("id", "-u", "mallory").expectSuccess().output)
      func step(_ step: String, _ index: Int, by: String? = "0", kind: String = "first") -> [String: String] {
        var fields = [
          "event": "activation", "step": step, "activation": numbers[index], "kind": kind, "user": user, "uid": uid,
          "method": "passcode",
        ]
        fields["by"] = by
        return fields
      }
      func no(_ call: String, _ index: Int, _ reason: String, by: String = "0") -> [String: String] {
        [
          "event": "activation", "step": "refused", "activation": numbers[index], "call": call, "by": by,
          "reason": reason,
        ]
      }
      let own = ["user": user, "uid": uid, "call": "Reactivate", "by": uid, "method": "passcode"]
      try expect(
        [
          step("started", 0), step("replaced", 0), step("started", 1),
          no("Confirm", 0, "NoSuchActivation"),
          no("Confirm", 1, "BadResponse").merging(["user": user, "uid": uid]) { $1 },
          no("Cancel", 1, "NoSuchActivation", by: mallory),
          step("cancelled", 1), step("started", 2), step("confirmed", 2),
          ["event": "refused", "user": user, "uid": uid, "by": "0", "call": "Activate", "reason": "AlreadyActivated"],
          // A guess is told, and counts, wherever it is made.
          own.merging(["event": "refused", "reason": "BadResponse", "remaining": "10"]) { $1 },
          own.merging(["event": "granted", "via": "offline", "remaining": "10"]) { $1 },
          step("started", 3, by: uid, kind: "replacement"), step("dropped", 3, kind: "replacement"),
          ["event": "deactivation", "user": user, "uid": uid, "by": "0", "call": "Deactivate"],
        ], of: ["granted", "refused", "activation", "deactivation"])
    }

    @Test("a set-up that nobody confirms ends with its time or with the service")
    func abandoned() throws {
      // The clocks that nobody can set are moved along, for one service that is started by hand.
      let service = try PromptDialogue(
        ["/usr/libexec/offline-accessd"], environment: try Clock.environment(uptime: true))
      try service.wait(for: "answers")
      expectYes(try Factor.root.activate(user))
      try Clock.advance(601)
      expectYes(try Factor.root.activate(user))
      kill(service.pid, SIGTERM)
      let text = try service.finish().text
      let steps = Self.entries(text).filter { $0["event"] == "activation" }
      #expect(steps.map { $0["step"] } == ["started", "expired", "started", "dropped"], "\(text)")
      #expect(
        steps.allSatisfy { $0["user"] == user && ($0["by"] == nil) == (["expired", "dropped"].contains($0["step"])) })
      #expect(Self.entries(text).map { $0["event"] }.last == "service")
    }

    @Test("Renew, Deactivate, set-ups for others, who may not, and the configuration")
    func administration() throws {
      _ = try Phone.activated(user)
      expectYes(try Factor.root.renew(user))
      expectRefused(try Factor(user: "mallory").renew(user), "InteractiveAuthorizationRequired")
      expectRefused(try Factor(user: "mallory").authenticate(user, "000000"), "AccessDenied")
      expectRefused(try Factor.root.authenticate("hunter2-typed-as-a-name", "000000"), "NoSuchUser")
      expectYes(try Factor.root.deactivate(user))
      expectRefused(try Factor.root.renew(user), "NotActivated")
      try Machine.configure("[Service]\nidle-exit=0\n[Allowance]\nlimit=both\nlogins=five\n")
      expectRefused(try Factor.root.authenticate(user, "000000"), "Failed")
      try Machine.configure(
        "[Service]\nidle-exit=0\n[Allowance]\nlimit=both\n[Factor]\nexempt=\(user)\n[Failure]\nmode=open\n")
      expectYes(try Factor.root.authenticate(user, ""))
      let other = try Machine.newUser()
      expectYes(try Factor.root.authenticate(other, "", ["purpose": "elevation", "service": "sudo"]))

      let mallory = try trimmed(run("id", "-u", "mallory").expectSuccess().output)
      let otherUID = try trimmed(run("id", "-u", other).expectSuccess().output)
      let about = ["user": user, "uid": uid, "by": "0"]
      try expect(
        [
          about.merging(["event": "renewal", "call": "Renew", "method": "passcode", "remaining": "10"]) { $1 },
          about.merging([
            "event": "refused", "call": "Renew", "by": mallory, "reason": "InteractiveAuthorizationRequired",
          ]) { $1 },
          about.merging([
            "event": "refused", "call": "Authenticate", "by": mallory, "purpose": "login", "reason": "AccessDenied",
          ]) { $1 },
          ["event": "refused", "call": "Authenticate", "by": "0", "purpose": "login", "reason": "NoSuchUser"],
          about.merging(["event": "deactivation", "call": "Deactivate"]) { $1 },
          about.merging(["event": "refused", "call": "Renew", "reason": "NotActivated"]) { $1 },
          ["event": "fault"],
          ["event": "refused", "call": "Authenticate", "by": "0", "reason": "Failed"],
          ["event": "configuration"],
          about.merging(["event": "granted", "call": "Authenticate", "purpose": "login", "via": "exempt"]) { $1 },
          [
            "event": "granted", "call": "Authenticate", "user": other, "uid": otherUID, "by": "0",
            "purpose": "elevation",
            "service": "sudo", "via": "fail-open",
          ],
        ], of: ["renewal", "refused", "deactivation", "fault", "configuration", "granted"])
      #expect(try !log.new.contains("hunter2"))
      try log.expect("offline-access.conf:5: logins=five")
    }

    @Test("a flood of refused calls is told in short, hides nobody else's, and no lock")
    func flood() throws {
      try Machine.configure("[Service]\nidle-exit=0\n[Failure]\nattempts=30\n")
      _ = try Phone.activated(user)
      let mallory = try BusPeer(as: "mallory")
      for _ in 1...40 { #expect(try mallory.error(of: .authenticate(user, "000000")) == "AccessDenied") }
      let peer = try BusPeer()
      for _ in 1...30 { #expect(try peer.error(of: .authenticate(user, "000000")) == "BadResponse") }
      let entries = Self.entries(try log.new)
      #expect(entries.count { $0["reason"] == "AccessDenied" } == 20)
      #expect(entries.count { $0["reason"] == "BadResponse" && $0["user"] == user } == 20)
      #expect(entries.filter { $0["event"] == "locked" }.map { $0["user"] } == [user])
      #expect(try log.new.matches(of: #/more of user id \d+ is not shown for a minute/#).count == 2)
    }

    /// Expects exactly these entries among those of `events`, in their order, and no field that the manual lacks.
    private func expect(
      _ wanted: [[String: String]], of events: Set<String>, story: String = #function,
      sourceLocation: SourceLocation = #_sourceLocation
    ) throws {
      let entries = Self.entries(try log.new)
      for entry in entries {
        let event = try #require(AuditEvent(rawValue: entry["event"] ?? ""), "\(entry)", sourceLocation: sourceLocation)
        let known = Set(event.fields.map(\.rawValue) + ["event"])
        #expect(known.isSuperset(of: entry.keys), "\(entry)", sourceLocation: sourceLocation)
      }
      let found = entries.filter { events.contains($0["event"] ?? "") }
      #expect(found.count == wanted.count, "\(found)", sourceLocation: sourceLocation)
      for (found, wanted) in zip(found, wanted) { #expect(found == wanted, sourceLocation: sourceLocation) }
      try IntegrationTests.Strength.report(
        "Audit", tried: "entries of the story “\(story.prefix { $0 != "(" })”", times: "\(wanted.count) events",
        outcome: "\(zip(found, wanted).count { $0 == $1 }) told with all their fields")
    }

    /// The fields of all entries in a log of lines.
    static func entries(_ text: String) -> [[String: String]] {
      text.split(separator: "\n").compactMap { line in
        guard let start = line.firstRange(of: " [event="), line.hasSuffix("]") else { return nil }
        let fields = line[line.index(start.lowerBound, offsetBy: 2)...].dropLast()
        return Dictionary(
          String(fields).matches(of: #/([a-z-]+)=("(?:[^"\\]|\\.)*"|[^ ]*)/#).map { (String($0.1), String($0.2)) },
          uniquingKeysWith: { first, _ in "\(first) TWICE" })
      }
    }
  }
}
