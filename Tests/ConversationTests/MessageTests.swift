import Testing

@testable import BusClient

@Suite("Messages of the bus as bytes")
struct MessageTests {
  /// A signal by hand, as the D-Bus Specification has it, big end first.
  private static func bigEndianSignal(body: [UInt8], signature: String) -> [UInt8] {
    var bytes: [UInt8] = [UInt8(ascii: "B"), 4, 0, 1, 0, 0, 0, UInt8(body.count), 0, 0, 0, 9, 0, 0, 0, 0]
    func align() { while !bytes.count.isMultiple(of: 8) { bytes.append(0) } }
    for (code, type, text) in [(1, "o", "/a"), (2, "s", "org.x"), (3, "s", "Told"), (7, "s", ":1.7")]
      as [(UInt8, String, String)]
    {
      align()
      bytes += [code, 1] + type.utf8 + [0, 0, 0, 0, UInt8(text.utf8.count)] + text.utf8 + [0]
    }
    align()
    bytes += [8, 1, UInt8(ascii: "g"), 0, UInt8(signature.utf8.count)] + signature.utf8 + [0]
    bytes[15] = UInt8(bytes.count - 16)
    align()
    return bytes + body
  }

  @Test("a call is what the specification says, byte for byte")
  func call() throws {
    let call = Call(destination: "d.e", path: "/", interface: "i.f", member: "M", arguments: [.string("ab")])
    let fields: [[UInt8]] = [
      [1, 1, 0x6F, 0, 1, 0, 0, 0, 0x2F, 0, 0, 0, 0, 0, 0, 0],
      [2, 1, 0x73, 0, 3, 0, 0, 0, 0x69, 0x2E, 0x66, 0, 0, 0, 0, 0],
      [3, 1, 0x73, 0, 1, 0, 0, 0, 0x4D, 0, 0, 0, 0, 0, 0, 0],
      [6, 1, 0x73, 0, 3, 0, 0, 0, 0x64, 0x2E, 0x65, 0, 0, 0, 0, 0],
      [8, 1, 0x67, 0, 1, 0x73, 0],
    ]
    let header = [0x6C, 1, 0, 1, 7, 0, 0, 0, 5, 0, 0, 0, 71, 0, 0, 0] + fields.joined() + [0]
    #expect(try call.encoded(serial: 5) == header + [2, 0, 0, 0, 0x61, 0x62, 0])
  }

  @Test("every kind of value comes back as it was sent")
  func values() throws {
    let values: [BusValue] = [
      .boolean(true), .uint32(7), .string("ünî"), .uint64(1 << 40), .objectPath("/a/b_1"), .strings(["", "x"]),
      .strings([]),
      .dictionary(["k": .uint64(3), "list": .strings(["y"]), "inner": .dictionary(["z": .boolean(false)])]),
      .dictionary([:]),
    ]
    let call = Call(destination: "d.e", path: "/a", interface: "i.f", member: "M", arguments: values)
    let bytes = try call.encoded(serial: 1)
    #expect(Message.length(bytes) == bytes.count)
    #expect(try #require(Message(bytes)).readArguments() == values)
  }

  @Test("a message of a machine with the other order of bytes is read, too")
  func bigEndian() throws {
    let message = try #require(Message(Self.bigEndianSignal(body: [0, 0, 1, 2, 0, 0, 0, 1], signature: "ub")))
    #expect(message.isSignal("Told", of: "org.x") && message.sender == ":1.7" && message.hasSignature("ub"))
    #expect(try message.readArguments() == [.uint32(258), .boolean(true)])
  }

  @Test("a value of an unknown type is passed over in a dictionary, whatever is in it, and nowhere else")
  func unknown() throws {
    // {"a": <(byte, [int16])>, "b": <true>}
    var body: [UInt8] =
      [0, 0, 0, 0, 0, 0, 0, 0] + [0, 0, 0, 1, 0x61, 0, 5] + Array("(yan)".utf8) + [0, 0, 0, 0]
      + [9, 0, 0, 0, 0, 0, 0, 4, 0, 1, 0, 2] + [0, 0, 0, 0] + [0, 0, 0, 1, 0x62, 0, 1, 0x62, 0, 0, 0, 0, 0, 0, 0, 1]
    body[3] = UInt8(body.count - 8)
    let message = try #require(Message(Self.bigEndianSignal(body: body, signature: "a{sv}")))
    guard case .dictionary(let dictionary) = try message.readArguments().first else {
      Issue.record("no dictionary")
      return
    }
    #expect(dictionary.unreadableKeys == ["a"] && dictionary.boolean("b") == true)
    let bare = try #require(Message(Self.bigEndianSignal(body: [9], signature: "y")))
    #expect(throws: BusFailure.self) { try bare.readArguments() }
  }

  @Test("what is cut short, too long or inconsistent is no message or malformed")
  func broken() throws {
    let whole = try Call(
      destination: "d.e", path: "/a", interface: "i.f", member: "M", arguments: [.string("text"), .strings(["x"])]
    ).encoded(serial: 1)
    for count in 0..<whole.count { #expect(Message(Array(whole[..<count])) == nil) }
    #expect(Message.length(Array(whole[..<15])) == nil)
    for (place, value) in [(0, 0), (3, 2), (15, 0xFF)] as [(Int, UInt8)] {
      var other = whole
      other[place] = value
      #expect(Message.length(other) == 0)
    }
    for (body, signature) in [
      ([0, 0, 0, 2], "b"), ([0, 0, 0, 9, 0x61, 0], "s"), ([0, 0, 0, 1, 0x61, 0x61], "s"), ([0, 0, 0, 1, 0xFF, 0], "s"),
      ([0, 0, 0, 1, 0x61, 0], "o"), ([0, 0, 0, 1], "uu"), ([0, 0, 0, 1, 0, 0, 0, 1], "u"), ([2, 0x75, 0x75, 0], "v"),
      ([0, 0, 0, 9, 0, 0, 0, 0], "as"), ([], "("), ([], "q"),
    ] as [([UInt8], String)] {
      let message = Message(Self.bigEndianSignal(body: body, signature: signature))
      #expect(throws: BusFailure.self, "\(signature)") {
        try message?.readArguments() ?? { throw BusFailure.malformed }()
      }
    }
    // Variants in variants, deeper than anybody means it.
    let deep = [[UInt8]](repeating: [1, 0x76, 0], count: 60).joined() + [1, 0x79, 0, 7]
    let message = try #require(Message(Self.bigEndianSignal(body: Array(deep), signature: "v")))
    #expect(throws: BusFailure.self) { try message.readArguments() }
  }

  @Test(
    "object paths are as the specification has them",
    arguments: [
      ("/", true), ("/a", true), ("/a/b_1", true), ("", false), ("a", false), ("/a/", false), ("//", false),
      ("/a//b", false), ("/ä", false), ("/a-b", false), ("/a\u{0}", false),
    ])
  func paths(_ text: String, _ isPath: Bool) {
    #expect(isObjectPath(text) == isPath)
    let call = Call(destination: "d.e", path: text, interface: "i.f", member: "M")
    #expect((try? call.encoded(serial: 1)) == nil ? !isPath : isPath)
  }

  @Test("text with a NUL cannot be sent")
  func unsendable() {
    for argument in [BusValue.string("a\u{0}"), .strings(["\u{0}"]), .dictionary(["k": .string("\u{0}")])] {
      let call = Call(destination: "d.e", path: "/a", interface: "i.f", member: "M", arguments: [argument])
      #expect(throws: BusFailure.self) { try call.encoded(serial: 1) }
    }
  }
}
