import Foundation
import Testing

/// A command under way: what it says is watched, what it reads is given line by line.
final class CommandSession {
  let process: Process
  private let input = Pipe()
  private let file: String

  init(_ command: String..., as user: String? = nil, environment: [String: String] = [:]) throws {
    process = command.process(as: user, environment: environment)
    file = "/run/session-\(UUID().uuidString)"
    try Machine.write("", to: file, mode: 0o600)
    let output = try #require(FileHandle(forWritingAtPath: file))
    (process.standardInput, process.standardOutput, process.standardError) = (input, output, output)
    try process.runOpenToSignals()
    try output.close()
  }

  deinit {
    if process.isRunning { kill(process.processIdentifier, SIGKILL) }
    try? FileManager.default.removeItem(atPath: file)
  }

  /// What it said so far, on both of its outputs.
  var said: String { (try? String(contentsOfFile: file, encoding: .utf8)) ?? "" }

  func waitFor(_ text: String, _ sourceLocation: SourceLocation = #_sourceLocation) throws {
    try waitUntil("it says “\(text)”") { said.contains(text) || !process.isRunning }
    #expect(said.contains(text), "\(said)", sourceLocation: sourceLocation)
  }

  func type(_ text: String) throws { try input.fileHandleForWriting.write(contentsOf: Data(text.utf8)) }
  func endInput() throws { try input.fileHandleForWriting.close() }

  /// Waits for its end.
  func status() -> Int32 {
    process.waitUntilExit()
    return process.terminationStatus
  }

