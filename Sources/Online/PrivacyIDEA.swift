import OnlineWire

/// privacyIDEA by /validate/check and /validate/polltransaction.
final class PrivacyIDEA: Authority {
  /// ERR904: the user is not known in the realm.
  private static let userNotFound: Int64 = 904
  /// Tokens that say yes to whatever is typed, so nothing was checked.
  private static let unchecked: Set<String> = ["spass"]

  let pace: Int64 = 500
  private let settings: AuthoritySettings
  private let base: String
  private let user: String
  private let http: HTTPClient
  private let signature: ReplySignature?
  private var transaction = ""
  private var challenge = OnlineChallenge(push: false, passcode: true)
  private(set) var clockOffset: Int64?

  init(_ settings: AuthoritySettings, user: String, interruption: Int32) throws(OnlineFault) {
    guard settings.url.hasPrefix("https://"), !settings.url.contains("?"), !settings.url.contains("#") else {
      throw .misconfigured(.badSetting, "The address of privacyIDEA has to begin with https://.")
    }
    var base = settings.url[...]
    while base.hasSuffix("/") { base.removeLast() }
    (self.settings, self.base, self.user) = (settings, String(base), user)
    if settings.publicKey.isEmpty {
      signature = nil
    } else {
      guard let key = ReplySignature(pem: settings.publicKey) else {
        throw .misconfigured(.badKey, "The public key of privacyIDEA is no RSA key of 2048 bits or more.")
      }
      signature = consume key
    }
    http = try HTTPClient(settings, interruption: interruption)
  }

  func begin(by deadline: Deadline) throws(OnlineFault) -> OnlineReply {
    guard settings.trigger else {
      _ = try probe(by: deadline)
      return .challenge(challenge)
    }
    let reply = try check([], by: deadline)
    // Nothing was typed and nobody was asked, so it is no factor that says yes.
    if reply.value { return .verdict(told(OnlineVerdict(.bypassed, .noFactor, reply.message))) }
    if let asked = take(reply) { return .challenge(asked) }
    if let reason = reply.refusal { throw .verdict(told(OnlineVerdict(.denied, reason, reply.message))) }
    // Most often "wrong otp pin": whether there are tokens that want a code is told to those who type one.
    return .challenge(challenge)
  }

  func answer(_ code: [UInt8], by deadline: Deadline) throws(OnlineFault) -> OnlineReply {
    // Where only a phone was asked, a typed code belongs to another token, and not to that transaction.
    if !challenge.passcode { transaction = "" }
    let reply = try check(code, by: deadline)
    // Nothing was typed and nobody had asked, so it is no factor that says yes.
    if reply.value, code.isEmpty, transaction.isEmpty {
      return .verdict(told(OnlineVerdict(.bypassed, .noFactor, reply.message)))
    }
    if reply.value { return .verdict(approval(reply)) }
    if let asked = take(reply) { return .challenge(asked) }
    throw .verdict(told(OnlineVerdict(.denied, reply.refusal ?? .wrongCode, reply.message)))
  }

  func look(by deadline: Deadline, patience: Int64) throws(OnlineFault) -> OnlineReply? {
    guard challenge.push else { return nil }
    let reply = try exchange("/validate/polltransaction", ["transaction_id": transaction.utf8.map { $0 }], by: deadline)
    switch (reply.value, reply.challengeStatus) {
    case (true, _):
      // The poll needs no login: only the check that follows says who was approved, and only once. So it is not given
      // up for what may be said meanwhile.
      http.isInterruptible = false
      defer { http.isInterruptible = true }
      let final = try check([], by: Deadline(milliseconds: patience))
      guard final.value else { throw .verdict(told(OnlineVerdict(.denied, .rejected, final.message))) }
      return .verdict(approval(final))
    case (false, "declined"), (false, "cancelled"):
      throw .verdict(told(OnlineVerdict(.denied, .declined, "The user declined on the phone.")))
    case (false, _): return nil
    }
  }

