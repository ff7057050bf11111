import BusInterface
import Foundation
import OfflineAccess
import Testing

extension IntegrationTests.Strength {
  /// What the service says of itself is called, with values from the edges, by ordinary users.
  ///
  /// `tools/machine env OFFLINE_ACCESS_FUZZ_SEED=N swift test …` does again what a failure shows with its seed.
  @Suite("Calls made up from the introspection, by ordinary users")
  struct BusFuzz {
    private static let activations = "/org/offlineaccess/Factor1/activation"
    /// Bytes that the service may grow by in the second half of the calls, when all that it keeps room for has come
    /// along: 80 bytes lost by each of the 50,000 would show.
    private static let growth = 4 << 20

    private let seed: UInt64
    /// Whom the calls must not touch.
    private let (victim, newcomer): (String, String)
    private let phone: Phone
    /// Who calls: one with a factor, one without.
    private let (owner, stranger): (String, String)
    private let ownerPhone: Phone

    init() throws {
      seed =
        ProcessInfo.processInfo.environment["OFFLINE_ACCESS_FUZZ_SEED"].flatMap(UInt64.init) ?? .random(in: 0 ... .max)
      try Machine.reset("[Service]\nidle-exit=0\n[Allowance]\nlogins=1000000\n")
      (victim, newcomer) = (try Machine.newUser(), try Machine.newUser())
      (owner, stranger) = (try Machine.newUser(), try Machine.newUser())
      phone = try Phone.activated(victim)
      ownerPhone = try Phone.activated(owner)
    }

    /// Names that stand in no table of the contract, and come from the bus library only: there is no such member,
    /// interface or object. InvalidArgs, where a call's types are not the contract's, and AccessDenied, where the bus
    /// policy does not list a member, come from there and from the bus as well, but stand in the contract's table.
    private static let standardErrors: Set<String> = ["org.freedesktop.DBus.Error.UnknownMethod"]
    private static let contractErrors = Set(Refusal.Reason.allCases.map(\.busName))

