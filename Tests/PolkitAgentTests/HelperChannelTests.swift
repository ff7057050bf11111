import GLibBus
import OfflineAccess
import Testing

@testable import PolkitAgent

@Suite("The talk with polkit's helper, whatever is at its other end", .timeLimit(.minutes(1)))
struct HelperChannelTests {
  init() { BusLoop.running }

  @Test("lines arrive as they were said, in one piece or byte by byte, and then their end")
  @BusActor
  func lines() async {
    let helper = FakeHelper()
    let channel = helper.channel
    defer { channel.close() }
    let text = "PAM_TEXT_INFO one\nPAM_PROMPT_ECHO_OFF two: \nSUCCESS\n"
    #expect(helper.send(Array(text.utf8)) == text.utf8.count)
    for byte in text.utf8 {
      #expect(helper.send([byte]) == 1)
      await Task.yield()
    }
    helper.hangUp()
    for _ in 1...2 {
      #expect(await helper.next() == .message("one", isError: false))
      #expect(await helper.next() == .prompt("two: ", echo: false))
      #expect(await helper.next() == .verdict(true))
    }
    #expect(await helper.next() == nil)
  }

  @Test("what was said before something that cannot be understood still counts, what comes after does not")
  @BusActor
  func garbage() async {
    let helper = FakeHelper()
    let channel = helper.channel
    defer { channel.close() }
    let waiting = onBus { await channel.next() }
    await Task.yield()
    helper.say("PAM_ERROR_MSG no", "FAILURE", "PAM_ROOT_SHELL", "SUCCESS")
    #expect(await waiting.value == .message("no", isError: true))
    #expect(await helper.next() == .verdict(false))
    #expect(await helper.next() == nil)
    #expect(helper.heard() == nil)
  }

  @Test(
    "a line that no helper writes ends it, and is no yes",
    arguments: ["", "SUCCESS\r", "SUCCESS SUCCESS", "\0SUCCESS", "SUCC\0ESS", "PAM_TEXT_INFO\tx", "pam_text_info x"])
  @BusActor
  func wrongLine(_ line: String) async {
    let helper = FakeHelper()
    let channel = helper.channel
    defer { channel.close() }
    helper.say(line, "SUCCESS")
    #expect(await helper.next() == nil)
    #expect(helper.heard() == nil)
  }

  @Test("lines without an end are listened to for a while, and then no more")
  @BusActor
  func endlessLines() async {
    let helper = FakeHelper()
    let channel = helper.channel
    defer { channel.close() }
    let lines = Array(String(repeating: "PAM_TEXT_INFO again\n", count: 100).utf8)
    var isHeard = true
    onBus {
      while helper.send(lines) != nil { await Task.yield() }
      isHeard = false
    }
    var count = 0
    while let line = await helper.next() {
      count += line == .message("again", isError: false) ? 1 : 0
      // Sent in pieces as large as the socket takes, one of them may begin in the middle.
    }
    #expect(count <= HelperChannel.mostLines)
    await until { !isHeard }
  }

  @Test("a line without an end is not waited for beyond the longest that there is")
  @BusActor
  func endlessLine() async {
    let helper = FakeHelper()
    let channel = helper.channel
    defer { channel.close() }
    let piece = [UInt8](repeating: UInt8(ascii: "x"), count: 1000)
    var sent = 0
    onBus {
      while let count = helper.send(piece) {
        sent += count
        await Task.yield()
      }
    }
    #expect(await helper.next() == nil)
    #expect(sent > HelperChannel.longestLine)
  }

  @Test("an answer is one line of at most 510 bytes; others are not sent at all")
  @BusActor
  func answers() {
    let helper = FakeHelper()
    let channel = helper.channel
    defer { channel.close() }
    let longest = String(repeating: "x", count: HelperChannel.longestAnswer)
    for answer in ["one\ntwo", "\n", "nul\0", longest + "x"] {
      #expect(!channel.answer(Secret(answer.utf8)))
      #expect(helper.heard() == "")
    }
    for answer in ["", "pässword 🔑", "\r\u{1b}\\", longest] {
      #expect(channel.answer(Secret(answer.utf8)))
      #expect(helper.heard() == answer + "\n")
    }
  }

  @Test("a helper that reads no answers is not waited for")
  @BusActor
  func deaf() async {
    let helper = FakeHelper()
    let channel = helper.channel
    defer { channel.close() }
    let answer = Secret(String(repeating: "x", count: 500).utf8)
    for _ in 1...5000 { #expect(channel.answer(answer)) }
    #expect(await helper.next() == nil)
  }

  @Test("closed at any moment, it says no more, whatever the helper has said already")
  @BusActor
  func closed() async {
    let helper = FakeHelper()
    let channel = helper.channel
    defer { channel.close() }
    let waiting = onBus { await channel.next() }
    await Task.yield()
    channel.close()
    #expect(await waiting.value == nil)
    #expect(helper.heard() == nil)
    #expect(!channel.waitsForAnswer)

    let other = FakeHelper()
    other.say("SUCCESS")
    other.channel.close()
    #expect(await other.next() == nil)
  }

  @Test("whoever answers a prompt hears that the helper goes on, or has ended", arguments: [false, true])
  @BusActor
  func interrupted(_ isEnd: Bool) async {
    let helper = FakeHelper()
    let channel = helper.channel
    defer { channel.close() }
    helper.say("PAM_PROMPT_ECHO_OFF Password: ")
    #expect(await helper.next() == .prompt("Password: ", echo: false))
    #expect(channel.waitsForAnswer)
    var wasTold = false
    channel.interrupted = { wasTold = true }
    if isEnd { helper.hangUp() } else { helper.say("PAM_TEXT_INFO too late") }
    await until { wasTold }
    #expect(!channel.waitsForAnswer)
  }

  @Test("escapes that are cut off, unknown or no characters lose nothing but themselves")
  @BusActor
  func escapes() async {
    let helper = FakeHelper()
    let channel = helper.channel
    defer { channel.close() }
    #expect(helper.send(Array("PAM_TEXT_INFO a\\".utf8) + [0xff, 0xfe, UInt8(ascii: "\n")]) == 19)
    helper.say("PAM_TEXT_INFO \\000\\33[2J\\n", "PAM_TEXT_INFO \\", "PAM_TEXT_INFO \\8\\18")
    #expect(await helper.next() == .message("a\u{fffd}\u{fffd}", isError: false))
    #expect(await helper.next() == .message("\0\u{1b}[2J\n", isError: false))
    #expect(await helper.next() == .message("", isError: false))
    #expect(await helper.next() == .message("8\u{1}8", isError: false))
  }
}
