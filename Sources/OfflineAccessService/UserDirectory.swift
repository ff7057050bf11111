import GLibBus
import Glibc
import OfflineAccess

/// Users and their groups by the system's name services, which may be slow: on threads of their own.
enum UserDirectory {
  /// The user called `name`, by the name that the directory itself gives.
  static func user(named name: String) async throws(Refusal) -> UserIdentity? {
    try await onBlockingThread { lookUp { getpwnam_r(name, $0, $1, $2, $3) } }.get()
  }

  static func user(withID uid: UInt32) async throws(Refusal) -> UserIdentity? {
    try await onBlockingThread { lookUp { getpwuid_r(uid, $0, $1, $2, $3) } }.get()
  }

  /// Whether `user` is in one of `groups`, be it by default or by membership.
  static func isMember(_ user: UserIdentity, ofAny groups: [String]) async throws(Refusal) -> Bool {
    let result: Result<Bool, Refusal> = await onBlockingThread {
      var primary: gid_t = 0
      guard case .success(.some) = lookUp(gid: &primary, { getpwnam_r(user.name, $0, $1, $2, $3) }) else {
        return .failure(.usersUnknown)
      }
      var count: Int32 = 64
      var members = [gid_t](repeating: 0, count: Int(count))
      while getgrouplist(user.name, primary, &members, &count) < 0 {
        guard count > members.count, count <= 65_536 else { return .failure(.usersUnknown) }
        members = [gid_t](repeating: 0, count: Int(count))
      }
      let memberships = Set(members.prefix(Int(count)))
      return .success(groups.contains { name in groupID(name).map(memberships.contains) ?? false })
    }
    return try result.get()
  }

  private typealias Search = (
    UnsafeMutablePointer<passwd>, UnsafeMutablePointer<CChar>, Int, UnsafeMutablePointer<UnsafeMutablePointer<passwd>?>
  ) -> Int32

  private static func lookUp(_ search: Search) -> Result<UserIdentity?, Refusal> {
    var ignored: gid_t = 0
    return lookUp(gid: &ignored, search)
  }

  /// A lookup that fails is a refusal, never "no such user".
  private static func lookUp(gid: inout gid_t, _ search: Search) -> Result<UserIdentity?, Refusal> {
    var size = 1024
    while size <= 1 << 20 {
      let buffer = UnsafeMutablePointer<CChar>.allocate(capacity: size)
      defer { buffer.deallocate() }
      var entry = passwd()
      var found: UnsafeMutablePointer<passwd>?
      switch search(&entry, buffer, size, &found) {
      case 0:
        guard let found else { return .success(nil) }
        gid = found.pointee.pw_gid
        return .success(UserIdentity(uid: found.pointee.pw_uid, name: String(cString: found.pointee.pw_name)))
      case ERANGE: size *= 4
      case EINTR: continue
      // What glibc's manual lists as "not found" besides 0.
      case ENOENT, ESRCH, EBADF, EPERM: return .success(nil)
      default: return .failure(.usersUnknown)
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
