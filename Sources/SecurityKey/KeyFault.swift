import CFIDO2
import OfflineAccess

/// Why an exchange with a key brought no proof.
enum KeyFault: Error, Equatable {
  /// A refusal that a person is told.
  case refused(Refusal.Reason, String)
  /// The key was pulled out, or the computer slept.
  case gone
  /// Another program has the key.
  case inUse
  /// The key does not hold the credential.
  case absent
  /// The key's own time for a touch is over; the wait may go on with a new request.
  case untouched
  /// The wait was given up from this side.
  case interrupted
  /// The answer cannot be relied on, or there is none.
  case unreliable

  static func refused(_ refusal: Refusal) -> Self { .refused(refusal.reason, refusal.sentence) }

  /// What an error code of libfido2 means (<fido/err.h>; CTAP 2.1, section 8.2, "Status codes").
  init(code: Int32, channel: KeyChannel) {
    self =
      switch code {
      case _ where channel.isCut: .interrupted
      case _ where channel.isHungUp: .gone
      case FIDO_ERR_NO_CREDENTIALS, FIDO_ERR_INVALID_CREDENTIAL: .absent
      case FIDO_ERR_USER_ACTION_TIMEOUT, FIDO_ERR_ACTION_TIMEOUT, FIDO_ERR_TIMEOUT: .untouched
      case FIDO_ERR_KEEPALIVE_CANCEL: .interrupted
      case FIDO_ERR_CHANNEL_BUSY: .inUse
      case FIDO_ERR_PIN_REQUIRED: .refused(.pinRequired)
      case FIDO_ERR_PIN_INVALID, FIDO_ERR_PIN_AUTH_INVALID: .refused(.badPin(left: nil))
      case FIDO_ERR_PIN_AUTH_BLOCKED: .refused(.pinPaused)
      case FIDO_ERR_PIN_BLOCKED: .refused(.fewTries(0))
      case FIDO_ERR_PIN_NOT_SET: .refused(.cannotVerify)
      case FIDO_ERR_UV_INVALID, FIDO_ERR_UV_BLOCKED: .refused(.notRecognised)
      case FIDO_ERR_INVALID_SIG: .refused(.badSignature)
      default: .unreliable
      }
  }
}
