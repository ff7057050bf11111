import GLibBus
import Glibc

/// A user by whose factor polkit lets something happen.
public struct Identity: Sendable, Equatable {
  public let uid: UInt32
  /// The login name.
  public let name: String
  /// The person's name by the accounts; "" where there is none.
  public let fullName: String

  public init(uid: UInt32, name: String, fullName: String = "") {
    self.uid = uid
    self.name = name
    self.fullName = fullName
  }

  /// `Alice Miller (alice)`, or `alice`.
  public var shownName: String {
    fullName.isEmpty || fullName == name ? shown(name) : "\(shown(fullName)) (\(shown(name)))"
  }

  /// Those of polkit's `identities` that are users and exist, in polkit's order. polkit itself has put a group's
  /// members in its place.
  static func users(_ identities: [Value]) async -> [Identity] {
    let ids = identities.compactMap { identity -> UInt32? in
      guard case .structure(let parts) = identity, parts.count == 2, parts[0].text == "unix-user",
        case .dictionary(let details) = parts[1],
        case .uint32(let uid)? = details.first(where: { $0.0 == "uid" })?.1
      else { return nil }
      return uid
    }
    return await onBlockingThread { ids.compactMap(Self.init(uid:)) }
  }

  /// By the accounts of this computer, which may be slow.
  private init?(uid: UInt32) {
    var size = 1024
    while size <= 1 << 20 {
      let buffer = UnsafeMutablePointer<CChar>.allocate(capacity: size)
      defer { buffer.deallocate() }
      var entry = passwd()
      var found: UnsafeMutablePointer<passwd>?
      switch getpwuid_r(uid, &entry, buffer, size, &found) {
      case 0:
        // A name is a line of the helper's.
        guard let found, let name = found.pointee.pw_name, name.pointee != 0,
          strchr(name, Int32(UInt8(ascii: "\n"))) == nil
        else { return nil }
        // The first of GECOS's fields is the name.
        let gecos = found.pointee.pw_gecos.map { String(cString: $0) } ?? ""
        self.init(
          uid: uid, name: String(cString: name),
          fullName: String(gecos.split(separator: ",", omittingEmptySubsequences: false).first ?? ""))
        return
      case ERANGE: size *= 4
      case EINTR: continue
      default: return nil
      }
    }
    return nil
  }
}
