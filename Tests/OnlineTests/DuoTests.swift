import OnlineWire
import Testing

@testable import Online

@Suite("Duo's signatures and answers")
struct DuoTests {
  /// The keys of the signing test of duo_api_golang and its date.
  private let signature = DuoSignature(
    integrationKey: "DIWJ8X6AEYOR5OMC6TQ1", secret: Array("Zh5eGmUq9zpfQnyUIu5OL9iWoMMv5ZNmk3zLJ4Ep".utf8))
  private let date = "Tue, 21 Aug 2012 17:29:18 -0000"
  private let host = "api-XXXXXXXX.duosecurity.com"

  @Test("the canonical request is the one of duo_api_golang's signing test, which signs it with SHA-1")
  func published() throws {
    let query = formEncoded(["username": Array("root".utf8), "realname": Array("First Last".utf8)])
    let lines = DuoSignature.canonical(
      date: date, method: "POST", host: host, path: "/accounts/v1/account/list", query: query)
    let digest = try #require(Digest.sha1.authentication(of: lines, key: signature.secret))
    #expect(hex(digest) == "2d97d6166319781b5a3a07af39d366f491234edc")
  }

  @Test("version 5 signs as the official Python client 5.7 does")
  func version5() {
    let body = Array(#"{"realname": "First Last", "username": "root"}"#.utf8)
    #expect(
      signature.authorization(
        date: date, method: "POST", host: host, path: "/accounts/v1/account/list", query: [], body: body)
        == "Basic RElXSjhYNkFFWU9SNU9NQzZUUTE6MDAwN2MyNDBlNGJiMzNkNmY4YzA3YWRjODlmYzJhODQ5ZmY1OWYwMDVmZDg1ODNkNGUxNDA1"
        + "YTJhNGIwZjg4YzQzYTRmODUwZjY3NTg4NTBiNTYyMTNiMzY4MDk5ODg1YTEzYTdiZjE3ZmJjZjI0NDViODI5MWU4YzU2ZjI0MTg=")
    let query = formEncoded(["txid": Array("45f7c92b-f45f-4862-8545-e0f58e78075a".utf8), "a b": Array("ü".utf8)])
    #expect(
      signature.authorization(
        date: date, method: "GET", host: host, path: "/auth/v2/auth_status", query: query, body: [])
        == "Basic RElXSjhYNkFFWU9SNU9NQzZUUTE6ZjQyMGJlOWZiZDJkYjQwMjlhZjQ3N2Y2Y2ZjYjdkNTZiOTY3NTA2YjJhYWJiYzVhZTE3NGZk"
        + "NjAwYmZkNDNmOWJmNTkwY2I3YTE4M2UwNTVhODcxZTM5NGIzZDc2Y2U2YTM4NjA0ZDdkM2YwNGI1YTZlMjc1ZGNkODQzNTI3NzY=")
  }

  @Test("dates are written in English and UTC")
  func dates() {
    #expect(DuoSignature.date(1_345_570_158) == date)
    #expect(DuoSignature.date(0) == "Thu, 01 Jan 1970 00:00:00 -0000")
  }

  private func authority(_ host: String = "localhost") throws -> Duo {
    var settings = AuthoritySettings(kind: .duo)
    (settings.host, settings.integrationKey, settings.secret) = (host, "DI", [1])
    return try Duo(settings, OnlineSubject(user: "alice"), user: "alice", interruption: -1)
  }

  @Test(
    "Duo's codes and whatever else comes each have their verdict",
    arguments: [
      (401, 40101, .misconfigured, .badKey), (401, 40102, .misconfigured, .badKey),
      (401, 40103, .misconfigured, .badKey), (401, 40105, .misconfigured, .clock),
      (403, 40301, .misconfigured, .badKey),
      (401, 40199, .denied, .unauthorized), (400, 40002, .misconfigured, .badRequest),
      (429, 42901, .unreachable, .busy),
      (404, 40401, .misconfigured, .notFound), (500, 50001, .unreachable, .serverError),
      // An error in a success is one.
      (200, 50001, .unreachable, .serverError), (200, -1, .unreachable, .malformed), (200, 0, .unreachable, .malformed),
    ] as [(Int, Int, VerdictValue, OnlineReason)])
  func codes(_ status: Int, _ code: Int, _ value: VerdictValue, _ reason: OnlineReason) throws {
    let body = Array("{\"stat\": \"FAIL\", \"code\": \(code), \"message\": \"m\"}".utf8)
    let authority = try authority()
    do throws(OnlineFault) {
      _ = try authority.take(HTTPReply(status: status, body: body))
      Issue.record("taken")
    } catch {
      guard case .verdict(let verdict) = error else {
        Issue.record("\(error)")
        return
      }
      #expect(verdict.value == value && verdict.reason == reason && verdict.alarm == (reason == .clock))
    }
  }

  @Test("an envelope that is not whole is none", arguments: ["", "{}", "[]", "{\"stat\": \"OK\"}", "<html>"])
  func envelopes(_ text: String) throws {
    let authority = try authority()
    #expect(throws: OnlineFault.self) { try authority.take(HTTPReply(status: 200, body: Array(text.utf8))) }
    #expect(throws: OnlineFault.self) { try authority.take(HTTPReply(status: 302, body: Array(text.utf8))) }
  }

  @Test("hosts are names with or without a port, and keys are needed")
  func settings() throws {
    _ = try authority("api-1.duosecurity.com:8443")
    for host in ["", ":443", "a:b", "a:1:2", "a/b", "a@b", "a:65536", "ä"] {
      #expect(throws: OnlineFault.self) { try authority(host) }
    }
    #expect(throws: OnlineFault.self) {
      try Duo(AuthoritySettings(kind: .duo), OnlineSubject(user: "alice"), user: "alice", interruption: -1)
    }
  }

  @Test("only addresses are addresses")
  func addresses() {
    for text in ["192.0.2.1", "2001:db8::1"] { #expect(isAddress(text)) }
    for text in ["", "host", "192.0.2.1:22", "192.0.2"] { #expect(!isAddress(text)) }
  }
}
