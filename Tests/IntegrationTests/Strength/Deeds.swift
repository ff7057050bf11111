import Foundation
import Glibc
import Testing

/// A call during which something happens to the service, and what tells afterwards whether it counted.
struct Deed {
  enum Kind: String, CaseIterable, CustomTestStringConvertible {
    case activate = "Activate"
    case confirm = "Confirm, first set-up"
    case cancel = "Cancel"
    case authenticate = "Authenticate"
    case failure = "Authenticate, fifth failure"
    case reactivate = "Reactivate by a code"
    case replace = "Confirm, replacement"
    case renew = "Renew"
    case deactivate = "Deactivate"
    case allowance = "RemainingAllowance"

    var testDescription: String { rawValue }
    /// Whether it stores anything.
    var changes: Bool { ![.activate, .cancel, .allowance].contains(self) }
    /// Whether it asks the store at all.
    var asksStore: Bool { self != .cancel }
  }

  /// What is found afterwards.
  enum Trace: Equatable {
    case done, undone
    /// This kind of call leaves none.
    case none
    case broken(Fault, String)
  }

  enum Fault: String, CaseIterable {
    case doubleYes = "double yes"
    case lost, half, stuck
  }

  /// The user id that calls.
  let caller: UInt32
  let call: BusCall
  /// The error that says it is done; nil where a return does.
  let said: String?
  private let look: () throws -> Trace

  private init(by caller: UInt32 = 0, _ call: BusCall, said: String? = nil, _ look: @escaping () throws -> Trace) {
    (self.caller, self.call, self.said, self.look) = (caller, call, said, look)
  }

  /// Finds out what the call left, and whether everything goes on from there at once.
  func trace() throws -> Trace {
    do { return try look() } catch let oddity as Oddity { return .broken(oddity.fault, oddity.what) }
  }
}

private struct Oddity: Error {
  let fault: Deed.Fault
  let what: String
}

/// A user with a device, and what is expected of both.
private struct Subject {
  let name: String
  var device: Device

  static func activated() throws -> Subject {
    let name = try Machine.newUser()
    let challenge = expectYes(try Factor.root.activate(name))
    let device = try Device(challenge)
    expectYes(try Factor.root.confirm(challenge.path, device.next()))
    return Subject(name: name, device: device)
  }

  func expect(_ answer: BusAnswer, _ error: String?, else fault: Deed.Fault, _ what: String) throws {
    guard answer.error == error else {
      let when = "the device's last code was of \(device.last), it is \(try Clock.now)"
      throw Oddity(fault: fault, what: "\(what): \(answer.error ?? "yes") \(answer.sentence); \(when)")
    }
  }

  /// The next right code passes at once.
  func passes() throws {
    try expect(Factor.root.authenticate(name, device.next()), nil, else: .stuck, "the next right code")
  }

  func isSpent(_ code: String) throws {
    try expect(Factor.root.authenticate(name, code), "ResponseReplayed", else: .doubleYes, "a code once more")
  }

  /// Whether `code` was spent; if not, it is now, and once.
  func wasSpent(_ code: String) throws -> Bool {
    let again = try Factor.root.authenticate(name, code)
    if again.error != nil { try expect(again, "ResponseReplayed", else: .stuck, "the code again") }
    try isSpent(code)
    return again.error != nil
  }

  func expect(remaining: Int) throws {
    let found = try Factor.root.allowance(name)["remaining"]
    guard found == String(remaining) else {
      throw Oddity(fault: .half, what: "\(found ?? "none") remaining, not \(remaining)")
    }
  }

  var state: String { get throws { try Factor.root.allowance(name)["state"] ?? "" } }

  /// Nothing of a factor is there, and one can be set up.
  func startsAnew() throws {
    try expect(Factor.root.authenticate(name, device.next()), "NotActivated", else: .half, "without a factor")
    let challenge = try Factor.root.activate(name)
    try expect(challenge, nil, else: .stuck, "a new set-up")
    let device = try Device(challenge)
    try expect(Factor.root.confirm(challenge.path, device.next()), nil, else: .stuck, "its confirmation")
    try Subject(name: name, device: device).passes()
  }
}

/// A phone that knows its next code.
private final class Device {
  private let phone: Phone
  private var counter = -1
  /// What the last code was of: seconds since 1970, or a counter.
  private(set) var last = -1

