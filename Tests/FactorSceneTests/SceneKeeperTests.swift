import Conversation
import OfflineAccess
import Testing

@testable import FactorScene

@Suite("From PAM's words to a scene")
struct SceneKeeperTests {
  private static func talk(_ said: (SceneKeeper.Manner, String)...) -> SceneKeeper {
    var keeper = SceneKeeper()
    keeper.begin()
    for (manner, text) in said {
      if keeper.isAsked { keeper.answered() }
      keeper.heard(text, as: manner)
    }
    return keeper
  }

  private static let password = (SceneKeeper.Manner.hiddenPrompt, "Password: ")

  @Test("the password is a question without echo, and its label has no colon")
  func passwordQuestion() {
    let keeper = Self.talk(Self.password)
    #expect(keeper.scene == Scene(.question(Question(kind: .password, label: "Password", isVisible: false))))
    #expect(keeper.scene.title == "Password" && keeper.isAsked)
  }

  @Test("any other prompt of a PAM stack is shown as it is", arguments: [true, false])
  func foreign(isVisible: Bool) {
    let keeper = Self.talk((isVisible ? .visiblePrompt : .hiddenPrompt, "Favourite colour: "))
    #expect(
      keeper.scene.content
        == .question(
          Question(kind: isVisible ? .other : .password, label: "Favourite colour", isVisible: isVisible)))
  }

  @Test(
    "a passcode tells what is left in a sentence",
    arguments: [
      ("", ""), (" (7 logins left)", " 7 offline logins left."), (" (1 login left)", " 1 offline login left."),
      (" (until 1 December 2026)", " Offline access until 1 December 2026."),
      (" (7 logins left, until 1 December 2026)", " 7 offline logins left, until 1 December 2026."),
    ])
  func passcode(left: String, sentence: String) {
    // With the blank at the prompt's end, and without, as some hosts have it.
    for end in [": ", ":"] {
      let keeper = Self.talk(Self.password, (.hiddenPrompt, "Offline passcode\(left)\(end)"))
      #expect(keeper.scene.title == "Offline passcode")
      #expect(keeper.scene.detail() == "Type the code that your authenticator app shows.\(sentence)")
    }
  }

  @Test("a key goes from plug in to touch to another one to accepted, and keeps in mind what is left")
  func key() {
    var keeper = Self.talk(Self.password, (.info, "Touch your security key (7 logins left)"))
    #expect(keeper.scene.content == .securityKey(KeyPicture(state: .touch, left: "7 logins left")))
    #expect(!keeper.isAsked)
    for (text, state) in [
      ("Plug in your security key", KeyPicture.State.insert),
      ("This is another security key. Plug in the one that was set up for you", .wrong),
      ("Touch your security key", .touch), ("The security key did not answer. Trying again", .silent),
      ("Touch your security key", .touch),
    ] {
      keeper.heard(text, as: .info)
      #expect(keeper.scene.content == .securityKey(KeyPicture(state: state, left: "7 logins left")), "\(text)")
    }
    keeper.heard("6 offline logins remaining.", as: .info)
    #expect(keeper.scene.content == .accepted(Accepted(sentence: "6 offline logins remaining.", isByKey: true)))
    #expect(keeper.scene.title == "Security key accepted")
    let goesOn = keeper.ended(granted: true)
    #expect(!goesOn && keeper.scene.title == "Security key accepted")
  }

  @Test("the touches of a set-up are counted, also after a key that was not the one")
  func touches() {
    var keeper = Self.talk((.info, "Touch 2 of 2: touch the same security key once more"))
    let step = KeyPicture.Step(number: 2, count: 2)
    keeper.heard("This is another security key. Plug in the one that you touched before", as: .info)
    #expect(keeper.scene.content == .securityKey(KeyPicture(state: .wrong, step: step)))
    #expect(keeper.scene.detail() == "Plug in the one that you touched before.")
    keeper.heard("Touch your security key", as: .info)
    #expect(keeper.scene.content == .securityKey(KeyPicture(state: .touch, step: step)))
  }

  @Test("a URI and the prompt for its code are one scene, with the names that the app will show")
  func phoneSetUp() {
    let uri = "otpauth://totp/Offline%20Access:alice%40box?secret=JBSWY3DPEHPK3PXP&issuer=Offline%20Access"
    var keeper = Self.talk(
      (.info, "Offline access is not set up for you on this computer. It needs a phone."), (.info, uri),
      (.hiddenPrompt, "Add the key JBSW Y3DP to your authenticator app, then type the code it shows: "))
    let setUp = PhoneSetUp(uri: uri, secret: "JBSW Y3DP", issuer: "Offline Access", account: "alice@box")
    #expect(keeper.scene.content == .phoneSetUp(setUp))
    // A wrong code is asked for again, at the same picture.
    keeper.answered()
    keeper.heard(Refusal.codeDoesNotFit, as: .error)
    keeper.heard("Add the key JBSW Y3DP to your authenticator app, then type the code it shows: ", as: .hiddenPrompt)
    #expect(keeper.scene == Scene(.phoneSetUp(setUp), notices: [Notice(text: Refusal.codeDoesNotFit, isError: true)]))
    keeper.answered()
    keeper.heard("10 offline logins remaining.", as: .info)
    #expect(keeper.scene.notices.isEmpty)
  }

  @Test("without a URI there is the key to type")
  func withoutURI() {
    let keeper = Self.talk((.hiddenPrompt, "Add the key JBSW to your authenticator app, then type the code it shows: "))
    #expect(
      keeper.scene.content == .phoneSetUp(PhoneSetUp(uri: nil, secret: "JBSW", issuer: "", account: "")))
    #expect(keeper.scene.detail().hasPrefix("Type this key into the app"))
  }

  @Test("the offer has its choices, and says later")
  func offer() {
    let keeper = Self.talk(
      (
        .visiblePrompt,
        "Set up offline access now with an authenticator app or a security key? (phone/key/later): "
      ))
    #expect(keeper.scene.content == .offer(Offer(methods: [.passcode, .securityKey])))
    #expect(keeper.isAsked)
  }

  @Test("an approval on the phone is waited for, and its prompt may be answered with nothing")
  func approval() {
    var keeper = Self.talk(Self.password, (.info, "Contacting the online service"))
    #expect(keeper.scene.content == .contacting)
    keeper.heard("Approve the request on your phone", as: .info)
    #expect(keeper.scene.content == .approval)
    keeper.heard("Approve on your phone, then press Enter; or type a passcode: ", as: .hiddenPrompt)
    #expect(keeper.isAsked && keeper.scene.title == "Approve the request on your phone")
    keeper.answered()
    #expect(keeper.scene.content == .approval && !keeper.isAsked)
  }

  @Test(
    "a refusal that another try may mend begins anew, with its sentence beside the first prompt",
    arguments: [
      "That passcode is not right.", "That passcode was used already. Wait for the next one.",
      "The security key was not touched in time. Try again.", "Something that a module of somebody else says.",
    ])
  func again(sentence: String) {
    var keeper = Self.talk(Self.password, (.hiddenPrompt, "Offline passcode: "), (.error, sentence))
    let goesOn = keeper.ended(granted: false)
    #expect(goesOn)
    keeper.begin()
    keeper.heard("Password: ", as: .hiddenPrompt)
    #expect(keeper.scene.notices == [Notice(text: sentence, isError: true)])
    // Once more, and it does not pile up.
    keeper.answered()
    #expect(keeper.scene.notices.isEmpty)
  }

  @Test("a wrong password, of which PAM says nothing, is said")
  func wrongPassword() {
    var keeper = Self.talk(Self.password)
    keeper.answered()
    let goesOn = keeper.ended(granted: false)
    #expect(goesOn)
    #expect(keeper.scene.notices == [Notice(text: "That was not right. Try again.", isError: true)])
  }

  @Test("who is refused without having been asked is not asked for ever")
  func refusedAtOnce() {
    var keeper = Self.talk()
    let goesOn = keeper.ended(granted: false)
    #expect(!goesOn)
    #expect(keeper.scene.content == .refused(Refused(sentence: "This user cannot log in here.")))
  }

  @Test(
    "a refusal that the next try would not change stays, with a headline",
    arguments: [
      ("No offline logins remaining. Authenticate online first.", "No offline logins left"),
      ("Offline access ended on 1 December 2026. The administrator must renew it first.", "Offline access has ended"),
      (
        "This computer's clock stands behind a time it has already seen. Set it right, or authenticate online.",
        "The clock of this computer is not right"
      ),
      (
        "Offline access is not set up for this user. Ask the administrator to set it up.",
        "Offline access is not set up"
      ), ("Authenticate online first.", "Log in online first"),
      (
        "Offline access is not available on this computer (the service is not there). Try again, and if it stays so, "
          + "ask your administrator.", "Offline access is not available"
      ),
      ("The security key's PIN is locked. It has to be reset.", "The PIN of the security key is locked"),
    ])
  func final(sentence: String, title: String) {
    var keeper = Self.talk(Self.password, (.error, sentence))
    let goesOn = keeper.ended(granted: false)
    #expect(!goesOn)
    #expect(keeper.scene.title == title)
    #expect(keeper.scene.detail() == sentence)
    #expect(keeper.scene.notices.isEmpty)
  }

  @Test("a lock counts down, behind what was said before it")
  func countdown() {
    var keeper = Self.talk(
      Self.password, (.error, "That passcode is not right. Too many failed attempts. Try again in 30 seconds."))
    let goesOn = keeper.ended(granted: false)
    #expect(!goesOn)
    #expect(keeper.scene.title == "Locked for a while")
    #expect(
      keeper.scene.detail(after: 29)
        == "That passcode is not right. Too many failed attempts. Try again in 1 second.")
    #expect(keeper.scene.detail(after: 30) == "That passcode is not right. You can try again now.")
    guard case .refused(let refused) = keeper.scene.content else {
      Issue.record("\(keeper.scene)")
      return
    }
    #expect(refused.wait == 30 && refused.reason == .badResponse)
  }

  @Test("a warning stays longer than a plain yes, and a yes without words not at all")
  func reading() {
    let warning = Self.talk((.info, "Warning: 1 offline login remaining. Ask the administrator to renew it soon."))
    let plain = Self.talk((.info, "9 offline logins remaining."))
    var silent = Self.talk(Self.password)
    silent.ended(granted: true)
    #expect(warning.scene.millisecondsToRead > plain.scene.millisecondsToRead)
    #expect(plain.scene.millisecondsToRead > 0 && silent.scene.millisecondsToRead == 0)
  }

  @Test("other messages of a PAM stack stand beside what is asked, the last few of them")
  func notices() {
    var keeper = SceneKeeper()
    for number in 1...6 { keeper.heard("Message \(number)", as: .info) }
    keeper.heard("", as: .info)
    keeper.heard("Password: ", as: .hiddenPrompt)
    #expect(keeper.scene.notices.map(\.text) == ["Message 3", "Message 4", "Message 5", "Message 6"])
  }

  @Test("every content has a headline")
  func titles() {
    let refusals = ([nil] + Refusal.Reason.allCases).map { Refused(reason: $0, sentence: "No.") }
    let contents: [Scene.Content] =
      [.waiting, .contacting, .approval, .offer(Offer(methods: [.passcode]))]
      + refusals.map { .refused($0) } + KeyPicture.State.allCases.map { .securityKey(KeyPicture(state: $0)) }
    for content in contents { #expect(!Scene(content).title.isEmpty, "\(content)") }
  }

  @Test(
    "the names in a URI are decoded, whatever they are",
    arguments: [
      ("otpauth://totp/A%20B:c%40d?secret=x", "A B", "c@d"), ("otpauth://totp/alone?secret=x", "", "alone"),
      ("otpauth://totp/?x", "", ""), ("otpauth://", "", ""), ("", "", ""), ("otpauth://totp/%zz:%4", "%zz", "%4"),
    ])
  func names(uri: String, issuer: String, account: String) {
    #expect(OTPAuthLabel(uri) == OTPAuthLabel(issuer: issuer, account: account))
  }
}

extension Refusal {
  fileprivate static let codeDoesNotFit =
    "That code does not fit. Type the one the app shows now; check the clocks of the phone and of this computer."
}
