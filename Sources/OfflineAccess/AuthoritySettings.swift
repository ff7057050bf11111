// The keys of [Authority].
extension Setting {
  static let authority: [Setting] = [
    choice(
      "Authority", "kind", \.authority.kind,
      "Online service that is asked for a second factor first and that vouches for users; none: the administrator does."
    ),
    text(
      "Authority", "url", \.authority.url, values: "https://NAME[:PORT][/PATH]",
      "privacyIDEA: where the server is."
    ) { text in
      text.hasPrefix("https://") && text.utf8.count > 8 && !text.contains(where: { "?# ".contains($0) })
        ? nil : "expected an address that begins with https://"
    },
    text(
      "Authority", "realm", \.authority.realm, values: "text, or empty",
      "privacyIDEA: the realm of the users. Empty: the server's default.", check: { _ in nil }),
    path(
      "Authority", "public-key", \.authority.publicKeyFile,
      "privacyIDEA: file of the key (PEM) that has to sign its replies. Empty: they need not be signed, and TLS is all."
    ),
    text(
      "Authority", "host", \.authority.host, values: "NAME[:PORT]",
      "Duo: the name of its API, as api-XXXXXXXX.duosecurity.com.",
      check: server),
    text(
      "Authority", "ikey", \.authority.integrationKey, values: "text", "Duo: the integration key.", check: { _ in nil }),
    secret("skey-file", \.authority.secretKeyFile, "Duo: file of the secret key."),
    texts(
      "Authority", "servers", \.authority.servers, values: "list of NAME[:PORT]",
      "RADIUS: the servers, asked in turn. An IPv6 address with a port stands in brackets.", check: server),
    secret("secret-file", \.authority.secretFile, "RADIUS: file of the shared secret."),
    path(
      "Authority", "ca-file", \.authority.caFile,
      "privacyIDEA, Duo: the only certificates (PEM) to which the server's may lead. Empty: those of the system."),
    texts(
      "Authority", "pinned-key", \.authority.pinnedKeys, values: "list of sha256//BASE64",
      "privacyIDEA, Duo: public keys one of which the server has to have, besides. Empty: any."
    ) { text in text.hasPrefix("sha256//") && text.utf8.count > 40 ? nil : "expected sha256//BASE64" },
    text(
      "Authority", "proxy", \.authority.proxy, values: "http://NAME:PORT, or empty",
      "privacyIDEA, Duo: an HTTP proxy. The environment is not asked for one."
    ) { $0.hasPrefix("http://") ? nil : "expected an address that begins with http://" },
    Setting(
      section: "Authority", key: "user", values: "text with %u",
      summary: "The user's name at the authority: %u is the name here, %h this computer's name, %% a percent sign.",
      parse: { (text, policy) throws(BadValue) in
        guard text.contains("%u"), isTemplate(text) else {
          throw BadValue(reason: "expected a text with %u; besides, only %h and %% may stand behind a percent sign")
        }
        policy.authority.userTemplate = text
      }, render: { $0.authority.userTemplate }),
    choice(
      "Authority", "push", \.authority.push,
      "privacyIDEA, RADIUS: whether to begin with an empty code, so that the server may send a request to the phone. To a privacyIDEA token with a PIN that is a failure, which the server counts. Duo sends requests anyway."
    ),
    integer(
      "Authority", "timeout", 1...AuthorityPolicy.longestTimeout, \.authority.timeout,
      "Seconds after which the authority counts as unreachable."),
    choice(
      "Authority", "bypass", \.authority.bypass,
      "Whether the authority may let users in without a factor (Duo's bypass, privacyIDEA's passOnNoToken). It never refreshes the allowance."
    ),
    choice(
      "Authority", "misconfigured", \.authority.whenMisconfigured,
      "What follows when the authority cannot be used as it is configured (a wrong key, a bad signature): a refusal, or the offline factor as if it were unreachable."
    ),
  ]

  /// A file of mode 0600, or a credential of systemd's.
  private static func secret(
    _ key: String, _ path: WritableKeyPath<Policy, String> & Sendable, _ summary: String
  ) -> Setting {
    text(
      "Authority", key, path, values: "absolute path, or credential:NAME",
      summary + " It belongs to root and is readable by root alone; or a credential of systemd's (LoadCredential=)."
    ) { text in
      let name = text.dropPrefix(AuthorityPolicy.credentialPrefix)
      if let name, !name.isEmpty, !name.contains("/"), name != ".", name != ".." { return nil }
      return text.hasPrefix("/") ? nil : "expected an absolute path, or credential:NAME"
    }
  }

  private static func server(_ text: String) -> String? {
    text.isEmpty || text.contains { $0 == " " || $0 == "/" } ? "expected NAME[:PORT]" : nil
  }

  private static func isTemplate(_ text: String) -> Bool {
    var rest = text[...]
    while let character = rest.popFirst() {
      if character == "%", !["u", "h", "%"].contains(rest.popFirst()) { return false }
      if character.unicodeScalars.contains(where: { $0.value < 0x20 || $0.value == 0x7f }) { return false }
    }
    return true
  }
}

extension String {
  /// What stands behind `prefix`; nil where the text does not begin with it.
  public func dropPrefix(_ prefix: String) -> Substring? { hasPrefix(prefix) ? dropFirst(prefix.count) : nil }
}