  init(_ challenge: BusAnswer) throws { phone = try Phone(uri: try #require(challenge["uri"])) }

  func next() throws -> String {
    counter += 1
    if !phone.isTime {
      last = counter
      return try phone.code(counter: counter)
    }
    // A later step than the last code's, also where the clock of the machine itself was set back meanwhile.
    let before = last / 30
    repeat {
      try Clock.advance(30)
      last = try Clock.now
    } while last / 30 <= before
    return try phone.code(at: last)
  }

  /// The code after this one, which would pass already; no time passes.
  func upcoming() throws -> String {
    phone.isTime ? try phone.code(ahead: 30) : try phone.code(counter: counter + 1)
  }
}

extension Deed {
  /// No code has seven digits.
  private static let wrongCode = "1234567"

  /// Makes a user and all that comes before the call; every second one's codes go by counter.
  static func prepare(_ kind: Kind, round: Int) throws -> Deed {
    try Machine.configure(round.isMultiple(of: 2) ? "" : "[Factor]\npasscode=hotp\n")
    switch kind {
    case .activate, .confirm, .cancel: return try setUp(kind)
    default: break
    }
    let subject = try Subject.activated()
    let (name, device) = (subject.name, subject.device)
    switch kind {
    case .activate, .confirm, .cancel, .authenticate:
      let code = try device.next()
      return Deed(.authenticate(name, code)) {
        let spent = try subject.wasSpent(code)
        try subject.expect(remaining: 9)
        try subject.passes()
        return spent ? .done : .undone
      }
    case .failure:
      for _ in 1...4 { expectRefused(try Factor.root.authenticate(name, wrongCode), "BadResponse") }
      return Deed(.authenticate(name, wrongCode), said: "BadResponse") {
        let locked = try subject.state == "locked"
        if !locked {
          // The four before it are not forgotten.
          try subject.expect(Factor.root.authenticate(name, wrongCode), "BadResponse", else: .half, "a fifth failure")
        }
        try subject.expect(Factor.root.authenticate(name, device.upcoming()), "Locked", else: .half, "a right code")
        try Clock.advance(31)
        try subject.passes()
        return locked ? .done : .undone
      }
    case .reactivate:
      let code = try device.next()
      let owner = try #require(getpwnam(name)).pointee.pw_uid
      return Deed(by: owner, .reactivate(name, [("response", code)])) {
        let spent = try subject.wasSpent(code)
        // The proof is no login; one that was not spent was used as such just now.
        try subject.expect(remaining: spent ? 10 : 9)
        try subject.passes()
        return spent ? .done : .undone
      }
    case .replace:
      let challenge = expectYes(try Factor.root.reactivate(name))
      let replacement = Subject(name: name, device: try Device(challenge))
      let code = try replacement.device.next()
      return Deed(.confirm(challenge.path, code)) {
        let again = try Factor.root.authenticate(name, code)
        guard again.error == "ResponseReplayed" else {
          try subject.expect(again, "BadResponse", else: .half, "the new device's code")
          try subject.passes()
          return .undone
        }
        try subject.expect(Factor.root.authenticate(name, device.next()), "BadResponse", else: .half, "the old device")
        try replacement.expect(remaining: 10)
        try replacement.passes()
        return .done
      }
    case .renew:
      expectYes(try Factor.root.authenticate(name, device.next()))
      return Deed(.about(name, "Renew")) {
        let renewed = try Factor.root.allowance(name)["remaining"] == "10"
        try subject.passes()
        try subject.expect(remaining: renewed ? 9 : 8)
        return renewed ? .done : .undone
      }
    case .deactivate:
      return Deed(.about(name, "Deactivate")) {
        guard try subject.state == "not-activated" else {
          try subject.passes()
          try subject.expect(remaining: 9)
          return .undone
        }
        try subject.startsAnew()
        return .done
      }
    case .allowance:
      return Deed(.about(name, "RemainingAllowance")) {
        try subject.expect(remaining: 10)
        try subject.passes()
        return .none
      }
    }
  }

  private static func setUp(_ kind: Kind) throws -> Deed {
    let name = try Machine.newUser()
    let challenge = expectYes(try Factor.root.activate(name))
    let subject = Subject(name: name, device: try Device(challenge))
    if kind == .activate {
      return Deed(.activate(name)) {
        try subject.startsAnew()
        return .none
      }
    }
    let code = try subject.device.next()
    if kind == .cancel {
      return Deed(.cancel(challenge.path)) {
        // Gone either way: cancelled, or with the process that held it.
        try subject.expect(Factor.root.confirm(challenge.path, code), "NoSuchActivation", else: .half, "its set-up")
        try subject.startsAnew()
        return .none
      }
    }
    return Deed(.confirm(challenge.path, code)) {
      if try subject.state == "not-activated" {
        try subject.startsAnew()
        return .undone
      }
      try subject.isSpent(code)
      try subject.passes()
      try subject.expect(remaining: 9)
      return .done
    }
  }
}

extension BusCall {
  fileprivate static func activate(_ user: String) -> Self { setUp("Activate", user, []) }

  fileprivate static func reactivate(_ user: String, _ options: [(String, String)]) -> Self {
    setUp("Reactivate", user, options)
  }

  private static func setUp(_ member: String, _ user: String, _ options: [(String, String)]) -> Self {
    BusCall(member, signature: "ssa{sv}") { bytes in
      bytes.text(user)
      bytes.text("passcode")
      bytes.options(options)
    }
  }

  fileprivate static func confirm(_ activation: String, _ response: String) -> Self {
    BusCall("Confirm", signature: "sa{sv}") { bytes in
      bytes.text(response)
      bytes.options([])
    }.on(activation)
  }

  fileprivate static func cancel(_ activation: String) -> Self { BusCall("Cancel").on(activation) }

  private func on(_ activation: String) -> Self {
    var call = self
    call.path = activation
    call.interface = "org.offlineaccess.Factor1.Activation"
    return call
  }
}
