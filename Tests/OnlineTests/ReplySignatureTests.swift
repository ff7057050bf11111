import OnlineWire
import Testing

@testable import Online

/// A reply of privacyIDEA 3.14 as it came, signed by the key below.
let signedReply =
  #"{"detail": {"message": "matching 1 tokens", "otplen": 6, "serial": "OATH0000C302", "threadid": 13992"#
  + #"8335800000, "type": "hotp", "who": "zo\u00eb \ud83d\udd11"}, "id": 2, "jsonrpc": "2.0", "nonce": "00"#
  + #"112233445566778899aabbccddeeff", "result": {"authentication": "ACCEPT", "status": true, "value": tru"#
  + #"e}, "time": 1795612615.1106598, "version": "privacyIDEA 3.14", "signature": "rsa_sha256_pss:6412d85c"#
  + #"5d09712015a75592e68c04f0abae2b259afb79686d72959aba5b1c7e3fa0bf7bc308e20631b751cb91d3e548a92e68587a5b"#
  + #"6feca04adbec9fd2284653b842f43b78d08a80d277274e4086da51365a2be5594174cfe207cd54dad5a3f6650662bcbdcd84"#
  + #"9e80628d4a66ac3eec0bae244284dc7e7fd3bfab0858c0fc020c547d97bc559d7c37be0b4c4f63b976c6aa0efaf9b3cce4c3"#
  + #"177c7a55452e1ae3129812b4d85bd208296a09e6288f9d0f3172b85c38f6cf424da985136dd9e01dee58a267ac87d96786ba"#
  + #"077f1a5abdf034e53dc13153ea705af04048ad97b4ef4ec5053aa70b993a426a0cda5644df7d9a7e4f65e3c6c6d050be35e9"#
  + #"7dab"}"#
let signedNonce = "00112233445566778899aabbccddeeff"

/// The server's PI_AUDIT_KEY_PUBLIC; its private half is gone.
let serverKey = """
  -----BEGIN PUBLIC KEY-----
  MIIBIjANBgkqhkiG9w0BAQEFAAOCAQ8AMIIBCgKCAQEA3SZMhruS/E37Xn79PMsY
  L8kKTXzRXsOJ3sUIMc7ptjPg6l2W4S5FLXgcv6kdmSVP3WXUoQLxtwgJ/of8DArM
  e4l6QCwFjt6UHxJx2CJqbwZ8ja+S14hVeVJYmR0OWR9ml4YvRHIWtYJkQXUoDO5u
  BiuhoaEsWNz+xN9PumqwdlGft8qOaJf/wJiwA1Fb07Vft1+ppt3GpVQzlEf+Hl/6
  KbrCOC+F9mJcNC2mEVY3RiJgjHogbhw0oKYnEq30bhbbPuw/3OjDOW4GRS5+0l6w
  0Ln9YJraIdAhz0gwLZYRHVrJtJwPHgpNbxEC7iAJfK+EpqCaJpMW9UByvOO3Ag3t
  awIDAQAB
  -----END PUBLIC KEY-----
  """

private struct NoKey: Error {}

@Suite("Signatures of privacyIDEA's replies")
struct ReplySignatureTests {
  private func isRight(_ text: String, nonce: String = signedNonce) throws -> Bool {
    guard let signature = ReplySignature(pem: Array(serverKey.utf8)) else { throw NoKey() }
    let json = try #require(JSON(Array(text.utf8)))
    return signature.isRight(json, nonce: nonce)
  }

  @Test("the server's own is right, for its nonce only")
  func right() throws {
    #expect(try isRight(signedReply))
    #expect(try !isRight(signedReply, nonce: "00112233445566778899aabbccddeef0"))
  }

  @Test("space and the order of members make no difference, any change of a value does")
  func changed() throws {
    #expect(try isRight(signedReply.replacing(": ", with: ":").replacing("}", with: " }\n")))
    for (old, new) in [
      ("true", "false"), ("ACCEPT", "REJECT"), ("OATH0000C302", "OATH0000C303"), ("\"id\": 2", "\"id\": 2.0"),
      ("\"id\": 2", "\"id\": 2, \"more\": null"), ("pss:", "pss:00"), ("rsa_sha256_pss:", ""),
    ] {
      let text = signedReply.replacing(old, with: new)
      #expect(text != signedReply)
      #expect(try !isRight(text), "\(new)")
    }
  }

  @Test("a reply without signature or nonce is not right")
  func missing() throws {
    #expect(try !isRight(#"{"result": {"status": true, "value": true}}"#))
    #expect(try !isRight("[]"))
  }

  @Test("what is no RSA key of 2048 bits is refused")
  func keys() {
    func isRefused(_ pem: String) -> Bool {
      guard let key = ReplySignature(pem: Array(pem.utf8)) else { return true }
      _ = key
      return false
    }
    #expect(isRefused(""))
    #expect(isRefused("-----BEGIN PUBLIC KEY-----\nAAAA\n-----END PUBLIC KEY-----\n"))
    // prime256v1
    let other = """
      -----BEGIN PUBLIC KEY-----
      MFkwEwYHKoZIzj0CAQYIKoZIzj0DAQcDQgAEprDwHP9b1URuD5H2mxTydzNV5wcr
      yH2XkEDJElQ3qrpQ5CKaUnoqX6sGnzWPG6A7RO3iANEWZzayEkCCzFlpPQ==
      -----END PUBLIC KEY-----
      """
    #expect(isRefused(other))
  }
}
