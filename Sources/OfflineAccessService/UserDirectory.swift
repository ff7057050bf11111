import GLibBus
import Glibc
import OfflineAccess

/// Users and their groups by the system's name services, which may be slow: on threads of their own.
///
/// Anybody may ask for anybody by name before it is known whether they may. So root, as whom logins call, has threads
/// that nobody else's questions keep busy.
enum UserDirectory {
  /// An entry of the directory.
  struct Account: Sendable {
    let identity: UserIdentity
    /// The group of the entry itself; memberships come on top.
    fileprivate let group: gid_t
  }

  /// The account behind `name`: the directory's own entry for the user id that the name has.
  ///
  /// Several names may share a user id. The kernel and the bus know one user there, so there is one factor
  /// and one allowance, under the name that the directory gives for the id.
  static func account(named name: String, for caller: UInt32) async throws(Refusal) -> Account? {
    try await onBlockingThread(isPrivileged: caller == 0) { () -> Result<Account?, Refusal> in
      switch lookUp({ getpwnam_r(name, $0, $1, $2, $3) }) {
      case .success(let found?):
        // An id that has a name and no entry is a directory that cannot be relied on.
        account(withID: found.identity.uid).flatMap { $0.map { .success($0) } ?? .failure(.usersUnknown) }
      case let other: other
      }
    }.get()
  }

  static func account(withID uid: UInt32, for caller: UInt32) async throws(Refusal) -> Account? {
    try await onBlockingThread(isPrivileged: caller == 0) { account(withID: uid) }.get()
  }

  /// Whether `account` is in one of `groups`, be it by default or by membership.
  static func isMember(
    _ account: Account, ofAny groups: [String], for caller: UInt32
  ) async throws(Refusal) -> Bool {
    let result: Result<Bool, Refusal> = await onBlockingThread(isPrivileged: caller == 0) {
      var count: Int32 = 64
      var members = [gid_t](repeating: 0, count: Int(count))
      while getgrouplist(account.identity.name, account.group, &members, &count) < 0 {
        guard count > members.count, count <= 65_536 else { return .failure(.usersUnknown) }
        members = [gid_t](repeating: 0, count: Int(count))
      }
      let memberships = Set(members.prefix(Int(count)))
      return .success(groups.contains { name in groupID(name).map(memberships.contains) ?? false })
    }
    return try result.get()
  }

  private static func account(withID uid: UInt32) -> Result<Account?, Refusal> {
    switch lookUp({ getpwuid_r(uid, $0, $1, $2, $3) }) {
    case .success(let found?) where found.identity.uid != uid: .failure(.usersUnknown)
    case let other: other
    }
  }

  private typealias Search = (
    UnsafeMutablePointer<passwd>, UnsafeMutablePointer<CChar>, Int, UnsafeMutablePointer<UnsafeMutablePointer<passwd>?>
  ) -> Int32

  /// A lookup that fails is a refusal, never "no such user".
  private static func lookUp(_ search: Search) -> Result<Account?, Refusal> {
    var size = 1024
    while size <= 1 << 20 {
      let buffer = UnsafeMutablePointer<CChar>.allocate(capacity: size)
      defer { buffer.deallocate() }
      var entry = passwd()
      var found: UnsafeMutablePointer<passwd>?
      switch search(&entry, buffer, size, &found) {
      case 0:
        guard let found else { return .success(nil) }
        let identity = UserIdentity(uid: found.pointee.pw_uid, name: String(cString: found.pointee.pw_name))
        return .success(Account(identity: identity, group: found.pointee.pw_gid))
      case ERANGE: size *= 4
      case EINTR: continue
      // What glibc's manual lists as "not found" besides 0.
      case ENOENT, ESRCH, EBADF, EPERM: return .success(nil)
      case let code:
        Journal.fault("the users of this computer cannot be looked up: \(String(cString: strerror(code)))")
        return .failure(.usersUnknown)
      }
    }
    return .failure(.usersUnknown)
  }

  private static func groupID(_ name: String) -> gid_t? {
    var size = 1024
    while size <= 1 << 20 {
      let buffer = UnsafeMutablePointer<CChar>.allocate(capacity: size)
      defer { buffer.deallocate() }
      var entry = group()
      var found: UnsafeMutablePointer<group>?
      switch getgrnam_r(name, &entry, buffer, size, &found) {
      case 0: return found?.pointee.gr_gid
      case ERANGE: size *= 4
      default: return nil
      }
    }
    return nil
  }
}
