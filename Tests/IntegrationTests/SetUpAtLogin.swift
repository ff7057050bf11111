import Foundation
import Testing

extension IntegrationTests {
  @Suite("Set-up at the first login, where the configuration lets users do it")
  struct SetUpAtLogin {
    static let configuration = "[Activation]\nstanding-alone=first-login\n"
    let user: String

    init() throws {
      try Machine.reset(Self.configuration)
      try PAMHost.install()
      user = try Machine.newUser()
    }

    private func begin(_ answer: String = "yes") throws -> PromptDialogue {
      let dialogue = try PromptDialogue(["pamtester", PAMHost.login, user, "authenticate"])
      dialogue.answer(Machine.password)
      try dialogue.wait(
        for: "Set up offline access now with an authenticator app or a security key? (phone/key/later): ")
      dialogue.answer(answer)
      return dialogue
    }

    /// The key in groups of four, as the prompt says it.
    private func secret(in text: String) throws -> String {
      let start = try #require(text.range(of: "Add the key "))
      let end = try #require(text.range(of: " to your authenticator app, then type the code it shows: "))
      let groups = text[start.upperBound..<end.lowerBound].split(separator: " ", omittingEmptySubsequences: false)
      #expect(groups.dropLast().allSatisfy { $0.count == 4 } && (1...4).contains(groups.last?.count ?? 0))
      return groups.joined()
    }

    @Test("The URI and the key are shown, one code lets the user in, and the next login asks for the next code")
    func setUp() throws {
      let dialogue = try begin()
      let key = try secret(in: try dialogue.wait(for: "code it shows: "))
      let phone = try Phone(uri: "otpauth://totp/x?secret=\(key)")
      #expect(try Factor.root.allowance(user)["activated"] == "0")
      let code = try phone.code()
      dialogue.answer(code)
      let ending = try dialogue.finish()
      expectIn(ending, saying: "10 offline logins remaining.", "successfully authenticated")
      // pamtester keeps what is no prompt in a buffer until it ends.
      let uri = try #require(ending.lines.first { $0.hasPrefix("otpauth://totp/") })
      #expect(try Phone(uri: uri).secret == key)
      expectOut(try PAMHost.login(user, code), saying: "used already")
      expectIn(try PAMHost.login(user, phone.nextCode()), saying: "(10 logins left)", "9 offline logins remaining.")
    }

    @Test("At a terminal the QR code is drawn: a camera reads it, and it holds the key of the prompt")
    func terminal() throws {
      let dialogue = try PAMHost.atTerminal("su \(user) -c 'id -un'")
      try dialogue.wait(for: "assword: ")
      dialogue.answer(Machine.password)
      try dialogue.wait(for: "/later): ")
      dialogue.answer("yes")
      let shown = try dialogue.wait(for: "code it shows: ")
      #expect(!shown.contains("otpauth:"))
      let phone = try Phone(uri: try Camera.read(terminal: shown.replacingOccurrences(of: "\r", with: "")))
      #expect(try secret(in: shown) == phone.secret)
      dialogue.answer(try phone.code())
      try dialogue.wait(for: "\(user)\r\n")
      expectIn(try dialogue.finish())
      #expect(try Factor.root.allowance(user)["remaining"] == "10")
    }

    @Test(
      "Whoever does not say yes is denied, and nothing is stored",
      arguments: ["later", "no", "", "yes please", "123456"])
    func later(_ word: String) throws {
      let ending = try begin(word).finish()
      expectOut(ending, saying: "You cannot get in until offline access is set up.")
      #expect(!ending.text.contains("Add the key"))
      #expect(try Factor.root.allowance(user)["activated"] == "0")
      expectRefused(try Factor.root.authenticate(user, "123456"), "NotActivated")
    }

    @Test("Three wrong codes deny; the key shown is worth nothing afterwards")
    func wrongCodes() throws {
      let dialogue = try begin()
      let first = try secret(in: try dialogue.wait(for: "code it shows: "))
      for attempt in 1...3 {
        dialogue.answer(attempt == 2 ? "" : "000000")
        if attempt == 3 { break }
        #expect(try secret(in: try dialogue.wait(for: "code it shows: ")) == first)
      }
      expectOut(
        try dialogue.finish(), saying: "That code does not fit.",
        "Offline access was not set up. Log in again to start anew.")
      #expect(try Factor.root.allowance(user)["activated"] == "0")
      let again = try begin()
      #expect(try secret(in: try again.wait(for: "code it shows: ")) != first)
    }

