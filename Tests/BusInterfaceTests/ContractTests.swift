import BusInterface
import Foundation
import OfflineAccess
import Testing

@Suite("The contract's XML")
struct ContractTests {
  private let root: XMLTree
  private let factor: XMLTree
  private let activation: XMLTree

  init() throws {
    root = try XMLTree.parse(try repositoryFile("dbus/org.offlineaccess.Factor1.xml"))
    factor = try #require(root.child("interface", named: "org.offlineaccess.Factor1"))
    activation = try #require(root.child("interface", named: "org.offlineaccess.Factor1.Activation"))
  }

  /// A member's arguments, as `s user, s method -> o activation`.
  private func signature(_ member: XMLTree) -> String {
    func list(_ direction: String) -> String {
      member.children("arg").filter { $0.attributes["direction", default: "in"] == direction }.map { argument in
        "\(argument.attributes["type", default: "?"]) \(argument.attributes["name", default: "?"])"
      }.joined(separator: ", ")
    }
    let (arguments, result) = (list("in"), list("out"))
    return result.isEmpty ? arguments : "\(arguments) -> \(result)"
  }

  private func signatures(_ interface: XMLTree, _ kind: String) -> [String: String] {
    interface.children(kind).reduce(into: [:]) { $0[$1.attributes["name", default: "?"]] = signature($1) }
  }

  @Test("Every method has the arguments that other programs rely on")
  func methods() {
    #expect(
      signatures(factor, "method") == [
        "Activate": "s user, s method, a{sv} options -> o activation, a{sv} challenge",
        "Reactivate": "s user, s method, a{sv} options -> o activation, a{sv} challenge",
        "Authenticate": "s user, s response, a{sv} options -> a{sv} outcome",
        "RemainingAllowance": "s user -> a{sv} allowance",
        "Deactivate": "s user",
        "Renew": "s user -> a{sv} allowance",
      ])
    #expect(
      signatures(activation, "method") == [
        "Confirm": "s response, a{sv} options -> b complete, a{sv} details",
        "Cancel": "",
      ])
  }

  @Test("Both interfaces have the one signal, and nothing else is there")
  func signals() {
    let progress = ["Progress": "s state, u step, u steps, a{sv} details"]
    #expect(signatures(factor, "signal") == progress)
    #expect(signatures(activation, "signal") == progress)
    #expect(root.children.count == 2)
    let kinds = Set((factor.children + activation.children).map(\.name))
    #expect(kinds == ["method", "signal", "property"])
    #expect(activation.children("property").isEmpty)
  }

  @Test("The properties can be read only, and never change")
  func properties() {
    let types = factor.children("property").map {
      [$0.attributes["name"], $0.attributes["type"], $0.attributes["access"]]
    }
    #expect(types == [["Version", "s", "read"], ["Methods", "as", "read"], ["Authority", "s", "read"]])
    for property in factor.children("property") {
      let annotation = property.child("annotation", named: "org.freedesktop.DBus.Property.EmitsChangedSignal")
      #expect(annotation?.attributes["value"] == "const")
    }
  }

  @Test("The names in code are those of the XML")
  func names() {
    func names(_ interface: XMLTree, _ kind: String) -> [String] {
      interface.children(kind).compactMap { $0.attributes["name"] }.sorted()
    }
    #expect(BusName.interface == factor.attributes["name"])
    #expect(BusName.activationInterface == activation.attributes["name"])
    #expect(FactorMember.allCases.map(\.rawValue).sorted() == names(factor, "method"))
    #expect(ActivationMember.allCases.map(\.rawValue).sorted() == names(activation, "method"))
    #expect(FactorProperty.allCases.map(\.rawValue).sorted() == names(factor, "property"))
    #expect([progressSignal] == names(factor, "signal"))
  }

  @Test("The fixed names are the contract's")
  func fixedNames() {
    #expect(BusName.service == "org.offlineaccess.Factor1")
    #expect(BusName.objectPath == "/org/offlineaccess/Factor1")
    #expect(BusName.activationParent == "/org/offlineaccess/Factor1/activation")
    #expect(BusName.errorPrefix == "org.offlineaccess.Factor1.Error.")
    #expect(BusName.systemBusSocket == "/run/dbus/system_bus_socket")
  }

  @Test("What is embedded is the file, byte by byte")
  func embedded() throws {
    #expect(Data(contractXML.utf8) == (try repositoryFile("dbus/org.offlineaccess.Factor1.xml")))
  }

  @Test("Bus activation starts the service as root, with systemd or without")
  func activationFile() throws {
    let text = String(decoding: try repositoryFile("dbus/org.offlineaccess.Factor1.service.in"), as: UTF8.self)
    let lines = text.split(separator: "\n").map(String.init)
    #expect(
      lines == [
        "[D-BUS Service]", "Name=\(BusName.service)", "Exec=@LIBEXECDIR@/offline-accessd", "User=root",
        "SystemdService=offline-access.service",
      ])
    let unit = String(decoding: try repositoryFile("data/offline-access.service.in"), as: UTF8.self)
    #expect(unit.split(separator: "\n").contains("BusName=\(Substring(BusName.service))"))
    #expect(unit.split(separator: "\n").contains("ExecStart=@LIBEXECDIR@/offline-accessd"))
  }
}

