import CCurl
import Glibc
import OnlineWire

struct HTTPRequest {
  enum Body {
    case none
    case form([UInt8])
    case json([UInt8])
  }

  var url: String
  var body = Body.none
  var headers: [String] = []
}

struct HTTPReply {
  var status: Int
  var body: [UInt8]
}

/// HTTPS by libcurl, to one server, with one certificate authority where one is given.
final class HTTPClient {
  /// Bytes of a reply's body; what is longer is none of our servers'.
  static let longestBody = 256 * 1024
  /// Bytes of its headers, which libcurl does not bound as a whole.
  static let longestHeaders = 64 * 1024
  private static let isReady = curl_global_init(Int(CURL_GLOBAL_DEFAULT)) == CURLE_OK

  private let settings: AuthoritySettings
  private let easy: UnsafeMutableRawPointer
  private let multi: UnsafeMutableRawPointer
  /// Becomes readable when the service has something to say.
  private let interruption: Int32
  /// Whether a request ends when the service speaks.
  var isInterruptible = true

  init(_ settings: AuthoritySettings, interruption: Int32) throws(OnlineFault) {
    guard Self.isReady, let easy = curl_easy_init(), let multi = curl_multi_init() else {
      throw .misconfigured(.badSetting, "libcurl cannot be used.")
    }
    (self.settings, self.easy, self.multi, self.interruption) = (settings, easy, multi, interruption)
  }

  deinit {
    curl_easy_cleanup(easy)
    curl_multi_cleanup(multi)
  }

  func send(_ request: HTTPRequest, by deadline: Deadline) throws(OnlineFault) -> HTTPReply {
    let sink = Sink()
    var headers: UnsafeMutablePointer<curl_slist>?
    defer { curl_slist_free_all(headers) }
    // No "Expect: 100-continue", which would cost a second at some proxies; messages come in one language.
    for header in request.headers + ["Expect:", "Accept: application/json", "Accept-Language: en"] {
      headers = curl_slist_append(headers, header) ?? headers
    }
    try set(request, headers, sink, deadline)
    guard curl_multi_add_handle(multi, easy) == CURLM_OK else { throw .unreachable(.network, "libcurl is at its end.") }
    defer { curl_multi_remove_handle(multi, easy) }
    let code = try withExtendedLifetime(sink) { () throws(OnlineFault) in try perform(by: deadline) }
    if sink.isFull { throw .unreachable(.tooLarge, "The reply is longer than any of such a server.") }
    guard code == CURLE_OK else { throw fault(code) }
    var status = 0
    curl_get_number(easy, CURLINFO_RESPONSE_CODE, &status)
    return HTTPReply(status: status, body: sink.bytes)
  }

  /// Lets time pass, unless the service speaks.
  func pause(_ milliseconds: Int64) throws(OnlineFault) {
    if waitForInput(interruption, milliseconds) { throw .interrupted }
  }

