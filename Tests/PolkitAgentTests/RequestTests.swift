import GLibBus
import Glibc
import Testing

@testable import PolkitAgent

@Suite("What polkit sends with a question")
struct RequestTests {
  private func identity(_ uid: Value = .uint32(0), kind: String = "unix-user", key: String = "uid") -> Value {
    .structure([.string(kind), .dictionary([(key, uid)])])
  }

  private func arguments(
    cookie: Value = .string("1-abc"), details: [(String, String)] = [], identities: [Value]? = nil
  ) -> [Value] {
    [
      .string("org.example.act"), .string("Do it?"), .string(""), .stringMap(details), cookie,
      .structures(identities ?? [identity()], of: "(sa{sv})"),
    ]
  }

  @Test("users are taken in polkit's order; groups, numbers of nobody and what is no number are left out")
  func identities() async {
    let request = await AuthenticationRequest.read(
      arguments(identities: [
        identity(.uint32(4_294_967_294)), identity(kind: "unix-group", key: "gid"), identity(.uint64(0)),
        identity(.string("root")), identity(key: "user"), .structure([.string("unix-user")]), .string("root"),
        identity(),
      ]))
    #expect(request?.identities.map(\.name) == ["root"])
    for nobody in [[], [identity(.uint32(4_294_967_294))], [identity(kind: "unix-netgroup")]] {
      #expect(await AuthenticationRequest.read(arguments(identities: nobody)) == nil)
    }
  }

  @Test("a cookie that is no single line, or other arguments, are no question")
  func cookies() async {
    #expect(AuthenticationRequest.cookie(of: arguments()) == "1-abc")
    for cookie in [Value.string(""), .string("1-abc\nroot"), .string("\n"), .uint32(1)] {
      #expect(AuthenticationRequest.cookie(of: arguments(cookie: cookie)) == nil)
      #expect(await AuthenticationRequest.read(arguments(cookie: cookie)) == nil)
    }
    for count in 0..<6 { #expect(await AuthenticationRequest.read(Array(arguments().prefix(count))) == nil) }
    #expect(await AuthenticationRequest.read(arguments() + [.string("")]) == nil)
  }

  @Test("who asks is looked up when the question comes, and is nobody where there is no such process")
  func caller() async throws {
    let own = try #require(ProcessFile(UInt32(getpid())))
    let request = await AuthenticationRequest.read(arguments(details: [("polkit.caller-pid", "\(own.pid)")]))
    #expect(request?.caller == "\(own.name) (\(own.pid))" && request?.program == nil)
    for pid in ["", "0", "-1", "4294967295", "99999999999", "self", "1/../self"] {
      let request = await AuthenticationRequest.read(arguments(details: [("polkit.subject-pid", pid)]))
      #expect(request != nil && request?.caller == nil, "\(pid)")
    }
  }

  @Test("words of the one who asks lose what gives orders to a terminal")
  func program() async {
    let request = await AuthenticationRequest.read(
      arguments(details: [("program", "/bin/x"), ("command_line", "x \u{1b}[2J\n\u{202e}y")]))
    #expect(request?.program == "x  [2J y")
  }

  @Test("a process is another one when only its number is the same")
  func process() throws {
    let own = UInt32(getpid())
    let subject = try #require(Subject(process: own))
    let startTime = try #require(ProcessFile(own)?.startTime)
    #expect(subject == .process(pid: own, startTime: startTime))
    #expect(subject != .process(pid: own, startTime: startTime + 1))
    for pid in [0, 4_294_967_295] as [UInt32] { #expect(Subject(process: pid) == nil) }
  }
}
