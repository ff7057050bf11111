import CCrypto
import CCurl
import Glibc
import OnlineWire

/// What an error of libcurl comes to (<curl/curl.h>, libcurl-errors(3)).
///
/// - Parameters:
///   - verification: OpenSSL's, one of X509_V_*.
///   - error: of the system, when the connection failed.
func transferFault(_ code: CURLcode, verification: Int, error: Int32) -> OnlineFault {
  let words = String(cString: curl_easy_strerror(code))
  switch code {
  case CURLE_COULDNT_RESOLVE_HOST: return .unreachable(.nameNotFound, "The authority's name is not known: \(words).")
  case CURLE_COULDNT_RESOLVE_PROXY, CURLE_PROXY:
    return .unreachable(.proxy, "The proxy does not help: \(words).")
  case CURLE_COULDNT_CONNECT:
    return error == ECONNREFUSED
      ? .unreachable(.refusedPort, "Nothing answers at the authority's port.")
      : .unreachable(.network, "No way to the authority: \(words).")
  case CURLE_OPERATION_TIMEDOUT: return .unreachable(.timeout, "The authority did not answer in time.")
  case CURLE_SSL_CONNECT_ERROR: return .unreachable(.tls, "What answers does not speak TLS as it should: \(words).")
  case CURLE_PEER_FAILED_VERIFICATION: return certificateFault(verification)
  case CURLE_SSL_PINNEDPUBKEYNOTMATCH:
    return .unreachable(.pinnedKey, "The server's key is not the pinned one.", alarm: true)
  case CURLE_SSL_CACERT_BADFILE:
    return .misconfigured(.badAuthorities, "The CA file holds no certificate that can be read.")
  case CURLE_URL_MALFORMAT:
    return .misconfigured(.badSetting, "The authority's address is no https URL.")
  case CURLE_FILESIZE_EXCEEDED: return .unreachable(.tooLarge, "The reply is too long.")
  case CURLE_GOT_NOTHING: return .unreachable(.empty, "The server closed the connection without a reply.")
  // HTTP/0.9 is an unsupported protocol to libcurl: whatever has no line of status is that.
  case CURLE_UNSUPPORTED_PROTOCOL, CURLE_WEIRD_SERVER_REPLY, CURLE_PARTIAL_FILE, CURLE_BAD_CONTENT_ENCODING:
    return .unreachable(.malformed, "The reply is no HTTP that can be read: \(words).")
  default: return .unreachable(.network, "The connection broke: \(words).")
  }
}

private func certificateFault(_ verification: Int) -> OnlineFault {
  switch Int32(truncatingIfNeeded: verification) {
  // OpenSSL found no fault with the chain, so it was the name that libcurl compared. libcurl then leaves what it begins
  // with, which is "unspecified".
  case X509_V_OK, X509_V_ERR_UNSPECIFIED, X509_V_ERR_HOSTNAME_MISMATCH, X509_V_ERR_IP_ADDRESS_MISMATCH:
    return .unreachable(.tlsHost, "The server's certificate is for another name.", alarm: true)
  case X509_V_ERR_CERT_NOT_YET_VALID:
    return .unreachable(
      .clock, "The server's certificate is not valid yet: this machine's clock may be behind.", alarm: true)
  case X509_V_ERR_CERT_HAS_EXPIRED:
    return .unreachable(
      .clock, "The server's certificate has run out, or this machine's clock is ahead.", alarm: true)
  default:
    let words = String(cString: X509_verify_cert_error_string(verification))
    return .unreachable(.tlsAuthority, "The server's certificate is not trusted: \(words).", alarm: true)
  }
}

/// What a status of HTTP comes to by itself (RFC 9110, section 15).
func statusFault(_ status: Int) -> OnlineFault {
  switch status {
  case 300..<400: .misconfigured(.redirect, "The server sends elsewhere (HTTP \(status)), which is not followed.")
  case 401, 403: .denied(.unauthorized, "The server refuses (HTTP \(status)).")
  case 404, 410: .misconfigured(.notFound, "There is no such service at this address (HTTP \(status)).")
  case 429: .unreachable(.busy, "The server has too much to do (HTTP 429).")
  case 400..<500: .misconfigured(.badRequest, "The server does not take the request (HTTP \(status)).")
  case 500..<600: .unreachable(.serverError, "The server is in trouble (HTTP \(status)).")
  default: .unreachable(.malformed, "HTTP \(status) is no answer.")
  }
}
