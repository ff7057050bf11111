// All words of the talk between the service and offline-access-online. Each end knows these and no others.

/// What the service asks.
public enum RequestKind: String, CaseIterable, Sendable {
  case begin
  case probe
  case answer
  case wait
  case abandon
}

/// What the process answers.
public enum ReplyKind: String, CaseIterable, Sendable {
  case challenge
  case verdict
  case probed
}

/// Names of fields; all of them are written in lower case with hyphens, as in the configuration.
enum FieldName: String, CaseIterable {
  // Of every message but `abandon`: 32 random bytes as hex, chosen by the service for one authentication.
  case request

  // The authority.
  case kind
  case url
  case realm
  case trigger
  case publicKey = "public-key"
  case host
  case integrationKey = "ikey"
  case servers
  case secret
  case authorities = "ca"
  case pinnedKey = "pinned-key"
  case proxy
  case userTemplate = "user-template"

  // Who wants in, and how.
  case user
  case machine
  case remote
  case purpose
  case deadline = "deadline-ms"

  // `answer` and `wait`.
  case code
  case milliseconds = "ms"

  // Replies.
  case push
  case passcode
  case text
  case value
  case proof
  case reason
  case detail
  case alarm
  case clockOffset = "clock-offset"
  case connected
}

/// The kinds of authority.
public enum AuthorityName: String, CaseIterable, Sendable {
  case privacyidea
  case duo
  case radius
}

/// What the authority's answer comes to.
public enum VerdictValue: String, CaseIterable, Sendable {
  /// A factor was checked; there is a proof.
  case approved
  /// Let through without a factor. It is no approval.
  case bypassed
  /// An authenticated refusal.
  case denied
  /// No authenticated answer, or one that says nothing.
  case unreachable
  /// Nothing will work until an administrator has changed something.
  case misconfigured
}

/// What a harmless call found.
public enum ProbeValue: String, CaseIterable, Sendable {
  case ok
  case unreachable
  case misconfigured
}

/// Why, in one word for the journal.
public enum OnlineReason: String, CaseIterable, Sendable {
  // Approved.
  case checked
  case reachable
  // Bypassed.
  case noFactor = "no-factor"
  // Denied.
  case wrongCode = "wrong-code"
  case rejected
  case declined
  case noResponse = "no-response"
  case lockedOut = "locked-out"
  case mustEnrol = "must-enrol"
  case unknownUser = "unknown-user"
  case unauthorized = "http-401"
  // Unreachable.
  case nameNotFound = "no-such-host"
  case proxy
  case refusedPort = "refused-port"
  case network
  case timeout
  case tls
  case tlsAuthority = "tls-ca"
  case tlsHost = "tls-host"
  case pinnedKey = "pinned-key"
  case clock
  case serverError = "http-500"
  case busy = "http-429"
  case empty
  case tooLarge = "too-large"
  case malformed
  case ended
  // Misconfigured.
  case badKey = "bad-key"
  case badAuthorities = "bad-ca"
  case badSetting = "bad-setting"
  case redirect
  case notFound = "http-404"
  case badRequest = "http-400"
  case signature
}