  private func set(
    _ request: HTTPRequest, _ headers: UnsafeMutablePointer<curl_slist>?, _ sink: Sink, _ deadline: Deadline
  ) throws(OnlineFault) {
    // Of the request before, connections stay.
    curl_easy_reset(easy)
    var codes = [
      curl_set_text(easy, CURLOPT_URL, request.url),
      curl_set_text(easy, CURLOPT_PROTOCOLS_STR, "https"),
      curl_set_number(easy, CURLOPT_FOLLOWLOCATION, 0),
      curl_set_number(easy, CURLOPT_NOSIGNAL, 1),
      // Else the end of a transfer waits for the thread that looks the name up, ten seconds where no name server answers.
      curl_set_number(easy, CURLOPT_QUICK_EXIT, 1),
      curl_set_number(easy, CURLOPT_HTTP_VERSION, Int(CURL_HTTP_VERSION_1_1)),
      curl_set_number(easy, CURLOPT_SSLVERSION, Int(CURL_SSLVERSION_TLSv1_2)),
      curl_set_number(easy, CURLOPT_SSL_VERIFYPEER, 1),
      curl_set_number(easy, CURLOPT_SSL_VERIFYHOST, 2),
      // "" is no proxy, whatever the environment says.
      curl_set_text(easy, CURLOPT_PROXY, settings.proxy),
      curl_set_text(easy, CURLOPT_NOPROXY, ""),
      curl_set_number(easy, CURLOPT_TIMEOUT_MS, Int(max(1, deadline.left))),
      curl_set_number(easy, CURLOPT_CONNECTTIMEOUT_MS, Int(max(1, deadline.left))),
      curl_set_number(easy, CURLOPT_MAXFILESIZE, Self.longestBody),
      curl_set_text(easy, CURLOPT_USERAGENT, "offline-access"),
      curl_set_list(easy, CURLOPT_HTTPHEADER, headers),
      curl_set_writer(easy) { bytes, size, count, sink in
        guard let bytes, let sink else { return 0 }
        let piece = UnsafeRawBufferPointer(start: bytes, count: size * count)
        return Unmanaged<Sink>.fromOpaque(sink).takeUnretainedValue().take(piece) ? size * count : 0
      },
      curl_set_pointer(easy, CURLOPT_WRITEDATA, Unmanaged.passUnretained(sink).toOpaque()),
      curl_set_header_writer(easy) { _, size, count, sink in
        guard let sink else { return 0 }
        return Unmanaged<Sink>.fromOpaque(sink).takeUnretainedValue().takeHeader(size * count) ? size * count : 0
      },
      curl_set_pointer(easy, CURLOPT_HEADERDATA, Unmanaged.passUnretained(sink).toOpaque()),
    ]
    if !settings.authorities.isEmpty {
      // Debian's libcurl knows a folder of the system's certificates, which would count besides.
      codes.append(curl_set_text(easy, CURLOPT_CAPATH, nil))
      codes.append(curl_set_bytes(easy, CURLOPT_CAINFO_BLOB, settings.authorities, settings.authorities.count))
    }
    if !settings.pinnedKey.isEmpty { codes.append(curl_set_text(easy, CURLOPT_PINNEDPUBLICKEY, settings.pinnedKey)) }
    switch request.body {
    case .none: break
    case .form(let bytes), .json(let bytes):
      var bytes = bytes
      codes.append(curl_set_number(easy, CURLOPT_POST, 1))
      codes.append(curl_set_number(easy, CURLOPT_POSTFIELDSIZE, bytes.count))
      codes.append(bytes.withUnsafeMutableBytes { curl_set_pointer(easy, CURLOPT_COPYPOSTFIELDS, $0.baseAddress) })
    }
    guard codes.allSatisfy({ $0 == CURLE_OK }) else {
      throw .misconfigured(.badSetting, "libcurl does not take a setting of the authority.")
    }
  }

  /// Runs the transfer to its end, or until the service speaks.
  private func perform(by deadline: Deadline) throws(OnlineFault) -> CURLcode {
    var isInterrupted = false
    while true {
      var running: Int32 = 0
      guard curl_multi_perform(multi, &running) == CURLM_OK else {
        throw .unreachable(.network, "libcurl is at its end.")
      }
      var left: Int32 = 0
      while let message = curl_multi_info_read(multi, &left) {
        if message.pointee.msg == CURLMSG_DONE { return message.pointee.data.result }
      }
      // Only now: the reply may have come at the same time.
      if isInterrupted { throw .interrupted }
      // libcurl's own timer is a little behind; a bound of our own in case it never comes.
      if deadline.isOver, running == 0 { return CURLE_OPERATION_TIMEDOUT }
      var other = curl_waitfd(fd: interruption, events: Int16(CURL_WAIT_POLLIN), revents: 0)
      let isWatched: UInt32 = isInterruptible && interruption >= 0 ? 1 : 0
      guard curl_multi_poll(multi, &other, isWatched, Int32(clamping: min(deadline.left + 1, 1000)), nil) == CURLM_OK
      else { throw .unreachable(.network, "libcurl is at its end.") }
      isInterrupted = isWatched == 1 && other.revents != 0
    }
  }

  private func fault(_ code: CURLcode) -> OnlineFault {
    var verification = 0
    var error = 0
    curl_get_number(easy, CURLINFO_SSL_VERIFYRESULT, &verification)
    curl_get_number(easy, CURLINFO_OS_ERRNO, &error)
    var tunnel = 0
    curl_get_number(easy, CURLINFO_HTTP_CONNECTCODE, &tunnel)
    if tunnel >= 300 { return .unreachable(.proxy, "The proxy does not lead on (HTTP \(tunnel)).") }
    return transferFault(code, verification: verification, error: Int32(truncatingIfNeeded: error))
  }

  /// Takes the body as it comes, and no more of it than is wanted.
  private final class Sink {
    var bytes: [UInt8] = []
    var isFull = false
    private var headers = 0

    func takeHeader(_ count: Int) -> Bool {
      headers += count
      if headers > HTTPClient.longestHeaders { isFull = true }
      return !isFull
    }

    func take(_ piece: UnsafeRawBufferPointer) -> Bool {
      guard bytes.count + piece.count <= HTTPClient.longestBody else {
        isFull = true
        return false
      }
      bytes += piece
      return true
    }
  }
}