    @Test("A right code after a wrong one still completes it")
    func secondTry() throws {
      let dialogue = try begin()
      dialogue.answer("000000")
      try dialogue.wait(for: "code it shows: ")
      let secret = try secret(in: try dialogue.wait(for: "code it shows: "))
      dialogue.answer(try Phone(uri: "otpauth://totp/x?secret=\(secret)").code())
      expectIn(try dialogue.finish(), saying: "10 offline logins remaining.")
    }

    @Test("Nobody there any more: denied, the set-up is dropped and nothing is stored")
    func gone() throws {
      let dialogue = try begin()
      try dialogue.wait(for: "code it shows: ")
      expectOut(try dialogue.finish())
      #expect(try Factor.root.allowance(user)["activated"] == "0")
      #expect(try Factor.root.allowance(user)["offer"] == "activate")
    }

    @Test("The service restarts in the middle: denied, and the next login starts anew")
    func restarted() throws {
      let dialogue = try begin()
      let secret = try secret(in: try dialogue.wait(for: "code it shows: "))
      try Machine.stopService(signal: SIGKILL)
      dialogue.answer(try Phone(uri: "otpauth://totp/x?secret=\(secret)").code())
      expectOut(try dialogue.finish(), saying: "There is no such set-up under way.")
      #expect(try Factor.root.allowance(user)["activated"] == "0")
    }

    @Test("Two logins at once: the older set-up is dead, and one factor is stored")
    func twice() throws {
      let (older, newer) = (try begin(), try begin())
      let keys = try [older, newer].map { try secret(in: try $0.wait(for: "code it shows: ")) }
      let phones = try keys.map { try Phone(uri: "otpauth://totp/x?secret=\($0)") }
      // Which of the two asked last is the service's to know.
      older.answer(try phones[0].code())
      newer.answer(try phones[1].code())
      let statuses = try [older.finish().status, newer.finish().status]
      #expect(statuses.filter { $0 == 0 }.count == 1, "\(statuses)")
      let winner = phones[statuses[0] == 0 ? 0 : 1]
      expectYes(try Factor.root.authenticate(user, winner.nextCode()))
    }

    @Test("What the configuration leaves out is not offered")
    func onlyPasscodes() throws {
      try Machine.reset(Self.configuration + "[Factor]\nmethods=passcode\n")
      let user = try Machine.newUser()
      let dialogue = try PromptDialogue(["pamtester", PAMHost.login, user, "authenticate"])
      dialogue.answer(Machine.password)
      try dialogue.wait(for: "Set up offline access now with an authenticator app? (yes/later): ")
      dialogue.answer("key")
      expectOut(try dialogue.finish(), saying: "You cannot get in until offline access is set up.")
    }

    @Test("Without the configuration's leave nothing is offered")
    func administratorOnly() throws {
      try Machine.configure("")
      let ending = try PAMHost.login(user, "yes")
      expectOut(ending, saying: "Ask the administrator to set it up.")
      #expect(!ending.text.contains("/later)"))
    }

    @Test(
      "No message is longer than 995 bytes less the user's name, whatever the names are",
      arguments: [1, 32, 200], ["", "Österreichische Rückversicherung für Übergrößen und Äquatorkühe"])
    func messageLength(_ length: Int, _ issuer: String) throws {
      try Machine.configure(Self.configuration + "[Factor]\nissuer=\(issuer)\n")
      let name = String((user + String(repeating: "x", count: length)).prefix(max(length, user.count + 1)))
      let entry = try #require(
        try String(contentsOfFile: "/etc/passwd", encoding: .utf8).split(separator: "\n").last {
          $0.hasPrefix("\(user):")
        })
      // The account under a longer name.
      try Machine.remove(user: user)
      try Machine.append("\n\(name)\(entry.dropFirst(user.count))\n", to: "/etc/passwd")
      let dialogue = try PromptDialogue([HelperProgram.path, name])
      try dialogue.wait(for: "/later): \n")
      dialogue.answer("yes")
      let secret = try secret(in: try dialogue.wait(for: "code it shows: \n"))
      dialogue.answer("000000")
      try dialogue.wait(for: "code it shows: \n")
      dialogue.answer(try Phone(uri: "otpauth://totp/x?secret=\(secret)").code())
      let ending = try dialogue.finish()
      expectIn(ending, saying: "SUCCESS")
      let lines = try HelperProgram.lines(ending)
      #expect(lines.count >= 6)
      for line in lines { #expect(line.bytes.count <= 995 - name.utf8.count, "\(line.text)") }
      // What is shown of the URI is whole.
      for line in lines where line.text.hasPrefix("otpauth:") {
        let phone = try Phone(uri: line.text)
        #expect(phone.secret == secret)
      }
    }
  }
}
