import Foundation
import Testing

extension IntegrationTests.SecurityKeys {
  @Suite("Many at once")
  struct KeyCrowd {
    private let host: SoftKeyHost

    init() throws {
      try Machine.reset("[Service]\nidle-exit=0\n[Allowance]\nlogins=1000\n")
      host = try SoftKeyHost()
    }

    @Test("200 authentications at once by 20 users at two keys: every one is a yes, and each is counted once")
    func crowd() throws {
      try host.underService {
        var holders: [KeyedUser] = []
        try host.plug("one")
        for _ in 0..<10 { holders.append(try KeyedUser(host)) }
        try host.unplug("one")
        try host.plug("two")
        for _ in 0..<10 { holders.append(try KeyedUser(host)) }
        try host.plug("one")
        let calls = try holders.flatMap { holder in
          let peer = try BusPeer()
          return try peer.send((0..<10).map { _ in BusCall.authenticate(holder.user, "") }).map { (peer, $0) }
        }
        for (peer, serial) in calls { #expect(try peer.answer(to: serial).error == nil) }
        for holder in holders { #expect(try Factor.root.allowance(holder.user)["remaining"] == "990") }
      }
    }

    @Test("the service leaves no descriptor, thread or open key behind")
    func leavesNothing() throws {
      try host.underService {
        try host.plug("mine")
        let holder = try KeyedUser(host)
        let pid = try #require(try Machine.servicePID())
        func count(_ what: String) throws -> Int {
          try FileManager.default.contentsOfDirectory(atPath: "/proc/\(pid)/\(what)").count
        }
        func many() throws {
          let peer = try BusPeer()
          for _ in 0..<100 { #expect(try peer.error(of: .authenticate(holder.user, "")) == nil) }
        }
        try many()
        try waitUntil("the key's thread is gone") { try count("task") <= 9 }
        let before = (try count("fd"), try count("task"))
        try many()
        try waitUntil("what was opened is closed") {
          let now = (try count("fd"), try count("task"))
          return now.0 <= before.0 && now.1 <= before.1
        }
      }
    }
  }
}
