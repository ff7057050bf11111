// offline-access-helper: the conversation of the PAM module for programs that are no PAM hosts, over
// standard input and output; see docs/helper-protocol.md. Compiled as Embedded Swift.
import CSystem

private let usage = "Usage: offline-access-helper USER [--purpose login|unlock|elevation]\n"

/// What the command line asks for; nil where it is wrong.
private func request(_ arguments: [String]) -> Request? {
  var user: String?
  var purpose: Purpose?
  var index = 0
  while index < arguments.count {
    let argument = arguments[index]
    index += 1
    var value: String?
    if argument == "--purpose" {
      guard index < arguments.count else { return nil }
      value = arguments[index]
      index += 1
    } else if argument.hasPrefix("--purpose=") {
      value = String(argument.dropFirst("--purpose=".utf8.count))
    } else if argument.hasPrefix("-") || user != nil {
      return nil
    } else {
      user = argument
    }
    if let value {
      guard purpose == nil, let known = Purpose(rawValue: value) else { return nil }
      purpose = known
    }
  }
  // An empty name would mean the caller to the service.
  guard let user, !user.isEmpty else { return nil }
  return Request(user: user, service: "offline-access-helper", purpose: purpose ?? .login)
}

@c(main)
public func main(
  _ count: Int32, _ arguments: UnsafeMutablePointer<UnsafeMutablePointer<CChar>?>?
) -> Int32 {
  var texts: [String] = []
  var areText = true
  for index in 1..<max(1, Int(count)) {
    guard let pointer = arguments?[index], let text = String(validatingCString: pointer) else {
      areText = false
      break
    }
    texts.append(text)
  }
  guard areText, let request = request(texts) else {
    _ = usage.withCString { write(STDERR_FILENO, $0, strlen($0)) }
    return 2
  }

  // A reader that goes away is a conversation that fails: a set-up under way is then dropped.
  ignore_broken_pipes()
  var conversation = Conversation(request, with: LinePerson())
  let verdict = conversation.run { () throws(BusFailure) in FactorClient(try BusConnection()) }
  do throws(PersonFailure) {
    try LinePerson.write(verdict == .granted ? WireLine.success : WireLine.failure)
  } catch {
    // Whoever did not hear SUCCESS must not conclude it from the exit status either.
    return 1
  }
  return verdict == .granted ? 0 : 1
}
