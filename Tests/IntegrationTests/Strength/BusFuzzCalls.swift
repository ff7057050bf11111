import Foundation
import FoundationXML
import Testing

/// A member that the running service says it has.
struct ServedMember: Hashable {
  let path: String
  let interface: String
  let name: String
  /// Of its arguments.
  let signature: String

  /// What introspection of `paths` tells.
  static func all(of paths: [String]) throws -> [ServedMember] {
    try paths.flatMap { path in
      let answer = try Factor(user: "mallory").call(
        path, "org.freedesktop.DBus.Introspectable", "Introspect", [])
      let xml = try #require(expectYes(answer).values.first as? String)
      let reader = Reader(path: path)
      let parser = XMLParser(data: Data(xml.utf8))
      parser.delegate = reader
      #expect(parser.parse(), "\(xml)")
      return reader.members
    }
  }

  private final class Reader: NSObject, XMLParserDelegate {
    let path: String
    private(set) var members: [ServedMember] = []
    private var (interface, method, signature) = ("", String?.none, "")

    init(path: String) { self.path = path }

    func parser(
      _ parser: XMLParser, didStartElement element: String, namespaceURI: String?, qualifiedName: String?,
      attributes: [String: String]
    ) {
      switch element {
      case "interface": interface = attributes["name"] ?? ""
      case "method": (method, signature) = (attributes["name"], "")
      case "arg" where method != nil && attributes["direction"] != "out": signature += attributes["type"] ?? ""
      default: break
      }
    }

    func parser(_ parser: XMLParser, didEndElement element: String, namespaceURI: String?, qualifiedName: String?) {
      guard element == "method", let name = method else { return }
      members.append(ServedMember(path: path, interface: interface, name: name, signature: signature))
      method = nil
    }
  }
}

/// A call, and whether it keeps to the contract as far as types go.
struct FuzzCall {
  var call: BusCall
  /// A member of the contract on an object of the contract, with arguments of the right types.
  var isWellTyped: Bool

  var description: String {
    let body = call.body.prefix(256).map { String($0, radix: 16) }.joined(separator: " ")
    return
      "\(call.path) \(call.interface).\(call.member) flags \(call.flags) “\(call.signature)” \(call.body.count): \(body)"
  }
}

extension BusFuzzValues {
  private static let ownInterfaces = ["org.offlineaccess.Factor1", "org.offlineaccess.Factor1.Activation"]

  /// A call of one of `members`, right or wrong in one of many ways.
  mutating func call(_ members: [ServedMember]) -> FuzzCall {
    let member = random.pick(members)
    var call = BusCall(member.name)
    (call.path, call.interface, call.signature) = (member.path, member.interface, member.signature)
    call.flags = random.pick([0, 0, 0, 0, 2, 4, 4, 6])
    if member.interface == Self.ownInterfaces[1] { call.path = activationPath() }
    var isWellTyped = Self.ownInterfaces.contains(member.interface)
    if random.once(in: 4) {
      isWellTyped = false
      spoil(&call)
    }
    var bytes = BusBytes()
    write(call.signature, to: &bytes)
    call.body = bytes.bytes
    return FuzzCall(call: call, isWellTyped: isWellTyped)
  }

  private mutating func activationPath() -> String {
    let parent = "/org/offlineaccess/Factor1/activation/"
    for _ in 0..<8 {
      let path = objectPath()
      if path.hasPrefix(parent), !path.dropFirst(parent.count).contains("/") { return path }
    }
    return parent + "1"
  }

  private mutating func spoil(_ call: inout BusCall) {
    let types = Self.completeTypes(call.signature)
    switch Int.random(in: 0..<12, using: &random) {
    case 0, 1: call.signature = (0..<Int.random(in: 0...5, using: &random)).map { _ in type() }.joined()
    case 2: call.signature = types.dropLast().joined()
    case 3: call.signature = types.dropFirst().joined()
    case 4: call.signature += type()
    case 5: call.signature = types.map { random.once(in: 2) ? type() : $0 }.joined()
    case 6: call.signature = types.reversed().joined()
    case 7: call.path = objectPath()
    case 8: call.interface = ""
    case 9:
      call.interface = random.pick([
        "org.offlineaccess.Factor1", "org.offlineaccess.Factor1.Activation", "org.freedesktop.DBus.Properties",
        "org.freedesktop.DBus.Introspectable", "org.freedesktop.DBus.Peer", "org.freedesktop.DBus.ObjectManager",
        "org.freedesktop.DBus", "org.offlineaccess.Factor2", "a.b", "_._" + String(repeating: "a", count: 252),
      ])
    case 10:
      call.member = random.pick([
        "Frobnicate", "authenticate", "Set", "GetManagedObjects", "GetMachineId", "Progress", "PropertiesChanged", "_",
        String(repeating: "M", count: 255),
      ])
    default: call.signature = String(repeating: random.pick(["s", "v", "t", "ay"]), count: random.pick([9, 100]))
    }
  }
}
