// The person behind a PAM conversation.
import CPAM
import CSystem

/// Speaks through the host's conversation function, one message a call.
struct PAMPerson: Person {
  let handle: OpaquePointer
  /// What PAM is told when the conversation fails.
  private(set) var failureCode = PAM_CONV_ERR

  init(_ handle: OpaquePointer) {
    self.handle = handle
  }

  mutating func ask(_ prompt: String, echo: Bool) throws(PersonFailure) -> String {
    let answer = try converse(echo ? PAM_PROMPT_ECHO_ON : PAM_PROMPT_ECHO_OFF, prompt)
    defer { Self.discard(answer) }
    // Some hosts say success and give nothing when their window was closed.
    guard let answer else { throw .gone }
    // A password manager may paste anything; nothing that long is an answer.
    guard strlen(answer) <= WireLine.longestAnswer, let text = String(validatingCString: answer) else {
      throw .notText
    }
    return text
  }

  mutating func tell(_ text: String, isError: Bool) throws(PersonFailure) {
    Self.discard(try converse(isError ? PAM_ERROR_MSG : PAM_TEXT_INFO, text))
  }

  func isPassword(_ text: String) -> Bool { pam_is_password(handle, text) }

  /// Says one thing; whatever is answered is the caller's.
  private mutating func converse(_ style: Int32, _ text: String) throws(PersonFailure) -> UnsafeMutablePointer<CChar>? {
    var answer: UnsafeMutablePointer<CChar>?
    let code = pam_converse(handle, style, &answer, text)
    guard code != PAM_SUCCESS else { return answer }
    Self.discard(answer)
    if code == PAM_BUF_ERR { failureCode = PAM_BUF_ERR }
    throw .gone
  }

  private static func discard(_ answer: UnsafeMutablePointer<CChar>?) {
    guard let answer else { return }
    explicit_bzero(answer, strlen(answer))
    free(answer)
  }
}
