import Foundation
import Testing

/// offline-access-helper, as a program sees it that starts it.
enum HelperProgram {
  static let path = "/usr/libexec/offline-access-helper"

  /// One line of the helper: its word, and its text unescaped.
  struct Line: Equatable {
    let word: String
    let bytes: [UInt8]
    var text: String { String(decoding: bytes, as: UTF8.self) }
  }

  static func lines(_ ending: PromptDialogue.Ending) throws -> [Line] {
    try ending.text.split(separator: "\n").map { line in
      let parts = line.split(separator: " ", maxSplits: 1, omittingEmptySubsequences: false)
      return Line(word: String(parts[0]), bytes: try unescape(parts.count > 1 ? String(parts[1]) : ""))
    }
  }

  /// Takes back g_strescape, and expects that it left printable ASCII only.
  static func unescape(_ text: String) throws -> [UInt8] {
    let short: [UInt8: UInt8] = [98: 8, 116: 9, 110: 10, 118: 11, 102: 12, 114: 13]
    var (bytes, rest) = ([UInt8](), Array(text.utf8)[...])
    while let byte = rest.popFirst() {
      #expect((0x20..<0x7f).contains(byte), "\(text)")
      guard byte == UInt8(ascii: "\\") else {
        bytes.append(byte)
        continue
      }
      let next = rest.popFirst()
      let kind = try #require(next)
      if let control = short[kind] {
        bytes.append(control)
      } else if (UInt8(ascii: "0")...UInt8(ascii: "3")).contains(kind) {
        let octal = String(decoding: [kind] + rest.prefix(2), as: UTF8.self)
        rest = rest.dropFirst(2)
        bytes.append(try #require(UInt8(octal, radix: 8), "\(text)"))
      } else {
        #expect(kind == UInt8(ascii: "\\") || kind == UInt8(ascii: "\""), "\(text)")
        bytes.append(kind)
      }
    }
    return bytes
  }
}

extension IntegrationTests {
  @Suite("The helper program and its line protocol")
  struct Helper {
    let user: String

    init() throws {
      try Machine.reset()
      user = try Machine.newUser()
    }

    private func helper(_ answers: String..., arguments: [String] = [], as caller: String? = nil) throws
      -> PromptDialogue.Ending
    {
      try PromptDialogue.run([HelperProgram.path, user] + arguments, as: caller, typing: answers)
    }

    @Test("A yes: the prompt, what is left, SUCCESS and status 0, for root and for the user")
    func yes() throws {
      let phone = try Phone.activated(user)
      for (caller, left) in [(nil, 10), (user, 9)] as [(String?, Int)] {
        let answer = try helper(phone.nextCode(), as: caller)
        #expect(answer.status == 0)
        #expect(
          answer.text == """
            PAM_PROMPT_ECHO_OFF Offline passcode (\(left) logins left): 
            PAM_TEXT_INFO \(left - 1) offline logins remaining.
            SUCCESS

            """)
      }
    }

    @Test("A no: the reason, FAILURE and status 1; a code is asked for once in a run")
    func no() throws {
      let phone = try Phone.activated(user)
      let answer = try helper("000000", phone.nextCode())
      #expect(answer.status == 1)
      #expect(
        answer.text == """
          PAM_PROMPT_ECHO_OFF Offline passcode (10 logins left): 
          PAM_ERROR_MSG That passcode is not right.
          FAILURE

          """)
    }

