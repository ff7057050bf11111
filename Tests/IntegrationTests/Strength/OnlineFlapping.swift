import BusClient
import Foundation
import OfflineAccess
import Testing

extension IntegrationTests.Strength {
  @Suite("A server that comes and goes")
  struct OnlineFlapping {
    @Test("during parallel logins no yes without an approval or the offline factor, and none twice")
    func flapping() throws {
      let relay = try ServerRelay()
      let limit = 3
      try OnlineService.reset(
        port: relay.port, "timeout=5",
        other: "[Factor]\npasscode=hotp\n[Allowance]\nlogins=\(limit)\n[Failure]\nattempts=100\n")
      let log = try ServiceLog()
      let workers = try (1...3).map { _ in
        let user = try OnlineUser(digits: 8)
        try PrivacyIDEAServer.tell("patience \(user.token) 1000000")
        return LoginWorker(user, try user.activate())
      }
      for worker in workers { worker.start() }
      let flaps = IntegrationTests.Strength.times(500, short: 10)
      let portion = min(20, flaps)
      for _ in 0..<flaps / portion { try relay.flap(portion) }
      for worker in workers { worker.finish() }

      let proofs = Audit.entries(try log.new).filter {
        $0["event"] == "online" && $0["verdict"] == "approved"
      }
      var (tries, online, offline) = (0, 0, 0)
      for worker in workers {
        #expect(worker.faults == [])
        #expect(worker.longestRun <= limit)
        #expect(Set(worker.online).count == worker.online.count && Set(worker.offline).count == worker.offline.count)
        // The set-up took one approval more.
        let own = proofs.filter { $0["user"] == worker.user.name }
        #expect(own.count == worker.online.count + 1 && own.allSatisfy { $0["proof"] == worker.user.token })
        #expect(Int(try PrivacyIDEAServer.tell("counter \(worker.user.token)")) ?? 0 >= own.count)
        tries += worker.tries
        online += worker.online.count
        offline += worker.offline.count
      }
      #expect(online > 0 && offline > 0, "\(tries) tries were not enough to meet both")
      try waitUntil("all processes have ended") { try OnlineService.talks().isEmpty }
      try IntegrationTests.Strength.report(
        "Online", tried: "a real server up and down during logins of \(workers.count) users with right and wrong codes",
        times: "\(flaps) times, \(tries) tries",
        outcome: "\(online) approvals with their proof, \(offline) offline, no other yes and none twice")
    }
  }
}

/// One user's logins with right and wrong codes, one after another, on a thread of their own.
private final class LoginWorker: @unchecked Sendable {
  // Audited: all of this is written by that thread alone, and read by others once `finish` has returned.
  private(set) var online: [String] = []
  private(set) var offline: [String] = []
  private(set) var tries = 0
  private(set) var longestRun = 0
  /// What must not happen.
  private(set) var faults: [String] = []
  private var run = 0
  let user: OnlineUser
  private let phone: Phone
  private let end = DispatchSemaphore(value: 0)
  private let ended = DispatchSemaphore(value: 0)

  init(_ user: OnlineUser, _ phone: Phone) { (self.user, self.phone) = (user, phone) }

  func start() {
    Thread.detachNewThread { [self] in
      do { try work() } catch { faults.append("\(error)") }
      ended.signal()
    }
  }

  func finish() {
    end.signal()
    ended.wait()
  }

  private func work() throws {
    var counter = 1
    var (fromServer, fromPhone) = (try user.code(), try phone.code(counter: counter))
    while end.wait(timeout: .now()) == .timedOut {
      switch try answer(fromServer) {
      case .success("online"):
        online.append(fromServer)
        run = 0
        try expectSpent(fromServer)
        fromServer = try user.code()
      case .success(let via): faults.append("a code of the server's, and a yes by \(via)")
      case .failure(let refusal) where refusal.reason == .onlineDenied:
        // Accepted before, when nobody heard of it.
        fromServer = try user.code()
      case .failure: break
      }
      try expectSpent("000000")
      switch try answer(fromPhone) {
      case .success("offline"):
        offline.append(fromPhone)
        run += 1
        longestRun = max(longestRun, run)
        try expectSpent(fromPhone)
        counter += 1
        fromPhone = try phone.code(counter: counter)
      case .success(let via): faults.append("a code of the phone's, and a yes by \(via)")
      case .failure: break
      }
    }
  }

  private func expectSpent(_ code: String) throws {
    if case .success(let via) = try answer(code) { faults.append("a yes to \(code) by \(via)") }
  }

  /// By what the service said yes, or why it did not.
  private func answer(_ code: String) throws -> Result<String, Refusal> {
    tries += 1
    let client = FactorClient(try BusConnection())
    do throws(BusFailure) {
      return .success(try client.authenticate(user.name, response: code).via ?? "nothing")
    } catch {
      guard case .refused(let refusal) = error else {
        faults.append("\(error)")
        return .failure(Refusal(.failed, ""))
      }
      let expected: Set<Refusal.Reason> = [.onlineDenied, .badResponse, .responseReplayed, .allowanceExhausted]
      if !expected.contains(refusal.reason) { faults.append("\(refusal.reason)") }
      return .failure(refusal)
    }
  }
}