  /// The phone that read the otpauth URI shown.
  func phone() throws -> Phone {
    try waitUntil("it shows a whole URI") { uri != nil || !process.isRunning }
    return try Phone(uri: try #require(uri, "\(said)"))
  }

  private var uri: String? {
    guard let match = said.firstMatch(of: /(otpauth:[^\s"]*)[\s"]/) else { return nil }
    return String(match.1).replacingOccurrences(of: "\\/", with: "/")
  }
}

/// A camera: it sees a terminal's characters in their colours, and zbarimg reads what it took.
struct Camera {
  /// One character cell: the brightness of its upper and of its lower half.
  private typealias Cell = (upper: Bool, lower: Bool)

  /// What zbarimg reads in a picture.
  static func read(picture: String) throws -> String {
    trimmed(try run("zbarimg", "--quiet", "--raw", "-Sdisable", "-Sqrcode.enable", picture).output)
  }

  /// What zbarimg reads in the QR code that a terminal shows.
  static func read(terminal text: String) throws -> String {
    let rows = text.split(omittingEmptySubsequences: false, whereSeparator: \.isNewline).compactMap {
      drawn(String($0))
    }
    let width = try #require(rows.map(\.count).max(), "nothing is drawn: \(text)")
    // A photograph also shows what surrounds the code: a black screen, here 4 cells of it.
    let margin = 4
    let scale = 4
    var lines: [String] = []
    func add(_ pixels: [Bool]) {
      let border = String(repeating: "1 ", count: margin * scale)
      let line = border + pixels.map { String(repeating: $0 ? "0 " : "1 ", count: scale) }.joined() + border
      lines += Array(repeating: line, count: scale)
    }
    let black = [Bool](repeating: false, count: width)
    for _ in 0..<margin { add(black) }
    for row in rows {
      let padded = row + Array(repeating: (false, false), count: width - row.count)
      add(padded.map(\.upper))
      add(padded.map(\.lower))
    }
    for _ in 0..<margin { add(black) }
    let picture = "/run/camera-\(UUID().uuidString).pbm"
    defer { try? FileManager.default.removeItem(atPath: picture) }
    let header = "P1\n\((width + 2 * margin) * scale) \(lines.count)\n"
    try Machine.write(header + lines.joined(separator: "\n") + "\n", to: picture, mode: 0o600)
    return try read(picture: picture)
  }

  /// The cells of a line that is part of a drawing: half blocks and spaces, and nothing else.
  private static func drawn(_ line: String) -> [Cell]? {
    var cells: [Cell] = []
    var (ink, paper) = (true, false)  // light on black, as most terminals are
    var rest = Substring(line)
    var isColoured = false
    while let character = rest.first {
      if let sequence = rest.prefixMatch(of: /\u{1B}\[([0-9;]*)m/) {
        switch sequence.1 {
        case "0", "": (ink, paper) = (true, false)
        case "38;5;16;48;5;231", "0;30;47": (ink, paper) = (false, true)
        case "38;5;231;48;5;16", "0;37;40": (ink, paper) = (true, false)
        default: return nil
        }
        isColoured = true
        rest = rest[sequence.range.upperBound...]
        continue
      }
      switch character {
      case "█": cells.append((ink, ink))
      case "▀": cells.append((ink, paper))
      case "▄": cells.append((paper, ink))
      case " ": cells.append((paper, paper))
      case "\r", "\r\n": break
      default: return nil
      }
      rest = rest.dropFirst()
    }
    return cells.count > 20 && (isColoured || line.contains { "█▀▄".contains($0) }) ? cells : nil
  }
}

extension IntegrationTests {
  @Suite("QR codes that a camera can read")
  struct QRCodes {
    init() throws { try Machine.reset() }

    private func attributes(_ path: String) throws -> (mode: Int, owner: Int) {
      let found = try FileManager.default.attributesOfItem(atPath: path)
      return (found[.posixPermissions] as? Int ?? -1, found[.ownerAccountID] as? Int ?? -1)
    }

    @Test("the picture of --png: read, private, and gone at the end")
    func picture() throws {
      let user = try Machine.newUser()
      let path = "/run/\(user).png"
      let session = try CommandSession("offline-access", "activate", "--user", user, "--no-qr", "--png", path)
      try session.waitFor("URI")
      let shown = try session.phone()
      #expect(try attributes(path) == (0o600, 0))
      let phone = try Phone(uri: try Camera.read(picture: path))
      #expect(phone.secret == shown.secret)
      try session.type(try phone.code() + "\n")
      #expect(session.status() == 0, "\(session.said)")
      #expect(!FileManager.default.fileExists(atPath: path))
      expectYes(try Factor.root.authenticate(user, phone.nextCode()))
    }

    @Test("--keep-png leaves the picture, as the word says, and needs --png")
    func kept() throws {
      let user = try Machine.newUser()
      let path = "/run/\(user).png"
      let session = try CommandSession(
        "offline-access", "activate", "--user", user, "--no-qr", "--png", path, "--keep-png")
      let phone = try session.phone()
      try session.type(try phone.code() + "\n")
      #expect(session.status() == 0, "\(session.said)")
      #expect(try attributes(path).mode == 0o600)
      #expect(try Phone(uri: Camera.read(picture: path)).secret == phone.secret)
      #expect(try run("offline-access", "activate", "--user", user, "--keep-png").status == 64)
    }

    @Test(
      "nothing that stands in the picture's place is touched", arguments: ["file", "link", "dangling link", "folder"])
    func occupied(kind: String) throws {
      let user = try Machine.newUser()
      let path = "/run/\(user).png"
      try Machine.write("mine", to: path + ".other")
      switch kind {
      case "file": try Machine.write("mine", to: path)
      case "link": try FileManager.default.createSymbolicLink(atPath: path, withDestinationPath: path + ".other")
      case "dangling link":
        try FileManager.default.createSymbolicLink(atPath: path, withDestinationPath: path + ".none")
      default: try FileManager.default.createDirectory(atPath: path, withIntermediateDirectories: false)
      }
      let result = try run("offline-access", "activate", "--user", user, "--no-qr", "--png", path, input: "000000\n")
      #expect(result.status == 1)
      #expect(result.errors.contains("exists already"), "\(result.errors)")
      #expect(!result.output.contains("otpauth"))
      #expect(try String(contentsOfFile: path + ".other", encoding: .utf8) == "mine")
      #expect(!FileManager.default.fileExists(atPath: path + ".none"))
      #expect(try Factor.root.allowance(user)["state"] == "not-activated")
      expectRefused(try Factor.root.cancel("/org/offlineaccess/Factor1/activation/1"), "NoSuchActivation")
    }

    @Test("the drawing in a pipe, light on a dark screen")
    func pipe() throws {
      let user = try Machine.newUser()
      let result = try run("offline-access", "activate", "--user", user)
      #expect(result.status == 1)
      let phone = try Phone(uri: try Camera.read(terminal: result.output))
      #expect(result.output.contains("secret=\(phone.secret)"))
      #expect(!result.output.contains("\u{1B}"))
    }

    @Test("the drawing on a terminal, in colours of its own", arguments: ["xterm-256color", "linux"])
    func terminal(name: String) throws {
      let user = try Machine.newUser()
      let session = try onTerminal(user, name: name, columns: 120, rows: 60)
      try session.waitFor("Code shown by the app: ")
      let phone = try Phone(uri: try Camera.read(terminal: session.said))
      try session.type(try phone.code() + "\n")
      #expect(session.status() == 0, "\(session.said)")
      #expect(session.said.contains("clear it"))
      let login = try run("offline-access", "authenticate", as: user, input: phone.nextCode() + "\n")
      login.expectSuccess()
    }

    @Test("a terminal of 80 columns and 24 rows has room for it")
    func smallTerminal() throws {
      // A short name: how large the code of a longer one is depends on the letters of its secret.
      let session = try onTerminal("bob", name: "xterm", columns: 80, rows: 24)
      try session.waitFor("Code shown by the app: ")
      #expect(try Phone(uri: Camera.read(terminal: session.said)).isTime)
      try session.type("\u{3}")
      #expect(session.status() == 128 + SIGINT)
    }

    @Test("a terminal that cannot show it says so and shows the secret", arguments: [("xterm", 40), ("dumb", 120)])
    func impossible(name: String, columns: Int) throws {
      let user = try Machine.newUser()
      let session = try onTerminal(user, name: name, columns: columns, rows: 60)
      try session.waitFor("Code shown by the app: ")
      #expect(session.said.contains(name == "dumb" ? "cannot show a QR code" : "this terminal has 40 and 60"))
      #expect(!session.said.contains { "█▀▄".contains($0) })
      try session.type(try session.phone().code() + "\n")
      #expect(session.status() == 0, "\(session.said)")
    }

    private func onTerminal(_ user: String, name: String, columns: Int, rows: Int) throws -> CommandSession {
      try CommandSession(
        "script", "-qefc", "stty cols \(columns) rows \(rows); exec offline-access activate --user \(user)",
        "/dev/null",
        environment: ["TERM": name])
    }
  }
}
