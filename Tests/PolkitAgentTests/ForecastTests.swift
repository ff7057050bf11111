import BusClient
import Testing

@testable import PolkitAgent

@Suite("What an elevation will leave")
struct ForecastTests {
  private func allowance(
    state: String = "ready", remaining: UInt32? = 7, counts: [String]? = ["login", "elevation"], message: String = ""
  ) -> Allowance {
    var allowance = Allowance()
    allowance.activated = true
    allowance.method = "passcode"
    allowance.state = state
    allowance.remaining = remaining
    allowance.counts = counts
    allowance.message = message
    return allowance
  }

  @Test("one login less where elevations count, and a warning where it is the last one")
  func counts() {
    let many = Forecast(allowance())
    #expect(many?.text == "This elevation will leave 6 of your 7 offline logins." && many?.isWarning == false)
    let last = Forecast(allowance(remaining: 1))
    #expect(last?.text == "This elevation will leave 0 of your 1 offline login." && last?.isWarning == true)
    var connected = allowance()
    connected.authority = "duo"
    let online = Forecast(connected)
    #expect(online?.text.hasPrefix("Without the online service, this elevation will leave 6") == true)
  }

  @Test("nothing less where they do not")
  func free() {
    for counts in [["login"], []] {
      #expect(
        Forecast(allowance(counts: counts))?.text
          == "This elevation uses up none of your 7 offline logins.")
    }
  }

  @Test("the service's own sentence where nothing is counted or it will be refused")
  func sentence() {
    let days = Forecast(
      allowance(remaining: nil, counts: nil, message: "Offline access until 1 December 2026."))
    #expect(days?.text == "Offline access until 1 December 2026." && days?.isWarning == false)
    for state in ["exhausted", "expired", "locked", "clock-untrusted"] {
      let refused = Forecast(allowance(state: state, remaining: 0, message: "No."))
      #expect(refused?.text == "No." && refused?.isWarning == true)
    }
  }

  @Test("nothing is foretold of somebody without a factor, or by a service that does not say what counts")
  func unknown() {
    #expect(Forecast(Allowance()) == nil)
    #expect(Forecast(allowance(counts: nil)) == nil)
    var exempt = allowance()
    exempt.method = ""
    #expect(Forecast(exempt) == nil)
  }

  @Test("the factor is found in polkit's PAM stack wherever it is included from, and only as a module of auth")
  func stack() {
    func asks(_ files: [String: String]) -> Bool { PolkitStack.asksForFactor("polkit-1") { files[$0] } }
    let module = "auth required pam_offline_access.so purpose=elevation\n"
    #expect(asks(["polkit-1": module]))
    #expect(asks(["polkit-1": "@include common-auth\n", "common-auth": module]))
    #expect(asks(["polkit-1": "auth substack base # x\n", "base": "auth include deep", "deep": module]))
    #expect(asks(["polkit-1": "auth [success=ok default=die] /lib/security/pam_offline_access.so"]))
    #expect(!asks(["polkit-1": "# \(module)account required pam_offline_access.so\nauth required pam_unix.so"]))
    #expect(!asks(["polkit-1": "account include base", "base": module]))
    #expect(!asks(["polkit-1": "@include polkit-1"]))
    #expect(!asks([:]))
  }
}