    @Test("A no without a question: nobody to ask for a code")
    func notActivated() throws {
      let answer = try helper()
      #expect(answer.status == 1)
      #expect(
        answer.lines == [
          "PAM_ERROR_MSG Offline access is not set up for this user. Ask the administrator to set it up.", "FAILURE",
        ])
    }

    @Test("The end of the input at the prompt, or in the middle of a line, is FAILURE and spends nothing")
    func endOfInput() throws {
      let phone = try Phone.activated(user)
      let code = try phone.nextCode()
      for typed in ["", code] {
        let dialogue = try PromptDialogue([HelperProgram.path, user])
        try dialogue.wait(for: "Offline passcode")
        dialogue.type(typed)
        let ending = try dialogue.finish()
        #expect(ending.status == 1)
        #expect(ending.lines.last == "FAILURE")
      }
      expectIn(try helper(code), saying: "(10 logins left)", "SUCCESS")
    }

    @Test("A line that is too long or no text is refused, and is neither failure nor success")
    func noText() throws {
      let phone = try Phone.activated(user)
      for _ in 1...6 {
        let answer = try helper(String(repeating: "1", count: 1025))
        expectOut(answer, saying: "The answer is no text", "FAILURE")
      }
      // 1,024 bytes are read; spaces between the digits of a code are nothing.
      let code = try phone.nextCode()
      expectIn(try helper(code + String(repeating: " ", count: 1024 - code.utf8.count)), saying: "SUCCESS")
    }

    @Test(
      "Wrong usage: status 2, a usage line on standard error, nothing on standard output",
      arguments: [
        [], [""], ["alice", "bob"], ["alice", "--purpose"], ["alice", "--purpose", "fun"], ["--purpose=login"],
        ["alice", "--purpose=login", "--purpose=login"], ["--help"], ["alice", "-x"],
      ])
    func usage(_ arguments: [String]) throws {
      let answer = try run([HelperProgram.path] + arguments)
      #expect(answer.status == 2)
      #expect(answer.output == "")
      #expect(answer.errors.hasPrefix("Usage: offline-access-helper USER"))
    }

    @Test("The purpose is the caller's word; without one it is a login")
    func purpose() throws {
      try Machine.configure("[Allowance]\ncounts=login\n")
      let phone = try Phone.activated(user)
      expectIn(
        try helper(phone.nextCode(), arguments: ["--purpose", "elevation"]), saying: "10 offline logins remaining.")
      expectIn(try helper(phone.nextCode(), arguments: ["--purpose=unlock"]), saying: "10 offline logins remaining.")
      expectIn(try helper(phone.nextCode(), arguments: ["--purpose=login"]), saying: "9 offline logins remaining.")
      expectIn(try helper(phone.nextCode()), saying: "8 offline logins remaining.")
    }

    @Test("Another user is denied, without a prompt, and so is a user whom nobody knows")
    func anotherUser() throws {
      let phone = try Phone.activated(user)
      let answer = try helper(phone.nextCode(), as: "mallory")
      #expect(answer.status == 1)
      #expect(
        answer.lines == ["PAM_ERROR_MSG This is allowed for yourself and for the administrator only.", "FAILURE"])
      let unknown = try PromptDialogue.run([HelperProgram.path, "nobody-of-that-name"])
      #expect(unknown.status == 1)
      #expect(unknown.lines == ["PAM_ERROR_MSG There is no such user on this computer.", "FAILURE"])
      let strange = try PromptDialogue.run([HelperProgram.path, String(repeating: "x", count: 257)])
      #expect(strange.status == 1)
      #expect(strange.lines.count == 2 && strange.lines[0].contains("cannot tell who you are"))
    }

    @Test("A reader that went away hears no SUCCESS, and the status does not say yes either")
    func nobodyListens() throws {
      let phone = try Phone.activated(user)
      let code = try phone.nextCode()
      let dialogue = try PromptDialogue([HelperProgram.path, user])
      try dialogue.wait(for: "Offline passcode")
      dialogue.stopListening()
      dialogue.answer(code)
      #expect(try dialogue.finish().status == 1)
      // The service had said yes, so the code is spent.
      expectOut(try helper(code), saying: "used already")
    }

    @Test("Without an answer of the service: FAILURE in ten seconds at most")
    func silentService() throws {
      _ = try Factor.root.allowance(user)
      let service = try #require(try Machine.servicePID())
      kill(service, SIGSTOP)
      defer { kill(service, SIGCONT) }
      let start = ContinuousClock.now
      let answer = try helper("123456")
      #expect(ContinuousClock.now - start < inTime)
      #expect(answer.status == 1)
      #expect(answer.lines.count == 2 && answer.lines[0].contains("did not answer in time"))
    }
  }
}
