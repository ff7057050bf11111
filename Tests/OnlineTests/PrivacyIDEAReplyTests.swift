import OnlineWire
import Testing

@testable import Online

@Suite("What privacyIDEA's replies mean")
struct PrivacyIDEAReplyTests {
  private func authority(signedBy key: String = "") throws -> PrivacyIDEA {
    var settings = AuthoritySettings(kind: .privacyidea)
    settings.url = "https://localhost/"
    settings.publicKey = Array(key.utf8)
    return try PrivacyIDEA(settings, user: "alice", interruption: -1)
  }

  private func fault(_ status: Int, _ body: String, signedBy key: String = "") throws -> OnlineVerdict? {
    let authority = try authority(signedBy: key)
    do throws(OnlineFault) {
      _ = try authority.read(HTTPReply(status: status, body: Array(body.utf8)), nonce: signedNonce)
      return nil
    } catch {
      guard case .verdict(let verdict) = error else { return nil }
      return verdict
    }
  }

  @Test("a signed reply is read, and an unsigned one is an alarm where a key is configured")
  func signed() throws {
    let reply = try authority(signedBy: serverKey)
      .read(HTTPReply(status: 200, body: Array(signedReply.utf8)), nonce: signedNonce)
    #expect(reply.value && reply.serial == "OATH0000C302" && reply.tokenType == "hotp")
    for body in [signedReply.replacing("pss:", with: "pss:00"), #"{"result": {"status": true, "value": true}}"#] {
      let verdict = try fault(200, body, signedBy: serverKey)
      #expect(verdict?.value == .misconfigured && verdict?.reason == .signature && verdict?.alarm == true)
      #expect(try fault(200, body) == nil)
    }
    // A denial is one only when it is signed; what does not deny needs no signature.
    #expect(try fault(401, "<html>", signedBy: serverKey)?.reason == .signature)
    #expect(try fault(403, "{}", signedBy: serverKey)?.reason == .signature)
    #expect(try fault(503, "", signedBy: serverKey)?.reason == .serverError)
    #expect(try fault(302, "", signedBy: serverKey)?.reason == .redirect)
  }

  @Test(
    "statuses and bodies that are no answer each have their verdict",
    arguments: [
      (200, "", .unreachable, .empty), (200, "<html>", .unreachable, .malformed), (200, "{}", .unreachable, .malformed),
      (200, #"{"result": {"status": true}}"#, .unreachable, .malformed),
      (200, #"{"result": {"status": true, "value": 1}}"#, .unreachable, .malformed),
      (200, #"{"result": {"status": true, "value": true, "authentication": "REJECT"}}"#, .unreachable, .malformed),
      (200, #"{"result": {"status": false}}"#, .unreachable, .malformed),
      (302, "", .misconfigured, .redirect), (401, "", .denied, .unauthorized), (403, "{}", .denied, .unauthorized),
      (404, #"{"error": "Not found"}"#, .misconfigured, .notFound), (429, "", .unreachable, .busy),
      (500, "{}", .unreachable, .serverError), (503, "", .unreachable, .serverError), (0, "", .unreachable, .malformed),
      (400, #"{"result": {"status": false, "error": {"code": 904, "message": "x"}}}"#, .denied, .unknownUser),
      (400, #"{"result": {"status": false, "error": {"code": 905, "message": "x"}}}"#, .misconfigured, .badRequest),
    ] as [(Int, String, VerdictValue, OnlineReason)])
  func faults(_ status: Int, _ body: String, _ value: VerdictValue, _ reason: OnlineReason) throws {
    let verdict = try #require(try fault(status, body))
    #expect(verdict.value == value && verdict.reason == reason)
  }

  @Test("challenges are of phones, of codes, or of both")
  func challenges() throws {
    func challenge(_ modes: String...) throws -> OnlineChallenge? {
      let entries = modes.map { "{\"client_mode\": \"\($0)\"}" }.joined(separator: ",")
      let text =
        #"{"result": {"status": true, "value": false, "authentication": "CHALLENGE"}, "detail": {"message": "m","#
        + #""transaction_id": "1", "multi_challenge": [\#(entries)]}}"#
      let json = try #require(JSON(Array(text.utf8)))
      return try #require(PrivacyIDEAReply(json)).challenge
    }
    #expect(try challenge("poll") == OnlineChallenge(push: true, passcode: false, text: "m"))
    #expect(try challenge("interactive") == OnlineChallenge(push: false, passcode: true, text: "m"))
    #expect(try challenge("poll", "interactive") == OnlineChallenge(push: true, passcode: true, text: "m"))
    // Nothing that can be done at a prompt.
    #expect(try challenge("webauthn") == OnlineChallenge(push: false, passcode: false, text: "m"))
  }

  @Test("only https addresses and keys that can be read are taken")
  func settings() {
    for url in ["http://localhost", "localhost", "", "https://localhost/?a=b"] {
      var settings = AuthoritySettings(kind: .privacyidea)
      settings.url = url
      #expect(throws: OnlineFault.self) { try PrivacyIDEA(settings, user: "alice", interruption: -1) }
    }
    #expect(throws: OnlineFault.self) { try authority(signedBy: "no key") }
  }
}
