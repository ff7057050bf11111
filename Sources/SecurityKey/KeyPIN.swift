import CFIDO2
import OfflineAccess

extension KeyDevice {
  /// Tries for its PIN that a key keeps for its owner: ours are not the ones that lock it.
  private static var triesLeftAlone: Int32 { 3 }
  /// Bytes of a PIN (CTAP 2.1, section 6.5.1).
  private static var longestPIN: Int { 63 }

  /// Lends the PIN to `body` as libfido2 takes it, once it may be shown to the key; nil where none is needed.
  ///
  /// What cannot be this key's PIN, such as a password that was typed at the wrong prompt, never reaches the key.
  func withPIN(
    _ pin: Secret?, for way: KeyAbilities.Way, _ body: (UnsafePointer<CChar>?) throws(KeyFault) -> Void
  ) throws(KeyFault) {
    guard way == .pin else { return try body(nil) }
    expectAnswer()
    try checkTries()
    guard let pin else { throw .refused(.pinRequired) }
    let buffer = UnsafeMutableBufferPointer<CChar>.allocate(capacity: Self.longestPIN + 1)
    defer {
      Secret.wipe(UnsafeMutableRawBufferPointer(buffer))
      buffer.deallocate()
    }
    let isPossible = pin.withBytes { bytes in
      guard bytes.count <= Self.longestPIN, !bytes.contains(0),
        let text = String(validating: bytes, as: UTF8.self), text.unicodeScalars.count >= abilities.shortestPIN
      else { return false }
      for (index, byte) in bytes.enumerated() { buffer[index] = CChar(bitPattern: byte) }
      buffer[bytes.count] = 0
      return true
    }
    guard isPossible else { throw .refused(.noPin) }
    do throws(KeyFault) { try body(UnsafePointer(buffer.baseAddress)) } catch {
      guard error == .refused(.badPin(left: nil)) else { throw error }
      expectAnswer()
      throw .refused(.badPin(left: (try? tries()).map(Int.init)))
    }
  }

  /// Refuses a key whose last tries would be at stake.
  private func checkTries() throws(KeyFault) {
    let left = try tries()
    guard left > Self.triesLeftAlone else { throw .refused(.fewTries(Int(left))) }
  }

  /// Tries for the PIN that the key still has.
  private func tries() throws(KeyFault) -> Int32 {
    var left: Int32 = 0
    try check(fido_dev_get_retry_count(handle, &left))
    return left
  }
}
