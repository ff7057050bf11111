import CCurl
import CCrypto
import Glibc
import OnlineWire
import Testing

@testable import Online

@Suite("What errors of libcurl come to")
struct TransferFaultTests {
  private func verdict(_ code: CURLcode, verification: Int32 = 0, error: Int32 = 0) -> OnlineVerdict? {
    guard case .verdict(let verdict) = transferFault(code, verification: Int(verification), error: error) else {
      return nil
    }
    return verdict
  }

  @Test("each has its reason, and none is an approval or a denial")
  func all() {
    for code in 1..<CURL_LAST.rawValue {
      let verdict = verdict(CURLcode(code))
      #expect(verdict?.value == .unreachable || verdict?.value == .misconfigured)
    }
    #expect(verdict(CURLE_COULDNT_RESOLVE_HOST)?.reason == .nameNotFound)
    #expect(verdict(CURLE_COULDNT_CONNECT, error: ECONNREFUSED)?.reason == .refusedPort)
    #expect(verdict(CURLE_COULDNT_CONNECT, error: ENETUNREACH)?.reason == .network)
    #expect(verdict(CURLE_OPERATION_TIMEDOUT)?.reason == .timeout)
    #expect(verdict(CURLE_SSL_CONNECT_ERROR)?.reason == .tls)
    #expect(verdict(CURLE_SSL_CACERT_BADFILE)?.value == .misconfigured)
  }

  @Test("certificates that are not the server's raise the alarm")
  func alarms() {
    for (verification, reason) in [
      (X509_V_OK, .tlsHost), (X509_V_ERR_SELF_SIGNED_CERT_IN_CHAIN, .tlsAuthority),
      (X509_V_ERR_UNABLE_TO_GET_ISSUER_CERT_LOCALLY, .tlsAuthority), (X509_V_ERR_CERT_HAS_EXPIRED, .clock),
      (X509_V_ERR_CERT_NOT_YET_VALID, .clock),
    ] as [(Int32, OnlineReason)] {
      let verdict = verdict(CURLE_PEER_FAILED_VERIFICATION, verification: verification)
      #expect(verdict?.value == .unreachable && verdict?.reason == reason && verdict?.alarm == true)
    }
    let pinned = verdict(CURLE_SSL_PINNEDPUBKEYNOTMATCH)
    #expect(pinned?.value == .unreachable && pinned?.reason == .pinnedKey && pinned?.alarm == true)
  }
}
