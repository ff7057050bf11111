import Glibc
import OnlineWire

/// Duo's Auth API, version 2.
final class Duo: Authority {
  let pace: Int64 = 500
  private let signature: DuoSignature
  private let host: String
  private let base: String
  private let subject: OnlineSubject
  private let user: String
  private let http: HTTPClient
  private var transaction = ""
  private var clockOffset: Int64?

  init(_ settings: AuthoritySettings, _ subject: OnlineSubject, user: String, interruption: Int32) throws(OnlineFault) {
    let parts = settings.host.split(separator: ":", omittingEmptySubsequences: false)
    guard let name = parts.first, !name.isEmpty, parts.count <= 2, parts.dropFirst().allSatisfy({ UInt16($0) != nil }),
      name.utf8.allSatisfy({ isalnum(Int32($0)) != 0 || $0 == UInt8(ascii: "-") || $0 == UInt8(ascii: ".") })
    else { throw .misconfigured(.badSetting, "Duo's host has to be NAME or NAME:PORT.") }
    guard !settings.integrationKey.isEmpty, !settings.secret.isEmpty else {
      throw .misconfigured(.badKey, "Duo's integration key and secret key are needed.")
    }
    host = String(name)
    base = "https://\(settings.host)"
    signature = DuoSignature(integrationKey: settings.integrationKey, secret: settings.secret)
    (self.subject, self.user) = (subject, user)
    http = try HTTPClient(settings, interruption: interruption)
  }

  func begin(by deadline: Deadline) throws(OnlineFault) -> OnlineReply {
    try ping(by: deadline)
    let answer = try call("POST", "/auth/v2/preauth", who(), by: deadline)
    let text = answer["status_msg"]?.text ?? ""
    switch answer["result"]?.text {
    case "auth": break
    case "allow": return .verdict(told(OnlineVerdict(.bypassed, .noFactor, text)))
    case "deny":
      let reason: OnlineReason = text.lowercased().contains("locked out") ? .lockedOut : .rejected
      throw .verdict(told(OnlineVerdict(.denied, reason, text)))
    case "enroll": throw .verdict(told(OnlineVerdict(.denied, .mustEnrol, text)))
    default: throw .unreachable(.malformed, "The reply is none of Duo's.")
    }
    let canPush = (answer["devices"]?.elements ?? []).contains { device in
      (device["capabilities"]?.elements ?? []).contains(.string("push"))
    }
    guard canPush else { return .challenge(OnlineChallenge(push: false, passcode: true, text: text)) }
    // What is shown on the phone.
    let shown = formEncoded(["Machine": Array(subject.machine.utf8), "Purpose": Array(subject.purpose.utf8)])
    transaction = try start(
      ["factor": "push", "device": "auto", "pushinfo": String(decoding: shown, as: UTF8.self)], by: deadline)
    return .challenge(OnlineChallenge(push: true, passcode: true, text: text))
  }

  func answer(_ code: [UInt8], by deadline: Deadline) throws(OnlineFault) -> OnlineReply {
    guard let code = String(validating: code, as: UTF8.self) else {
      throw .denied(.wrongCode, "What was typed is no text.")
    }
    // Started and then asked for, because only so there is a transaction to name.
    do throws(OnlineFault) {
      transaction = try start(["factor": "passcode", "passcode": code], by: deadline)
    } catch {
      // Of all that is sent here, only the passcode is anybody's choice.
      guard case .verdict(let verdict) = error, verdict.reason == .badRequest else { throw error }
      throw .denied(.wrongCode, verdict.detail)
    }
    while true {
      if let reply = try look(by: deadline, refusal: .wrongCode) { return reply }
      guard !deadline.isOver else { throw .unreachable(.timeout, "Duo did not decide in time.") }
      try http.pause(min(100, deadline.left))
    }
  }

  func look(by deadline: Deadline, patience: Int64) throws(OnlineFault) -> OnlineReply? {
    try look(by: deadline, refusal: .rejected)
  }

  private func look(by deadline: Deadline, refusal: OnlineReason) throws(OnlineFault) -> OnlineReply? {
    let answer = try call("GET", "/auth/v2/auth_status", ["txid": transaction], by: deadline)
    let text = answer["status_msg"]?.text ?? ""
    let status = answer["status"]?.text
    switch answer["result"]?.text {
    case "waiting": return nil
    case "allow":
      return .verdict(
        told(status == "bypass" ? OnlineVerdict(.bypassed, .noFactor, text) : .approved(proof: transaction, text)))
    case "deny":
      let reason: OnlineReason
      var isAlarming = false
      switch status {
      case "locked_out": reason = .lockedOut
      case "timeout": reason = .noResponse
      // The user says that somebody else asked.
      case "fraud": (reason, isAlarming) = (.declined, true)
      default: reason = refusal == .wrongCode ? .wrongCode : .declined
      }
      throw .verdict(told(OnlineVerdict(.denied, reason, text, alarm: isAlarming)))
    default: throw .unreachable(.malformed, "The reply is none of Duo's.")
    }
  }