@Suite("The contract's words")
struct VocabularyTests {
  @Test("Every word that travels is the contract's")
  func words() {
    #expect(FactorMethod.allCases.map(\.rawValue) == ["passcode", "security-key"])
    #expect(Purpose.allCases.map(\.rawValue) == ["login", "unlock", "elevation"])
    #expect(
      AllowanceState.allCases.map(\.rawValue)
        == ["ready", "exhausted", "expired", "locked", "clock-untrusted", "not-activated", "suspended"])
    #expect(LimitKind.allCases.map(\.rawValue) == ["logins", "days", "both", "unlimited"])
    #expect(Via.allCases.map(\.rawValue) == ["offline", "online", "fail-open", "exempt"])
    #expect(
      ProgressState.allCases.map(\.rawValue)
        == ["key-needed", "touch-needed", "touch-accepted", "wrong-key", "pin-needed", "retry", "online-waiting"])
    #expect(AuthorityKind.allCases.map(\.rawValue) == ["none", "privacyidea", "duo", "radius"])
  }

  @Test("Every key that travels is the contract's")
  func keys() {
    #expect(
      Set(OptionKey.allCases.map(\.rawValue))
        .isSuperset(of: ["name", "service", "purpose", "remote", "pin", "trial"]))
    #expect(
      AllowanceKey.allCases.map(\.rawValue) == [
        "activated", "offer", "method", "state", "limit", "remaining", "counts", "last-day", "expires", "locked-until",
        "message", "via", "authority", "later", "last-online", "last-offline", "offline-reason",
      ])
    #expect(ProgressKey.allCases.map(\.rawValue) == ["message", "prompt"])
    #expect(
      Set(ChallengeKey.allCases.map(\.rawValue))
        .isSuperset(of: ["uri", "secret", "issuer", "account", "digits", "expires", "steps"]))
  }

  @Test("The XML names every word and key that it promises")
  func documented() throws {
    let xml = String(decoding: try repositoryFile("dbus/org.offlineaccess.Factor1.xml"), as: UTF8.self)
    let words =
      FactorMethod.allCases.map(\.rawValue) + Purpose.allCases.map(\.rawValue) + AllowanceState.allCases.map(\.rawValue)
      + LimitKind.allCases.map(\.rawValue) + Via.allCases.map(\.rawValue) + ProgressState.allCases.map(\.rawValue)
      + OptionKey.allCases.map(\.rawValue) + AllowanceKey.allCases.map(\.rawValue)
      + ProgressKey.allCases.map(\.rawValue)
    for word in words { #expect(xml.contains(word), "\(word)") }
  }
}
