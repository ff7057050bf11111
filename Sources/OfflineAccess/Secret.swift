/// Bytes that must not outlive their use: wiped when the last owner lets go.
///
/// Immutable after creation, hence safe to share between threads.
public final class Secret: Sendable {
  // The buffer is written only by init and deinit, when nobody else holds a reference.
  private nonisolated(unsafe) let storage: UnsafeMutableRawBufferPointer

  /// Makes a secret of `count` bytes that `fill` writes.
  public init<E: Error>(count: Int, fill: (UnsafeMutableRawBufferPointer) throws(E) -> Void) throws(E) {
    let buffer = UnsafeMutableRawBufferPointer.allocate(byteCount: count, alignment: 8)
    do { try fill(buffer) } catch {
      Self.wipe(buffer)
      buffer.deallocate()
      throw error
    }
    storage = buffer
  }

  /// Copies `bytes`; wiping the original stays the caller's duty.
  public convenience init(_ bytes: some Collection<UInt8>) {
    self.init(count: bytes.count) { (buffer: UnsafeMutableRawBufferPointer) in buffer.copyBytes(from: bytes) }
  }

  deinit {
    Self.wipe(storage)
    storage.deallocate()
  }

  public var count: Int { storage.count }

  /// Lends the bytes for the time of `body`.
  public func withBytes<R, E: Error>(_ body: (UnsafeRawBufferPointer) throws(E) -> R) throws(E) -> R {
    try body(UnsafeRawBufferPointer(storage))
  }

  /// Overwrites `buffer` with zeros.
  ///
  /// Neither inlined nor optimised, for a store to memory that is freed next would be removed. So it has to do with
  /// what is a plain store without an optimizer: a loop over indices would take fifty instructions a byte.
  @inline(never)
  @_optimize(none)
  public static func wipe(_ buffer: UnsafeMutableRawBufferPointer) {
    guard let start = buffer.baseAddress else { return }
    let bytes = start.assumingMemoryBound(to: UInt8.self)
    var index = 0
    while index < buffer.count {
      bytes[index] = 0
      index += 1
    }
  }
}
