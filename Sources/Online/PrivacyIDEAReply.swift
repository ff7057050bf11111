import OnlineWire

/// What a reply of /validate says.
struct PrivacyIDEAReply: Equatable {
  var value: Bool
  var message = ""
  var serial = ""
  var tokenType = ""
  var transaction = ""
  /// `accept`, `declined`, `cancelled` or `pending`, of polltransaction.
  var challengeStatus = ""
  var challenge: OnlineChallenge?
  var errorCode: Int64?

  /// Nil when it is no reply of privacyIDEA.
  init?(_ json: JSON) {
    guard let result = json["result"], let status = result["status"]?.flag else { return nil }
    guard status else {
      value = false
      errorCode = result["error"]?["code"]?.integer
      message = result["error"]?["message"]?.text ?? ""
      guard errorCode != nil else { return nil }
      return
    }
    guard let value = result["value"]?.flag else { return nil }
    let authentication = result["authentication"]?.text
    // Both say it; a server that contradicts itself is not believed.
    if value, let authentication, authentication != "ACCEPT" { return nil }
    self.value = value
    guard let detail = json["detail"] else { return }
    message = detail["message"]?.text ?? ""
    serial = detail["serial"]?.text ?? ""
    tokenType = detail["type"]?.text ?? ""
    transaction = detail["transaction_id"]?.text ?? ""
    challengeStatus = detail["challenge_status"]?.text ?? ""
    if !value, !transaction.isEmpty, authentication == nil || authentication == "CHALLENGE" {
      challenge = Self.challenge(detail, message)
    }
  }

  private static func challenge(_ detail: JSON, _ message: String) -> OnlineChallenge {
    var (hasPush, hasPasscode) = (false, false)
    let challenges = detail["multi_challenge"]?.elements ?? [detail]
    for challenge in challenges {
      let mode = challenge["client_mode"]?.text
      if mode == "poll" || challenge["type"]?.text == "push" {
        hasPush = true
      } else if mode == nil || mode == "interactive" {
        hasPasscode = true
      }
    }
    return OnlineChallenge(push: hasPush, passcode: hasPasscode, text: message)
  }

  /// Why it is no yes, as far as the message tells.
  var refusal: OnlineReason? {
    let known: [(String, OnlineReason)] = [
      ("Failcounter exceeded", .lockedOut), ("no tokens assigned", .mustEnrol), ("Token is disabled", .rejected),
      ("No suitable token", .mustEnrol), ("Token is revoked", .rejected), ("outside of its validity", .rejected),
      ("Authentication counter exceeded", .lockedOut),
    ]
    return known.first { message.contains($0.0) }?.1
  }
}