  func probe(by deadline: Deadline) throws(OnlineFault) -> OnlineProbe {
    try ping(by: deadline)
    _ = try call("GET", "/auth/v2/check", [:], by: deadline)
    return OnlineProbe(.ok, .reachable, "Duo answers and knows the keys.", clockOffset: clockOffset)
  }

  /// Learns how far Duo's clock is ahead: signatures carry a time that must be right within five minutes, and a laptop's
  /// clock may not be.
  private func ping(by deadline: Deadline) throws(OnlineFault) {
    let answer = try take(try http.send(HTTPRequest(url: base + "/auth/v2/ping"), by: deadline))
    guard let time = answer["time"]?.integer else { throw .unreachable(.malformed, "The reply is none of Duo's.") }
    clockOffset = time &- wallClock()
  }

  private func who() -> [String: String] {
    var parameters = ["username": user]
    // Duo takes addresses only, no names.
    if isAddress(subject.remote) { parameters["ipaddr"] = subject.remote }
    return parameters
  }

  private func start(_ parameters: [String: String], by deadline: Deadline) throws(OnlineFault) -> String {
    let parameters = who().merging(parameters) { $1 }.merging(["async": "1"]) { $1 }
    let answer = try call("POST", "/auth/v2/auth", parameters, by: deadline)
    guard let transaction = answer["txid"]?.text, !transaction.isEmpty else {
      throw .unreachable(.malformed, "Duo named no transaction.")
    }
    return transaction
  }

  private func told(_ verdict: OnlineVerdict) -> OnlineVerdict {
    var verdict = verdict
    verdict.clockOffset = clockOffset
    return verdict
  }

  private func call(
    _ method: String, _ path: String, _ parameters: [String: String], by deadline: Deadline
  ) throws(OnlineFault) -> JSON {
    var wait: Int64 = 1000
    while true {
      let reply = try http.send(try request(method, path, parameters), by: deadline)
      guard reply.status == 429 else { return try take(reply) }
      // Duo's advice: wait a second, then twice as long, up to 32, and a little at random.
      let pause = wait + Int64.random(in: 0..<250)
      guard deadline.left > pause else { throw .unreachable(.busy, "Duo has too much to do (HTTP 429).") }
      try http.pause(pause)
      wait = min(2 * wait, 32_000)
    }
  }

  private func request(
    _ method: String, _ path: String, _ parameters: [String: String]
  ) throws(OnlineFault) -> HTTPRequest {
    let isPost = method == "POST"
    let query = isPost ? [] : formEncoded(parameters.mapValues { Array($0.utf8) })
    let body = isPost ? JSON.object(parameters.mapValues { .string($0) }).asPythonWrites : []
    let date = DuoSignature.date(wallClock() &+ (clockOffset ?? 0))
    guard
      let authorization = signature.authorization(
        date: date, method: method, host: host, path: path, query: query, body: body)
    else { throw .misconfigured(.badSetting, "This machine's OpenSSL cannot make HMAC-SHA-512.") }
    var request = HTTPRequest(url: base + path)
    if !query.isEmpty { request.url += "?" + String(decoding: query, as: UTF8.self) }
    request.headers = ["Date: \(date)", "Authorization: \(authorization)"]
    if isPost {
      request.body = .json(body)
      request.headers.append("Content-Type: application/json")
    }
    return request
  }

  /// The `response` of an envelope.
  func take(_ reply: HTTPReply) throws(OnlineFault) -> JSON {
    let json = JSON(reply.body)
    if reply.status == 200, let json, json["stat"]?.text == "OK", let response = json["response"] { return response }
    if let json, json["stat"]?.text == "FAIL", let code = json["code"]?.integer {
      throw told(Self.fault(code, json["message"]?.text ?? ""))
    }
    guard reply.status == 200 else { throw statusFault(reply.status) }
    throw reply.body.isEmpty
      ? .unreachable(.empty, "The reply is empty.") : .unreachable(.malformed, "The reply is none of Duo's.")
  }

  /// Duo's codes are HTTP's and two digits more.
  private static func fault(_ code: Int64, _ message: String) -> OnlineFault {
    let detail = "Duo: \(message) (\(code))."
    switch code {
    // Missing or wrong keys, a bad signature, keys of another kind of integration.
    case 40101, 40102, 40103, 40301: return .misconfigured(.badKey, detail)
    // The time of the request, which Duo itself had told before.
    case 40104, 40105: return .misconfigured(.clock, detail, alarm: true)
    default: return statusFault(Int(code / 100))
    }
  }

  private func told(_ fault: OnlineFault) -> OnlineFault {
    guard case .verdict(let verdict) = fault else { return fault }
    return .verdict(told(verdict))
  }
}

/// Whether `text` is an address of IPv4 or IPv6.
func isAddress(_ text: String) -> Bool {
  var address = in6_addr()
  return inet_pton(AF_INET, text, &address) == 1 || inet_pton(AF_INET6, text, &address) == 1
}
