import OnlineWire
import Testing

@Suite("Messages as they travel")
struct FrameTests {
  @Test("the bytes of a message are these, whatever order its fields were given in")
  func bytes() throws {
    let frame = Frame(kind: "wait", fields: ["b": [0, 255], "a": []])
    let bytes: [UInt8] = [0, 0, 0, 21, 1, 4] + Array("wait".utf8) + [2, 1, 97, 0, 0, 0, 0, 1, 98, 0, 0, 0, 2, 0, 255]
    #expect(try frame.encoded(longest: 21) == bytes)
    #expect(throws: FrameFault.tooLong) { try frame.encoded(longest: 20) }
    #expect(try Frame(body: bytes.dropFirst(4)) == frame)
  }

  @Test("messages are found in a stream, whatever pieces it comes in")
  func pieces() throws {
    let frames = [Frame(kind: "abandon"), Frame(kind: "answer", fields: ["code": Array("123456".utf8)])]
    let bytes = try frames.flatMap { try $0.encoded(longest: 100) }
    for size in 1...bytes.count {
      var reader = FrameReader(longest: 100)
      var found: [Frame] = []
      for start in stride(from: 0, to: bytes.count, by: size) {
        reader.feed(bytes[start..<min(start + size, bytes.count)])
        while let frame = try reader.next() { found.append(frame) }
      }
      #expect(found == frames)
      #expect(!reader.isInside)
    }
  }

  @Test("a length beyond the bound is refused before anything of it is taken")
  func tooLong() {
    var reader = FrameReader(longest: 100)
    reader.feed([0, 0, 0, 101])
    #expect(throws: FrameFault.tooLong) { try reader.next() }
    reader = FrameReader(longest: 100)
    reader.feed([255, 255, 255, 255])
    #expect(throws: FrameFault.tooLong) { try reader.next() }
  }

  @Test(
    "what is not exactly a message is refused",
    arguments: [
      [], [1], [2, 1, 97, 0], [1, 0, 0], [1, 1, 65, 0], [1, 2, 97, 0], [1, 1, 97, 1], [1, 1, 97, 0, 0],
      [1, 1, 97, 1, 1, 98, 0, 0, 0, 1], [1, 1, 97, 33], [1, 1, 97, 2, 1, 98, 0, 0, 0, 0, 1, 98, 0, 0, 0, 0],
    ] as [[UInt8]])
  func malformed(_ bytes: [UInt8]) {
    #expect(throws: FrameFault.malformed) { try Frame(body: bytes[...]) }
  }
}
