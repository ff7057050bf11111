import Testing

@testable import offline_access

@Suite("Reading PAM configuration")
struct PAMParsingTests {
  @Test("Comments, continued lines, brackets and other types are read as PAM reads them")
  func lines() throws {
    let lines = PAMLine.parse(
      """
      # auth required pam_no.so
      auth\t[success=1 default=ignore]  pam_unix.so nullok # trailing
      -auth optional pam_cap.so
      auth required \\
        pam_env.so readenv=1
      account required pam_unix.so
      @include common-auth
      auth substack password-auth
      AUTH Required pam_deny.so
      """, file: "/etc/pam.d/x")
    let rules = lines.compactMap { line in if case .rule(let rule) = line { rule } else { nil } }
    #expect(rules.map(\.moduleName) == ["pam_unix", "pam_cap", "pam_env", "pam_deny"])
    #expect(rules.map(\.line) == [2, 3, 4, 9])
    #expect(rules[0].arguments == ["nullok"])
    #expect(rules[0].control.action(for: "success") == .jump(1))
    #expect(rules[0].control.action(for: "auth_err") == .ignore)
    #expect(rules[2].arguments == ["readenv=1"])
    #expect(lines.contains(.include("common-auth")))
    #expect(lines.contains(.substack("password-auth")))
  }

  @Test(
    "What PAM cannot understand is told",
    arguments: ["auth required", "auth sometimes pam_unix.so", "auth [success=] a.so", "@include"])
  func broken(_ line: String) {
    #expect(PAMLine.parse(line, file: "f") == [.broken(line: 1)])
  }

  @Test(
    "The words of controls mean what pam.conf(5) says", arguments: ["required", "requisite", "sufficient", "optional"])
  func controls(_ word: String) throws {
    let control = try #require(PAMControl(word))
    let expected: (PAMControl.Action, PAMControl.Action) =
      switch word {
      case "required": (.ok, .bad)
      case "requisite": (.ok, .die)
      case "sufficient": (.done, .ignore)
      default: (.ok, .ignore)
      }
    #expect(control.action(for: "success") == expected.0)
    #expect(control.action(for: "auth_err") == expected.1)
  }
}

@Suite("Reviewing PAM stacks")
struct PAMReviewTests {
  private static func review(_ stack: String, files: [String: String] = [:]) -> PAMReview? {
    let folder = TemporaryFolder()
    folder.write("etc/pam.d/login", stack + "\n")
    for (name, text) in files { folder.write("etc/pam.d/\(name)", text + "\n") }
    return PAMReview(PAMConfiguration(host: HostFiles(root: folder.path)).stack(of: "login"))
  }
  private static func faults(_ stack: String) -> [PAMReview.Fault]? { review(stack)?.faults }
  private static func severe(_ stack: String, files: [String: String] = [:]) -> [PAMReview.Fault]? {
    review(stack, files: files)?.faults.filter(\.isSevere)
  }

  private static let debian = """
    auth [success=1 default=ignore] pam_unix.so nullok
    auth requisite pam_deny.so
    auth required pam_permit.so
    auth required pam_offline_access.so
    auth optional pam_cap.so
    """