    @Test("no call ends the service, makes it grow, gets an error outside the contract or touches another user")
    func calls() throws {
      print("bus fuzz: seed \(seed)")
      let slices = times(20, short: 3)
      let callsOfSlice = times(5000, short: 1000)
      var values = BusFuzzValues(random: SeededRandom(seed: seed))
      let peers = try [owner, stranger].map { try BusPeer(as: $0) }
      for peer in peers { #expect(try peer.error(of: .about("", "RemainingAllowance")) == nil) }
      let start = try expectYes(Factor.root.activate(newcomer)).path
      let members = try ServedMember.all(of: [BusName.objectPath, start])
      #expect(members.count >= 8 + 2 * 6)
      let log = try ServiceLog()
      let pid = try #require(try Machine.servicePID())
      let before = try Factor.root.allowance(victim).dictionary.mapValues { "\($0)" }
      var outcomes: [String: Int] = [:]
      var reached: Set<ServedMember> = []
      var base = (memory: 0, descriptors: 0)

      for slice in 0..<slices {
        // Somebody else's set-up, to be confirmed when the slice is over.
        let setUp = expectYes(try Factor.root.activate(newcomer))
        for _ in stride(from: 0, to: callsOfSlice, by: 250) {
          try refresh(&values, setUp.path)
          for _ in 0..<10 {
            let calls = (0..<25).map { _ in values.call(members) }
            let peer = values.random.pick(peers)
            for (call, serial) in zip(calls, try peer.send(calls.map(\.call))) {
              let answer = try peer.answer(to: serial)
              let name = answer.errorName ?? "a return"
              outcomes[name, default: 0] += 1
              check(call, answer)
              for member in members where member.name == call.call.member && member.interface == call.call.interface {
                reached.insert(member)
              }
            }
          }
        }
        let code = try Phone(uri: try #require(setUp["uri"])).code()
        #expect(expectYes(try Factor.root.confirm(setUp.path, code)).values.first as? Bool == true, "seed \(seed)")
        expectYes(try Factor.root.deactivate(newcomer))
        if slice == (slices - 1) / 2 { base = try (memory(pid), descriptors(pid)) }
      }

      let grown = try memory(pid) - base.memory
      #expect(try Machine.servicePID() == pid, "seed \(seed)")
      // A sanitizer keeps freed memory back, to see who still uses it.
      #expect(Machine.isSanitized || grown <= Self.growth, "seed \(seed): \(grown) bytes")
      #expect(try descriptors(pid) <= base.descriptors, "seed \(seed)")
      #expect(reached.count == members.count, "seed \(seed): \(Set(members).subtracting(reached))")
      // The victim's state is what it was, and the factor works.
      let after = try Factor.root.allowance(victim).dictionary
      #expect(after.mapValues { "\($0)" } == before, "seed \(seed)")
      expectYes(try Factor.root.authenticate(victim, phone.nextCode()))
      let troubles = try log.new.split(separator: "\n").filter {
        $0.contains(#/-(CRITICAL|ERROR|WARNING) \*\*|[Ff]atal|Fault|fault:/#)
      }
      #expect(troubles.isEmpty, "seed \(seed): \(troubles)")

      let total = outcomes.values.reduce(0, +)
      let names = outcomes.sorted { $0.value > $1.value }.map {
        "\($0.key.split(separator: ".").last ?? "") \($0.value)"
      }
      print(
        "bus fuzz: \(total) calls of \(members.count) members, \(grown / 1024) KiB grown in the second half: \(names)")
      try report(
        "Bus", tried: "calls made up from the introspection, by ordinary users", times: "\(total) calls",
        outcome:
          "same process, \(max(0, grown) / 1024) KiB grown in the second half, \(outcomes.count - 1) errors, all of the contract or "
          + "of D-Bus; others' state as before")
    }

    /// Gives the generator what is true now: a code, a set-up of the caller's own and one of another user.
    private func refresh(_ values: inout BusFuzzValues, _ other: String) throws {
      // Long enough for any lock that wrong codes led to.
      try Clock.advance(3630)
      let code = try ownerPhone.code()
      let own = expectYes(try Factor(user: owner).reactivate("", "passcode", ["response": code]))
      values.paths = [own.path, other]
      values.texts = ["", "", "", owner, stranger, victim, newcomer, code, try ownerPhone.code(ahead: 30), "passcode"]
    }

    private func check(_ call: FuzzCall, _ answer: BusIncoming) {
      guard let name = answer.errorName else { return }
      let isKnown = Self.contractErrors.contains(name) || (!call.isWellTyped && Self.standardErrors.contains(name))
      #expect(isKnown, "seed \(seed): \(name) for \(call.description)")
      // Only the service's own sentence about a limit may say so: nothing here is beyond it.
      #expect(!name.hasSuffix(".Busy") && !name.hasSuffix(".Failed"), "seed \(seed): \(name) for \(call.description)")
    }

    @Test("what is no valid message ends its sender's connection, and what is no call reaches nobody")
    func brokenMessages() throws {
      print("bus fuzz: seed \(seed)")
      expectYes(try Factor.root.allowance(victim))
      let pid = try #require(try Machine.servicePID())
      var random = SeededRandom(seed: seed)
      var sent = 0
      for _ in 0..<times(50, short: 3) {
        for broken in Self.invalidMessages(&random) {
          let peer = try BusPeer(as: stranger)
          try peer.write(broken)
          try peer.waitForTheEnd()
          sent += 1
        }
        let peer = try BusPeer(as: stranger)
        var signal = BusCall.about(victim, "Renew").message(1000)
        signal[1] = 4
        try peer.write(signal)
        sent += 1
        #expect(try peer.error(of: .about("", "RemainingAllowance")) == nil, "seed \(seed)")
      }
      #expect(try Machine.servicePID() == pid, "seed \(seed)")
      expectYes(try Factor.root.authenticate(victim, phone.nextCode()))
      try report(
        "Bus", tried: "invalid messages, and signals to the service", times: "\(sent) messages",
        outcome: "sender cut off by the bus, or not heard; same process")
    }

    @Test("a message that the bus takes and GDBus does not is dropped, and neither service nor caller feels more of it")
    func unparsable() throws {
      expectYes(try Factor.root.allowance(victim))
      let pid = try #require(try Machine.servicePID())
      let peer = try BusPeer(as: stranger)
      for type in ["(g)", "(v)", "(ay)", "{gg}"] {
        // As an argument of the wrong type, and as an option of a right call.
        _ = try peer.send(BusCall("RemainingAllowance", signature: "a\(type)s") { Self.short(type, &$0) })
        _ = try peer.send(
          BusCall("Activate", signature: "ssa{sv}") { bytes in
            bytes.text("")
            bytes.text("passcode")
            bytes.array(of: 8) { bytes in
              bytes.text("name")
              bytes.signature("(a\(type)s)")
              bytes.align(8)
              Self.short(type, &bytes)
            }
          })
        #expect(try peer.error(of: .about("", "RemainingAllowance")) == nil, "\(type)")
        #expect(try Machine.servicePID() == pid, "\(type)")
      }
    }

    /// An array of two, the first of which fills its eight bytes, while the second has four at most: GLib counts the
    /// padding in front of the first as part of the array, misses the second and takes it for the string that follows.
    private static func short(_ type: String, _ bytes: inout BusBytes) {
      bytes.array(of: 8) { bytes in
        switch type {
        case "(g)":
          bytes.signature("aaaaay")
          bytes.signature("")
        case "(v)":
          bytes.signature("t")
          bytes.integer(UInt64.max)
          bytes.signature("y")
          bytes.byte(1)
        case "(ay)":
          bytes.number(4)
          bytes.number(1)
          bytes.number(0)
        default:
          bytes.signature("s")
          bytes.signature("aay")
          bytes.signature("")
          bytes.signature("")
        }
      }
      bytes.text("what follows")
    }

    @Test("a request larger than any of the contract is refused where it arrives, even root's")
    func size() throws {
      for (count, isLarge) in [(1025, false), (30_000, false), (33_000, true), (90_000, true)] {
        let answer = try Factor.root.authenticate(victim, String(repeating: "9", count: count))
        expectRefused(answer, "InvalidArgs")
        #expect(answer.sentence.contains("larger than any") == isLarge)
      }
      expectYes(try Factor.root.authenticate(victim, phone.nextCode()))
    }

    /// Messages that D-Bus forbids, each in one way.
    private static func invalidMessages(_ random: inout SeededRandom) -> [[UInt8]] {
      func authenticate(_ text: [UInt8]) -> [UInt8] {
        BusCall("Authenticate", signature: "ssa{sv}") { bytes in
          bytes.text("")
          bytes.text(text)
          bytes.options([])
        }.message(7)
      }
      func call(_ signature: String, _ body: (inout BusBytes) -> Void) -> [UInt8] {
        BusCall("Authenticate", signature: signature, body).message(7)
      }
      let notUTF8: [[UInt8]] = [
        [0xff], [0xc0, 0x80], [0xed, 0xa0, 0x80], [0xf4, 0x90, 0x80, 0x80], [0x80], [0xe2, 0x82],
        [0xf8, 0x88, 0x80, 0x80, 0x80],
      ]
      let digits = (0..<Int.random(in: 0...5, using: &random)).map { _ in UInt8(ascii: "1") }
      var wrongVersion = authenticate([])
      wrongVersion[3] = .random(in: 2 ... .max, using: &random)
      var wrongOrder = authenticate([])
      wrongOrder[0] = UInt8(ascii: "x")
      var endless = authenticate([])
      endless.replaceSubrange(4..<8, with: [0xff, 0xff, 0xff, 0xff])
      // A return and an error that answer nothing.
      let answers = [2, 3].map { (kind: UInt8) in
        var message = authenticate([])
        message[1] = kind
        return message
      }
      var noSerial = authenticate([])
      noSerial.replaceSubrange(8..<12, with: [0, 0, 0, 0])
      return answers + notUTF8.map { authenticate(digits + $0) } + [
        authenticate(digits + [0] + digits), wrongVersion, wrongOrder, endless, noSerial,
        call("b") { $0.number(.random(in: 2 ... .max, using: &random)) },
        call("o") { $0.text("not/a/path") },
        call("ss") { $0.text("") },
        call("s") { bytes in
          bytes.text("")
          bytes.text("")
        },
        call("a{sv") { $0.number(0) },
        call("as") { $0.number(.max) },
        call("v") { bytes in
          for _ in 0..<65 { bytes.signature("v") }
          bytes.variant("")
        },
      ]
    }

    /// Resident bytes of a process.
    private func memory(_ pid: Int32) throws -> Int {
      let pages = try String(contentsOfFile: "/proc/\(pid)/statm", encoding: .utf8).split(separator: " ")[1]
      return try #require(Int(pages)) * Int(getpagesize())
    }

    private func descriptors(_ pid: Int32) throws -> Int {
      try FileManager.default.contentsOfDirectory(atPath: "/proc/\(pid)/fd").count
    }
  }
}