  func probe(by deadline: Deadline) throws(OnlineFault) -> OnlineProbe {
    let reply = try http.send(HTTPRequest(url: base + "/healthz/"), by: deadline)
    guard (200..<300).contains(reply.status) else { throw statusFault(reply.status) }
    guard !reply.body.isEmpty else { throw .unreachable(.empty, "The reply is empty.") }
    guard let json = JSON(reply.body), json["result"]?["status"]?.flag == true else {
      throw .unreachable(.malformed, "What answers is no privacyIDEA.")
    }
    note(json)
    // /healthz does not sign; an unknown transaction is asked for instead, which is pending for ever.
    if signature != nil {
      _ = try exchange("/validate/polltransaction", ["transaction_id": Array("0".utf8)], by: deadline)
    }
    return OnlineProbe(.ok, .reachable, "privacyIDEA answers.", clockOffset: clockOffset)
  }

  /// Remembers what the server asks, if it does.
  private func take(_ reply: PrivacyIDEAReply) -> OnlineChallenge? {
    guard let asked = reply.challenge else { return nil }
    (transaction, challenge) = (reply.transaction, asked)
    return asked
  }

  private func approval(_ reply: PrivacyIDEAReply) -> OnlineVerdict {
    guard !Self.unchecked.contains(reply.tokenType) else {
      return told(OnlineVerdict(.bypassed, .noFactor, "A token that always says yes was used."))
    }
    return told(.approved(proof: reply.serial, reply.message))
  }

  private func told(_ verdict: OnlineVerdict) -> OnlineVerdict {
    var verdict = verdict
    verdict.clockOffset = clockOffset
    return verdict
  }

  private func check(_ code: [UInt8], by deadline: Deadline) throws(OnlineFault) -> PrivacyIDEAReply {
    var parameters: [String: [UInt8]] = ["user": Array(user.utf8), "pass": code]
    if !settings.realm.isEmpty { parameters["realm"] = Array(settings.realm.utf8) }
    if !transaction.isEmpty { parameters["transaction_id"] = Array(transaction.utf8) }
    return try exchange("/validate/check", parameters, by: deadline)
  }

  private func exchange(
    _ path: String, _ parameters: [String: [UInt8]], by deadline: Deadline
  ) throws(OnlineFault) -> PrivacyIDEAReply {
    // A reply to another request, or an earlier one, does not carry it under the signature.
    let nonce = hex(try randomBytes(16))
    var parameters = parameters
    parameters["nonce"] = Array(nonce.utf8)
    var request = HTTPRequest(url: base + path)
    if path == "/validate/check" {
      request.body = .form(formEncoded(parameters))
    } else {
      request.url += "?" + String(decoding: formEncoded(parameters), as: UTF8.self)
    }
    return try read(try http.send(request, by: deadline), nonce: nonce)
  }

  /// Makes of what came a reply that may be believed.
  func read(_ reply: HTTPReply, nonce: String) throws(OnlineFault) -> PrivacyIDEAReply {
    // A broken server may sign or not.
    if reply.status >= 500 { throw statusFault(reply.status) }
    guard let json = JSON(reply.body) else {
      // Whoever is in between could say that; a denial has to be signed where there is a key.
      if signature != nil, [401, 403].contains(reply.status) { throw Self.unsigned }
      guard (200..<300).contains(reply.status) else { throw statusFault(reply.status) }
      throw reply.body.isEmpty
        ? .unreachable(.empty, "The reply is empty.") : .unreachable(.malformed, "The reply is no JSON.")
    }
    if let isRight = signature?.isRight(json, nonce: nonce), !isRight {
      throw Self.unsigned
    }
    note(json)
    guard let result = PrivacyIDEAReply(json) else {
      guard (200..<300).contains(reply.status) else { throw statusFault(reply.status) }
      throw .unreachable(.malformed, "The reply is none of privacyIDEA.")
    }
    if result.errorCode == Self.userNotFound {
      throw .verdict(told(OnlineVerdict(.denied, .unknownUser, result.message)))
    }
    guard result.errorCode == nil, (200..<300).contains(reply.status) else {
      throw statusFault((200..<300).contains(reply.status) ? 400 : reply.status)
    }
    return result
  }

  private static let unsigned = OnlineFault.misconfigured(
    .signature, "The reply is not signed by the configured key for this request.", alarm: true)

  private func note(_ json: JSON) {
    guard case .number(let text)? = json["time"], let time = Double(text).flatMap({ Int64(exactly: $0.rounded()) })
    else { return }
    clockOffset = time &- wallClock()
  }
}
