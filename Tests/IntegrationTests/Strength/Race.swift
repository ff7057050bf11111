import Foundation
import Glibc
import Store
import Testing

extension IntegrationTests.Strength {
  @Suite("One code at many prompts at once: exactly one yes")
  struct Race {
    @Test("2, 4 and 64 processes, through PAM, over the bus and both", arguments: Start.all)
    func race(start: Start) throws {
      let rounds = IntegrationTests.Strength.times(200, short: 1)
      let score = try start.run(rounds)
      #expect(score.doubleYes == 0 && score.noYes == 0 && score.others.isEmpty, "\(score)")
      try report(start.testDescription, rounds, score)
    }

    @Test("a login against sudo", arguments: [false, true])
    func loginAgainstSudo(byCounter: Bool) throws {
      let rounds = IntegrationTests.Strength.times(200, short: 2)
      let start = Start(processes: 2, way: .hosts, byCounter: byCounter)
      let score = try start.run(rounds)
      #expect(score.doubleYes == 0 && score.noYes == 0 && score.others.isEmpty, "\(score)")
      try report(start.testDescription, rounds, score)
    }

    @Test("logins, sudo, su and the helper at once, 64 in all")
    func allHosts() throws {
      let rounds = IntegrationTests.Strength.times(25, short: 1)
      let start = Start(processes: 64, way: .hosts, byCounter: false)
      let score = try start.run(rounds)
      #expect(score.doubleYes == 0 && score.noYes == 0 && score.others.isEmpty, "\(score)")
      try report(start.testDescription, rounds, score)
    }

    @Test("these races do meet: a service whose calls do not see each other says yes twice")
    func shortSighted() throws {
      // Two at least: in every second one the service is held until all have called.
      let rounds = IntegrationTests.Strength.times(20, short: 2)
      let ways = IntegrationTests.Strength.isFull ? Start.Way.races : [.both]
      for start in [2, 4, 64].flatMap({ count in ways.map { Start(processes: count, way: $0) } }) {
        var score = try start.run(rounds, fault: .shortSighted)
        // Few calls of few rounds may miss each other.
        for _ in 1...10 where score.doubleYes == 0 { score = try start.run(rounds, fault: .shortSighted) }
        #expect(score.doubleYes > 0, "\(start.testDescription): \(score)")
        try report("control, calls blind to each other: \(start.testDescription)", rounds, score)
      }
    }

    private func report(_ tried: String, _ rounds: Int, _ score: Score) throws {
      try IntegrationTests.Strength.report(
        "Races", tried: tried, times: "\(rounds) rounds",
        outcome: "double yes \(score.doubleYes), no yes \(score.noYes)")
    }
  }
}

/// What came of the rounds of a race.
private struct Score {
  /// Rounds with more than one yes.
  var doubleYes = 0
  /// Rounds without any.
  var noYes = 0
  /// Whatever else was not expected.
  var others: [String] = []
}

/// Who runs.
struct Start: CustomTestStringConvertible {
  enum Way: String {
    case pam = "through PAM"
    case bus = "over the bus"
    case both = "through PAM and over the bus"
    /// Programs that ask for a password before, and the helper.
    case hosts = "at PAM hosts"

    static let races = [pam, bus, both]
  }

  /// In full every number in every way by time and by counter; in short time and counter take turns.
  static let all = [2, 4, 64].flatMap { count in
    Way.races.flatMap { way in
      [false, true].map { Start(processes: count, way: way, byCounter: $0) }
    }
  }.enumerated().filter { IntegrationTests.Strength.isFull || [0, 3].contains($0.offset % 4) }.map(\.element)

  let processes: Int
  let way: Way
  var byCounter = false

  var testDescription: String {
    let who = way == .hosts && processes == 2 ? "a login and sudo" : "\(processes) processes \(way.rawValue)"
    return "\(who), code by \(byCounter ? "counter" : "time")"
  }

  private static let service = "race"

  /// Runs so many rounds, each with a new code and all processes ready before they get it.
  fileprivate func run(_ rounds: Int, fault: FaultPoint? = nil) throws -> Score {
    try Machine.reset((byCounter ? "[Factor]\npasscode=hotp\n" : "") + "[Allowance]\nlogins=1000\n")
    try PAMHost.install()
    try Machine.pamService(Self.service, "auth required \(PAMHost.module)", "account required pam_permit.so")
    if fault != nil { try FaultyService.install() }
    defer { if fault != nil { try? FaultyService.remove() } }
    let user = try Machine.newUser()
    let phone = try Phone.activated(user)
    if let fault { try FaultyService.choose(fault) }
    // The same connections in all rounds: only those who are connected already call at once.
    let callers = try (0..<processes).filter { isCaller($0) }.enumerated().map { number, _ in
      try BusCaller(for: user, as: number.isMultiple(of: 2) ? nil : user)
    }
    var score = Score()
    for round in 1...rounds {
      let left = 1001 - round
      let prompts = try (0..<processes).filter { !isCaller($0) }.map { try Prompt(program($0, user)) }
      // What a service at fault takes for the rest is not to be relied on.
      let prompt = fault == nil ? "Offline passcode (\(left) logins left): " : " logins left): "
      for one in prompts { try one.wait(for: prompt) }
      let all = (prompts as [any Contender] + callers).shuffled()
      let code = byCounter ? try phone.code(counter: round) : try phone.nextCode()
      try fire(all, code, held: round.isMultiple(of: 2))
      score.add(try all.map { try $0.outcome(left: left - 1) }, round)
    }
    let allowance = try Factor.root.allowance(user)
    if fault == nil, allowance["remaining"] != String(1000 - rounds) || allowance["state"] != "ready" {
      score.others.append("\(allowance.dictionary)")
    }
    return score
  }

