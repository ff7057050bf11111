import OfflineAccess
import Testing

@Suite("Who may do what")
struct AccessRulesTests {
  private static let root: UInt32 = 0
  private static let alice: UInt32 = 1000
  private static let bob: UInt32 = 1001

  private static func policy(_ standingAlone: Policy.StandingAlone, _ authority: AuthorityKind = .none) -> Policy {
    var policy = Policy()
    policy.standingAlone = standingAlone
    policy.authority.kind = authority
    return policy
  }

  @Test(
    "Authenticate is for root and for oneself, and never asks polkit",
    arguments: [
      (root, root, .granted), (root, alice, .granted), (alice, alice, .granted),
      (alice, bob, .refused(.accessDenied)), (alice, root, .refused(.accessDenied)),
      (.max, alice, .refused(.accessDenied)), (root, nil, .granted), (alice, nil, .refused(.accessDenied)),
    ] as [(UInt32, UInt32?, Authorization)])
  func authenticate(_ caller: UInt32, _ subject: UInt32?, _ expected: Authorization) {
    #expect(AccessRules.authenticate(caller: caller, subject: subject) == expected)
  }

  @Test(
    "Reading an allowance is for root, oneself and greeters",
    arguments: [
      (root, false, alice, .granted), (root, true, alice, .granted), (alice, false, alice, .granted),
      (alice, true, alice, .granted), (bob, true, alice, .granted), (bob, true, root, .granted),
      (bob, false, alice, .refused(.accessDenied)), (bob, false, root, .refused(.accessDenied)),
      (root, false, nil, .granted), (bob, true, nil, .granted), (bob, false, nil, .refused(.accessDenied)),
    ] as [(UInt32, Bool, UInt32?, Authorization)])
  func readAllowance(_ caller: UInt32, _ isGreeter: Bool, _ subject: UInt32?, _ expected: Authorization) {
    #expect(AccessRules.readAllowance(caller: caller, callerIsGreeter: isGreeter, subject: subject) == expected)
  }

  @Test(
    "Standing alone, setting up is the administrator's, or one's own at the first login",
    arguments: [
      (root, root, .administrator, .granted), (root, alice, .administrator, .granted),
      (alice, alice, .administrator, .polkit(.manage)), (alice, bob, .administrator, .polkit(.manage)),
      (alice, root, .administrator, .polkit(.manage)),
      (root, root, .firstLogin, .granted), (root, alice, .firstLogin, .granted),
      (alice, alice, .firstLogin, .polkit(.activate)), (alice, bob, .firstLogin, .polkit(.manage)),
      (alice, root, .firstLogin, .polkit(.manage)), (root, nil, .firstLogin, .granted),
      (alice, nil, .firstLogin, .polkit(.manage)), (alice, nil, .administrator, .polkit(.manage)),
    ] as [(UInt32, UInt32?, Policy.StandingAlone, Authorization)])
  func activate(_ caller: UInt32, _ subject: UInt32?, _ alone: Policy.StandingAlone, _ expected: Authorization) {
    #expect(
      AccessRules.activate(caller: caller, subject: subject, approved: false, policy: Self.policy(alone)) == expected)
  }

  @Test(
    "Standing alone, replacing needs one's own proof, root or the administrator's authorization",
    arguments: [
      (root, alice, false, .granted), (root, root, false, .granted), (root, alice, true, .granted),
      (alice, alice, true, .granted), (alice, alice, false, .polkit(.manage)),
      (alice, bob, true, .polkit(.manage)), (alice, bob, false, .polkit(.manage)), (root, nil, false, .granted),
      (alice, nil, true, .polkit(.manage)), (alice, nil, false, .polkit(.manage)),
    ] as [(UInt32, UInt32?, Bool, Authorization)], Policy.StandingAlone.allCases)
  func reactivate(
    _ row: (caller: UInt32, subject: UInt32?, proven: Bool, expected: Authorization), _ alone: Policy.StandingAlone
  ) {
    let rule = AccessRules.reactivate(
      caller: row.caller, subject: row.subject, proven: row.proven, approved: false, policy: Self.policy(alone))
    #expect(rule == row.expected)
  }

  @Test(
    "With an online authority nobody sets up without online proof, root neither",
    arguments: AuthorityKind.allCases.filter { $0 != .none }, [root, alice, bob])
  func onlineProof(_ authority: AuthorityKind, _ caller: UInt32) {
    for alone in Policy.StandingAlone.allCases {
      let policy = Self.policy(alone, authority)
      let rules = [
        AccessRules.activate(caller: caller, subject: Self.alice, approved: false, policy: policy),
        AccessRules.reactivate(caller: caller, subject: Self.alice, proven: false, approved: false, policy: policy),
        AccessRules.reactivate(caller: caller, subject: Self.alice, proven: true, approved: false, policy: policy),
        AccessRules.renew(caller: caller, subject: Self.alice, approved: false, policy: policy),
      ]
      #expect(rules.allSatisfy { $0 == .refused(.onlineProofRequired) })
    }
  }

  @Test(
    "Once an online authority has approved a user, it is root's and the user's to set up, for others the administrator's",
    arguments: AuthorityKind.allCases.filter { $0 != .none },
    [(root, .granted), (alice, .granted), (bob, .polkit(.manage))] as [(UInt32, Authorization)])
  func approved(_ authority: AuthorityKind, _ row: (caller: UInt32, expected: Authorization)) {
    for alone in Policy.StandingAlone.allCases {
      let policy = Self.policy(alone, authority)
      let (caller, alice) = (row.caller, Self.alice)
      #expect(AccessRules.activate(caller: caller, subject: alice, approved: true, policy: policy) == row.expected)
      for proven in [false, true] {
        let rule = AccessRules.reactivate(
          caller: caller, subject: alice, proven: proven, approved: true, policy: policy)
        #expect(rule == row.expected)
      }
    }
  }

  @Test("An approval changes nothing where the computer stands alone")
  func approvalAlone() {
    let policy = Self.policy(.administrator)
    let rule = AccessRules.activate(caller: Self.alice, subject: Self.alice, approved: true, policy: policy)
    #expect(rule == .polkit(.manage))
    #expect(
      AccessRules.renew(caller: Self.alice, subject: Self.alice, approved: true, policy: policy) == .polkit(.manage))
    #expect(AccessRules.renew(caller: 0, subject: Self.alice, approved: false, policy: policy) == .granted)
  }

  @Test(
    "Removing and renewing are root's and the administrator's",
    arguments: [(root, .granted), (alice, .polkit(.manage)), (.max, .polkit(.manage))] as [(UInt32, Authorization)])
  func manage(_ caller: UInt32, _ expected: Authorization) {
    #expect(AccessRules.manage(caller: caller) == expected)
  }
}