  @Test("Debian's common-auth with the profile of pam-auth-update is sound")
  func debian() throws {
    let review = try #require(
      Self.review("auth optional pam_faildelay.so\n@include common-auth", files: ["common-auth": Self.debian]))
    #expect(review.faults.isEmpty)
    #expect(review.exceptions.isEmpty)
    #expect(review.rule.place == "/etc/pam.d/common-auth:4")
  }

  @Test("A stack without the module has no review")
  func absent() { #expect(Self.review("auth required pam_unix.so") == nil) }

  @Test("A commented line does not count")
  func comment() { #expect(Self.review("auth required pam_unix.so\n#auth required pam_offline_access.so") == nil) }

  @Test(
    "A control that ignores a wrong passcode is a failure",
    arguments: [
      "optional", "sufficient", "[success=ok default=ignore]", "[success=ok auth_err=ignore default=bad]",
      "[default=ok]", "[success=ok default=1]",
    ])
  func lenient(_ control: String) throws {
    let severe = try #require(
      Self.severe("auth requisite pam_unix.so\nauth \(control) pam_offline_access.so\nauth required pam_env.so"))
    #expect(severe.count == 1)
    guard case .answerDoesNotCount? = severe.first else {
      Issue.record("\(severe)")
      return
    }
  }

  @Test("A control that ignores an absent service is a failure")
  func lenientWhenAway() throws {
    let severe = try #require(
      Self.severe(
        "auth requisite pam_unix.so\nauth [success=ok authinfo_unavail=ignore default=die] pam_offline_access.so"))
    guard case .someAnswersIgnored(_, let results)? = severe.first else {
      Issue.record("\(severe)")
      return
    }
    #expect(results == ["authinfo_unavail"])
  }

  @Test("A control that falls through to pam_deny is sound")
  func fallsToDeny() throws {
    let stack = """
      auth requisite pam_unix.so
      auth [success=1 default=ignore] pam_offline_access.so
      auth requisite pam_deny.so
      auth required pam_permit.so
      """
    #expect(try #require(Self.review(stack)).faults.isEmpty)
  }

  @Test("A sufficient password module before it leaves it out, and nothing else is complained of")
  func sufficientPassword() throws {
    let severe = try #require(Self.faults("auth sufficient pam_unix.so\nauth required pam_offline_access.so"))
    guard case .skipped(let rule)? = severe.first else {
      Issue.record("\(severe)")
      return
    }
    #expect(rule.moduleName == "pam_unix")
    #expect(severe.count == 1)
  }

  @Test("Fedora's stack, with the module after a sufficient password module, is not sound")
  func fedora() throws {
    let stack = """
      auth required pam_env.so
      auth [default=1 ignore=ignore success=ok] pam_usertype.so isregular
      auth [default=1 ignore=ignore success=ok] pam_localuser.so
      auth sufficient pam_unix.so nullok
      auth sufficient pam_sss.so forward_pass
      auth required pam_offline_access.so
      """
    let severe = try #require(Self.severe(stack))
    #expect(severe.contains { if case .skipped = $0 { true } else { false } })
  }

  @Test("`done` in a substack ends the substack only")
  func substack() throws {
    let inner = "auth sufficient pam_unix.so\nauth requisite pam_deny.so"
    let outer = "auth substack password-auth\nauth required pam_offline_access.so"
    #expect(try #require(Self.severe(outer, files: ["password-auth": inner])).isEmpty)
    let included = try #require(
      Self.severe("auth include password-auth\nauth required pam_offline_access.so", files: ["password-auth": inner]))
    #expect(included.contains(.neverReached))
    #expect(included.contains { if case .skipped = $0 { true } else { false } })
  }

  @Test("A jump over it leaves it out")
  func jumpedOver() throws {
    let stack = """
      auth [success=2 default=ignore] pam_unix.so
      auth requisite pam_deny.so
      auth required pam_offline_access.so
      auth required pam_permit.so
      """
    let severe = try #require(Self.severe(stack))
    #expect(severe.contains { if case .skipped = $0 { true } else { false } })
  }

  @Test("A condition that lets some people past is told, and is no failure")
  func condition() throws {
    let stack = """
      auth sufficient pam_rootok.so
      auth requisite pam_unix.so
      auth required pam_offline_access.so
      """
    let review = try #require(Self.review(stack))
    #expect(review.faults.isEmpty)
    #expect(review.exceptions.map(\.moduleName) == ["pam_rootok"])
  }

  @Test("Before the password, or without one, is a warning")
  func order() throws {
    let before = try #require(Self.review("auth required pam_offline_access.so\nauth requisite pam_unix.so"))
    #expect(before.faults == [.beforePassword(before.rule)])
    let alone = try #require(Self.review("auth required pam_offline_access.so"))
    #expect(alone.faults == [.noPassword(alone.rule)])
  }

  @Test("Asked even after a wrong password is a warning")
  func afterFailure() throws {
    let review = try #require(Self.review("auth required pam_unix.so\nauth required pam_offline_access.so"))
    #expect(review.faults == [.askedAfterFailure(review.rule)])
  }

  @Test("Never reached is a failure")
  func unreachable() throws {
    let severe = try #require(
      Self.severe("auth requisite pam_unix.so\nauth requisite pam_deny.so\nauth required pam_offline_access.so"))
    #expect(severe == [.neverReached])
  }

  @Test(
    "Arguments are those that the module knows",
    arguments: [
      ("purpose=elevation", 0), ("purpose=login quiet", 0), ("purpose=sudo", 1), ("debug", 1), ("quiet=yes purpose", 2),
    ])
  func arguments(_ arguments: String, count: Int) throws {
    let review = try #require(
      Self.review("auth requisite pam_unix.so\nauth required pam_offline_access.so \(arguments)"))
    #expect(review.faults.count == count)
    #expect(review.faults.allSatisfy { if case .unknownArgument = $0 { true } else { false } })
  }

  @Test("A file that includes itself, or one that is missing, is a failure and no endless loop")
  func loops() throws {
    let looping = try #require(
      Self.review("@include login\nauth requisite pam_unix.so\nauth required pam_offline_access.so"))
    #expect(looping.faults.contains { if case .unreadable = $0 { true } else { false } })
    let missing = try #require(
      Self.review("@include nothing\nauth requisite pam_unix.so\nauth required pam_offline_access.so"))
    #expect(missing.faults == [.unreadable(Texts.Doctor.pamFileMissing("nothing"))])
  }

  @Test("The vendor's folder counts where /etc has no such file, and loses where it has")
  func folders() {
    let folder = TemporaryFolder()
    folder.write("usr/lib/pam.d/polkit-1", "auth requisite pam_unix.so\nauth required pam_offline_access.so\n")
    let configuration = PAMConfiguration(host: HostFiles(root: folder.path))
    #expect(PAMReview(configuration.stack(of: "polkit-1")) != nil)
    folder.write("etc/pam.d/polkit-1", "auth required pam_unix.so\n")
    #expect(PAMReview(configuration.stack(of: "polkit-1")) == nil)
    folder.write("etc/pam.d/polkit-1.dpkg-old", "auth required pam_offline_access.so\n")
    #expect(configuration.names == ["polkit-1"])
  }

  @Test("A service that another one includes is still a service")
  func includedService() {
    let folder = TemporaryFolder()
    folder.write("etc/pam.d/su", "auth requisite pam_unix.so\nauth required pam_offline_access.so\n")
    folder.write("etc/pam.d/su-l", "@include su\n")
    let checks = PAMChecks(host: HostFiles(root: folder.path)).run()
    #expect(checks.map(\.details) == [[Texts.Doctor.asks(["su", "su-l"], at: "/etc/pam.d/su:2")]])
  }

  @Test("Shared faults are told once, with the services they concern")
  func shared() {
    let folder = TemporaryFolder()
    folder.write("etc/pam.d/common-auth", "auth requisite pam_unix.so\nauth optional pam_offline_access.so\n")
    folder.write("etc/pam.d/login", "@include common-auth\n")
    folder.write("etc/pam.d/sudo", "@include common-auth\n")
    folder.write("etc/pam.d/su", "auth required pam_unix.so\n")
    let checks = PAMChecks(host: HostFiles(root: folder.path)).run()
    #expect(checks.map(\.result) == [.ok, .fail])
    #expect(checks[0].details.contains(Texts.Doctor.doNotAsk(["su"])))
    #expect(checks[1].details == [Texts.Doctor.concerns(["login", "sudo"])])
  }
}
