// offline-access-manual: fills in the parts of a manual page that repeat the code. A build tool, not
// installed; the Makefile runs it for each docs/man/*.in.
import Glibc

/// Writes all of `text` to `descriptor`.
///
/// - Returns: false when it could not be written.
private func write(_ text: String, to descriptor: Int32) -> Bool {
  var text = text
  return text.withUTF8 { bytes in
    var sent = 0
    while sent < bytes.count {
      let count = Glibc.write(descriptor, bytes.baseAddress.map { $0 + sent }, bytes.count - sent)
      if count < 0, errno == EINTR { continue }
      guard count > 0 else { return false }
      sent += count
    }
    return true
  }
}

private func fail(_ reason: String) -> Never {
  _ = write("offline-access-manual: \(reason)\n", to: STDERR_FILENO)
  exit(EXIT_FAILURE)
}

private let usage = """
  usage: offline-access-manual < TEMPLATE > PAGE
         offline-access-manual --configuration > data/offline-access.conf
  """

let text: String
switch CommandLine.arguments.dropFirst() {
case []:
  var template: [String] = []
  while let line = readLine() { template.append(line) }
  do throws(Template.Failure) { text = try Template.expand(template) } catch { fail(error.description) }
case ["--configuration"]: text = ConfigurationText.file
default: fail(usage)
}
// Nothing is written before all of it is known to be right.
if !write(text, to: STDOUT_FILENO) { fail(String(cString: strerror(errno))) }