  /// Gives all of them the code.
  ///
  /// - Parameter held: holds the service still until all have called, so that it finds their calls in one moment.
  private func fire(_ all: [any Contender], _ code: String, held: Bool) throws {
    guard held, let service = try Machine.servicePID() else {
      for one in all { try one.enter(code) }
      return
    }
    kill(service, SIGSTOP)
    defer { kill(service, SIGCONT) }
    for one in all { try one.enter(code) }
    // Who was given the code and sleeps again has sent its call.
    for one in all { try waitUntil("all have called") { try Self.sleeps(one.pid) } }
  }

  private static func sleeps(_ pid: pid_t) throws -> Bool {
    let stat = try String(contentsOfFile: "/proc/\(pid)/stat", encoding: .utf8)
    return stat[(stat.lastIndex(of: ")") ?? stat.startIndex)...].hasPrefix(") S")
  }

  /// Whether the process with this number calls over the bus itself.
  private func isCaller(_ index: Int) -> Bool { way == .bus || way == .both && !index.isMultiple(of: 2) }

  private func program(_ index: Int, _ user: String) -> Program {
    guard way == .hosts else { return Program(["pamtester", Self.service, user, "authenticate"]) }
    return switch index % 8 {
    case 1, 5: Program(["sudo", "-k", "-S", "true"], as: user, asksPassword: true, isSilent: true)
    case 3: Program(["su", user, "-c", "true"], asksPassword: true)
    case 0, 7: Program(["pamtester", PAMHost.login, user, "authenticate"], asksPassword: true)
    default: Program([HelperProgram.path, user])
    }
  }
}

extension Score {
  fileprivate mutating func add(_ outcomes: [Outcome], _ round: Int) {
    switch outcomes.count(where: { $0 == .yes }) {
    case 0: noYes += 1
    case 1: break
    default: doubleYes += 1
    }
    for case .other(let text) in outcomes { others.append("round \(round): \(text)") }
  }
}

private enum Outcome: Equatable {
  case yes
  /// No, because the code is used already; that counts as no failure.
  case spent
  case other(String)
}

private protocol Contender {
  var pid: pid_t { get }
  func enter(_ code: String) throws
  func outcome(left: Int) throws -> Outcome
}

private struct Program {
  let command: [String]
  let user: String?
  let asksPassword: Bool
  /// sudo shows prompts and errors only.
  let isSilent: Bool

  init(_ command: [String], as user: String? = nil, asksPassword: Bool = false, isSilent: Bool = false) {
    (self.command, self.user, self.asksPassword, self.isSilent) = (command, user, asksPassword, isSilent)
  }
}

/// A program that asks for the code.
private final class Prompt: Contender {
  private let program: Program
  private let dialogue: PromptDialogue

  init(_ program: Program) throws {
    self.program = program
    dialogue = try PromptDialogue(program.command, as: program.user)
    if program.asksPassword { dialogue.answer(Machine.password) }
  }

  var pid: pid_t { dialogue.pid }

  func wait(for text: String) throws { try dialogue.wait(for: text) }

  func enter(_ code: String) { dialogue.answer(code) }

  func outcome(left: Int) throws -> Outcome {
    let ending = try dialogue.finish()
    let isHelper = ending.command.hasPrefix(HelperProgram.path)
    if isHelper, ending.text.contains("SUCCESS\n") != (ending.status == 0) { return .other("\(ending)") }
    if ending.status == 0 {
      let isTold = program.isSilent || ending.text.contains("\(left) offline logins remaining.")
      return isTold ? .yes : .other("\(ending)")
    }
    return ending.text.contains("used already") ? .spent : .other("\(ending)")
  }
}

/// A process of its own that is on the bus: it passes on what it reads and writes what comes back.
private final class BusCaller: Contender {
  /// perl is on every Debian system (perl-base).
  private static let relay = """
    use Socket;
    socket(BUS, AF_UNIX, SOCK_STREAM, 0) and connect(BUS, sockaddr_un("/run/dbus/system_bus_socket")) or die;
    vec($wanted, 0, 1) = vec($wanted, fileno(BUS), 1) = 1;
    while (select($ready = $wanted, undef, undef, undef)) {
      if (vec($ready, 0, 1)) { sysread(STDIN, $bytes, 65536) or exit; syswrite(BUS, $bytes) }
      if (vec($ready, fileno(BUS), 1)) { sysread(BUS, $bytes, 65536) or exit; syswrite(STDOUT, $bytes) }
    }
    """

  private let process: PromptDialogue
  private let peer: BusPeer
  private let subject: String
  private var serial: UInt32 = 0

  /// Calls for `subject` as this user; nil is root.
  init(for subject: String, as user: String?) throws {
    self.subject = subject
    let uid = try user.map { try #require(getpwnam($0)).pointee.pw_uid } ?? 0
    // Without a process in between, as runuser is one.
    process = try PromptDialogue(["setpriv", "--reuid=\(uid)", "perl", "-e", Self.relay])
    peer = try BusPeer(over: dup(process.socket), as: uid)
  }

  var pid: pid_t { process.pid }

  func enter(_ code: String) throws { serial = try peer.send(.authenticate(subject, code)) }

  func outcome(left: Int) throws -> Outcome {
    switch try peer.answer(to: serial).error {
    case nil: .yes
    case "ResponseReplayed": .spent
    case let error?: .other(error)
    }
  }
}
