import Glibc

/// A step at which a test cuts the service off, or a duty that a test makes it neglect.
///
/// Debug builds only: of this a release build has nothing, and a test looks that it has not. The test writes the
/// name of one into the file that the environment variable `OFFLINE_ACCESS_FAULT` names.
public enum FaultPoint: String, Sendable {
  // Steps of a call, in their order.
  /// The call has arrived; nobody has looked at it.
  case received
  /// The database is open, the transaction not begun.
  case beforeTransaction
  /// Inside the transaction, the domain has decided; nothing is written.
  case decided
  /// All is written and nothing committed.
  case beforeCommit
  /// Committed; those who wait have not been told.
  case committed
  /// The commit's number is noted outside the database.
  case numbered
  /// The journal has it; the reply has not left.
  case answering
  /// The reply has left.
  case replied

  // Duties.
  /// Commits do not wait for the disk.
  case unsynchronised
  /// No decision about a user is written.
  case forgetful
  /// Calls that share a commit, as those of 20 ms do here, do not see each other.
  case shortSighted

  /// The steps: to reach one is death.
  public static let steps: [Self] = [
    .received, .beforeTransaction, .decided, .beforeCommit, .committed, .numbered, .answering, .replied,
  ]

  #if DEBUG
    /// Kills this process where a test chose this step. The choice is spent with it: the next process lives.
    public func reached() {
      guard let file = Self.file, isChosen else { return }
      unlink(file)
      kill(getpid(), SIGKILL)
    }

    /// Whether a test chose this.
    public var isChosen: Bool {
      guard let path = Self.file else { return false }
      let descriptor = open(path, O_RDONLY | O_CLOEXEC)
      guard descriptor >= 0 else { return false }
      defer { close(descriptor) }
      var buffer = [UInt8](repeating: 0, count: 64)
      let count = read(descriptor, &buffer, buffer.count)
      return String(decoding: buffer.prefix(max(0, count)), as: UTF8.self) == rawValue
    }

    private static var file: UnsafeMutablePointer<CChar>? { getenv("OFFLINE_ACCESS_FAULT") }
  #else
    @inlinable public func reached() {}
    @inlinable public var isChosen: Bool { false }
  #endif
}
