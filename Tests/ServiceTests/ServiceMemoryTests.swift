import OfflineAccess
import Testing

@testable import OfflineAccessService

@Suite("Fresh proofs of the present factor")
struct FreshProofsTests {
  private var proofs = FreshProofs(lifetime: 120)

  @Test(
    "A proof holds for two minutes of uptime",
    arguments: [(0, true), (119, true), (120, false), (100_000, false)] as [(Int64, Bool)])
  mutating func lifetime(_ seconds: Int64, _ holds: Bool) {
    proofs.add(1000, at: 500)
    #expect(proofs.take(1000, at: 500 + seconds) == holds)
  }

  @Test("A proof serves once")
  mutating func once() {
    proofs.add(1000, at: 0)
    let taken = [proofs.take(1000, at: 1), proofs.take(1000, at: 1)]
    #expect(taken == [true, false])
  }

  @Test("A proof is its user's alone")
  mutating func ownProof() {
    proofs.add(1000, at: 0)
    let taken = [1001, 0, 1000].map { proofs.take($0, at: 1) }
    #expect(taken == [false, false, true])
  }

  @Test("A newer proof takes the older one's place")
  mutating func newer() {
    proofs.add(1000, at: 0)
    proofs.add(1000, at: 100)
    let taken = proofs.take(1000, at: 219)
    #expect(taken)
  }

  @Test("A removed proof is gone, the others stay")
  mutating func removed() {
    proofs.add(1000, at: 0)
    proofs.add(1001, at: 0)
    proofs.remove(1000)
    let taken = [1000, 1001].map { proofs.take($0, at: 1) }
    #expect(taken == [false, true])
  }

  @Test("Only live proofs keep the service from ending")
  mutating func emptiness() {
    let before = proofs.isEmpty(at: 0)
    proofs.add(1000, at: 0)
    let after = [119, 120].map { proofs.isEmpty(at: $0) }
    #expect(before)
    #expect(after == [false, true])
  }
}

@Suite("Refusals in the journal")
struct RefusalLogTests {
  @Test("Twenty refusals of a user are shown in a minute, and not more until it is over")
  func bound() {
    var log = RefusalLog()
    let shown = (0..<100).count { _ in log.shows(1000, at: 50) }
    #expect(shown == 20)
    let later = [109, 110].map { log.shows(1000, at: $0) }
    #expect(later == [false, true])
  }

  @Test("One user's flood hides nobody else's refusals")
  func others() {
    var log = RefusalLog()
    for _ in 0..<100 { _ = log.shows(1000, at: 0) }
    let shown = log.shows(1001, at: 0)
    #expect(shown)
  }

  @Test("Callers whom nobody knows count as one, and hide no user's refusals")
  func unknown() {
    var log = RefusalLog()
    let shown = (0..<100).count { _ in log.shows(nil, at: 0) }
    #expect(shown == 20)
    let root = log.shows(0, at: 0)
    #expect(root)
  }

  @Test("A thousand users each have their own bound; whoever comes beyond shares one")
  func manyUsers() {
    var log = RefusalLog()
    let shown = (0..<5000).count { log.shows($0, at: 0) }
    #expect(shown == 1024 + 20)
    let later = (5000..<6000).count { log.shows($0, at: 60) }
    #expect(later == 1000)
  }
}

@Suite("Users of this computer")
struct UserDirectoryTests {
  @Test("root is found by name and by id, as the directory names it")
  func root() async throws {
    let expected = UserIdentity(uid: 0, name: "root")
    #expect(try await UserDirectory.account(named: "root", for: 0)?.identity == expected)
    #expect(try await UserDirectory.account(withID: 0, for: 0)?.identity == expected)
  }

  @Test(
    "Who is not there is nil and no failure", arguments: ["no-such-user-here", "root ", "Root", "", "a:b", "../root"])
  func unknown(_ name: String) async throws {
    #expect(try await UserDirectory.account(named: name, for: 0)?.identity == nil)
  }

  @Test("An id of nobody is nil")
  func unknownID() async throws {
    #expect(try await UserDirectory.account(withID: 4_294_967_000, for: 0)?.identity == nil)
  }

  @Test("Membership is told by the default group too, and not by groups that are not there")
  func membership() async throws {
    let root = try #require(try await UserDirectory.account(named: "root", for: 0))
    #expect(try await UserDirectory.isMember(root, ofAny: ["root"], for: 0))
    #expect(try await UserDirectory.isMember(root, ofAny: ["no-such-group-here", "root"], for: 0))
    #expect(try await !UserDirectory.isMember(root, ofAny: ["no-such-group-here"], for: 0))
    #expect(try await !UserDirectory.isMember(root, ofAny: [], for: 0))
  }
}
