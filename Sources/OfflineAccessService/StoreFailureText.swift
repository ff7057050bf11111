import OfflineAccess

extension StoreFailure {
  /// For the journal: what exactly is wrong.
  var cause: String {
    switch self {
    case .unsafe(let what): "the storage is not safe: \(what)"
    case .damaged(let what): "the storage is damaged: \(what)"
    case .newerVersion(let version): "the database has version \(version), which a later release wrote"
    case .keyMissing: "the sealing key is gone although the database holds records"
    case .keyMismatch: "the database was sealed by another key or on another machine, or was edited"
    case .olderCopy(let found, let reached):
      "the database is an older copy: it ends with commit \(found), and this machine has reached \(reached)"
    case .diskFull: "the disk is full"
    case .readOnly: "the storage is read-only"
    case .inputOutput(let what): "the storage cannot be used: \(what)"
    }
  }

  /// For the user: closed, with the plain cause.
  var refusal: Refusal {
    let plain =
      switch self {
      case .unsafe: "its storage is not safely protected"
      case .damaged: "its records are damaged"
      case .newerVersion: "its records come from a later version"
      case .keyMissing: "its key is missing"
      case .keyMismatch: "its records do not belong to this computer and key"
      case .olderCopy: "its records are an older copy"
      case .diskFull: "the disk is full"
      case .readOnly: "its storage is read-only"
      case .inputOutput: "its storage cannot be used"
      }
    return .unavailable(because: plain)
  }
}
