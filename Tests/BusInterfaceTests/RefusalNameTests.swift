import BusInterface
import OfflineAccess
import Testing

@Suite("Names of refusals")
struct RefusalNameTests {
  @Test("Every reason of the contract has its name, and there is no other")
  func complete() {
    let own = [
      "NotActivated", "AlreadyActivated", "ResponseRequired", "BadResponse", "ResponseReplayed", "PinRequired",
      "BadPin",
      "PinLocked", "NoSecurityKey", "WrongSecurityKey", "SecurityKeyRefused", "TouchTimeout", "AllowanceExhausted",
      "AllowanceExpired", "Locked", "ClockUntrusted", "OnlineProofRequired", "OnlineDenied", "NoSuchActivation",
      "NoSuchUser", "Busy", "Canceled", "NotSupported", "Failed",
    ].map { "org.offlineaccess.Factor1.Error.\($0)" }
    let standard = ["AccessDenied", "InvalidArgs", "InteractiveAuthorizationRequired"].map {
      "org.freedesktop.DBus.Error.\($0)"
    }
    #expect(Refusal.Reason.allCases.map(\.busName) == own + standard)
  }

  @Test("Every reason comes back from its name", arguments: Refusal.Reason.allCases)
  func roundTrip(_ reason: Refusal.Reason) {
    #expect(Refusal.Reason(busName: reason.busName) == reason)
  }

  @Test(
    "Any other name is none of the contract's",
    arguments: [
      "", "Locked", "org.offlineaccess.Factor1.Error.", "org.offlineaccess.Factor1.Error.locked",
      "org.offlineaccess.Factor1.Error.Locked2", "org.offlineaccess.Factor1.Locked",
      "org.offlineaccess.Factor1.Error.AccessDenied", "org.freedesktop.DBus.Error.Locked",
      "org.freedesktop.DBus.Error.Failed", "org.freedesktop.DBus.Error.NoReply",
      "xorg.offlineaccess.Factor1.Error.Locked", "org.freedesktop.DBus.Error.Timeout",
    ])
  func foreign(_ name: String) {
    #expect(Refusal.Reason(busName: name) == nil)
  }

  @Test("A name is one that D-Bus allows", arguments: Refusal.Reason.allCases)
  func allowed(_ reason: Refusal.Reason) {
    #expect(reason.busName.utf8.count <= 255)
    #expect(reason.busName.wholeMatch(of: /[A-Za-z][A-Za-z0-9]*(\.[A-Za-z][A-Za-z0-9]*)+/) != nil)
  }
}
