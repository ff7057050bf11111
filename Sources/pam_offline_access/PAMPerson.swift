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
    var answer: UnsafeMutablePointer<CChar>?
    let code = pam_converse(handle, echo ? PAM_PROMPT_ECHO_ON : PAM_PROMPT_ECHO_OFF, &answer, prompt)
    defer {
      if let answer {
        explicit_bzero(answer, strlen(answer))
        free(answer)
      }
    }
    try check(code)
    // Some hosts say success and give nothing when their window was closed.
    guard let answer else { throw .gone }
    // A password manager may paste anything; nothing that long is an answer.
    guard strlen(answer) <= WireLine.longestAnswer, let text = String(validatingCString: answer) else {
      throw .notText
    }
    return text
  }

  mutating func tell(_ text: String, isError: Bool) throws(PersonFailure) {
    try check(pam_converse(handle, isError ? PAM_ERROR_MSG : PAM_TEXT_INFO, nil, text))
  }

  private mutating func check(_ code: Int32) throws(PersonFailure) {
    guard code != PAM_SUCCESS else { return }
    if code == PAM_BUF_ERR { failureCode = PAM_BUF_ERR }
    throw .gone
  }
}
