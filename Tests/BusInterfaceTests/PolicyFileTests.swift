import BusInterface
import Foundation
import OfflineAccess
import Testing

@Suite("Who the bus lets through")
struct BusPolicyTests {
  private let policies: [XMLTree]
  private let everybody: XMLTree

  init() throws {
    let root = try XMLTree.parse(try repositoryFile("dbus/org.offlineaccess.Factor1.conf"))
    #expect(root.name == "busconfig")
    #expect(root.children.allSatisfy { $0.name == "policy" })
    policies = root.children
    everybody = try #require(policies.first { $0.attributes["context"] == "default" })
  }

  /// A rule as its attributes, sorted.
  private func text(_ rule: XMLTree) -> String {
    rule.name + rule.attributes.sorted { $0.key < $1.key }.map { " \($0.key)=\($0.value)" }.joined()
  }

  @Test("Only root may own the name, and nobody has more rules than that")
  func owner() throws {
    #expect(policies.count == 2)
    let root = try #require(policies.first { $0.attributes["user"] == "root" })
    #expect(root.children.map(text) == ["allow own=org.offlineaccess.Factor1"])
  }

  @Test("Everything is denied before anything is allowed")
  func deniedFirst() {
    #expect(
      everybody.children.prefix(2).map(text)
        == ["deny own=org.offlineaccess.Factor1", "deny send_destination=org.offlineaccess.Factor1"])
    #expect(everybody.children.dropFirst(2).allSatisfy { $0.name == "allow" })
  }

  @Test("Every rule that allows names destination, type, interface and member, and nothing else")
  func noWildcard() {
    for rule in everybody.children.dropFirst(2) {
      #expect(
        Set(rule.attributes.keys) == ["send_destination", "send_type", "send_interface", "send_member"], "\(text(rule))"
      )
      #expect(rule.attributes["send_destination"] == BusName.service)
      #expect(rule.attributes["send_type"] == "method_call")
      #expect(rule.attributes.values.allSatisfy { !$0.contains("*") && !$0.isEmpty })
    }
  }

  @Test("What is allowed is every member of the contract, and of D-Bus's own what reading takes")
  func members() throws {
    let contract = try XMLTree.parse(try repositoryFile("dbus/org.offlineaccess.Factor1.xml"))
    let own = contract.children.flatMap { interface in
      interface.children("method").map { "\(interface.attributes["name"] ?? "?").\($0.attributes["name"] ?? "?")" }
    }
    let standard = [
      "org.freedesktop.DBus.Properties.Get", "org.freedesktop.DBus.Properties.GetAll",
      "org.freedesktop.DBus.Introspectable.Introspect", "org.freedesktop.DBus.Peer.Ping",
    ]
    let allowed = everybody.children("allow").map {
      "\($0.attributes["send_interface"] ?? "?").\($0.attributes["send_member"] ?? "?")"
    }
    #expect(allowed.sorted() == (own + standard).sorted())
    let code =
      FactorMember.allCases.map { "\(BusName.interface).\($0.rawValue)" }
      + ActivationMember.allCases.map { "\(BusName.activationInterface).\($0.rawValue)" }
    #expect(own.sorted() == code.sorted())
  }
}

@Suite("What polkit is asked")
struct PolkitPolicyTests {
  private let actions: [XMLTree]

  init() throws {
    let root = try XMLTree.parse(try repositoryFile("data/org.offlineaccess.Factor1.policy"))
    actions = root.children("action")
  }

  @Test("The actions of the file are those of the code")
  func complete() {
    #expect(actions.compactMap { $0.attributes["id"] }.sorted() == PolkitAction.allCases.map(\.rawValue).sorted())
  }

  @Test(
    "Setting up one's own asks for one's own password in an active session only, the rest for the administrator's",
    arguments: [
      ("org.offlineaccess.Factor1.activate", ["no", "no", "auth_self"]),
      ("org.offlineaccess.Factor1.manage", ["auth_admin", "auth_admin", "auth_admin"]),
    ])
  func defaults(_ id: String, _ expected: [String]) throws {
    let action = try #require(actions.first { $0.attributes["id"] == id })
    let defaults = try #require(action.children("defaults").first)
    #expect(defaults.children.map(\.name) == ["allow_any", "allow_inactive", "allow_active"])
    #expect(defaults.children.map(\.text) == expected)
  }

  @Test("Every action says what it is about and for whom", arguments: PolkitAction.allCases)
  func texts(_ action: PolkitAction) throws {
    let element = try #require(actions.first { $0.attributes["id"] == action.rawValue })
    #expect(element.children("description").first?.text.isEmpty == false)
    #expect(element.children("message").first?.text.contains("$(user)") == true)
    // An action that implies or carries another right would grant more than it says.
    #expect(element.children("annotate").isEmpty)
  }
}
