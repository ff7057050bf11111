import Glibc
import OfflineAccess

/// A file with a secret in it: made new, for its owner alone, and removed again by the same folder
/// and the same inode, so that nobody can slip another file into its place.
struct SecretFile: ~Copyable {
  enum Failure: Error, Equatable {
    case exists
    case notAFileName
    case system(Int32)
  }

  private let folder: Int32
  private let name: String
  private let device: dev_t
  private let inode: ino_t

  /// Makes the file at `path` with `contents`; an existing file or link is left alone and refused.
  init(path: String, contents: Secret) throws(Failure) {
    let (folderPath, name) = Self.split(path)
    guard !name.isEmpty, name != ".", name != ".." else { throw .notAFileName }
    let folder = open(folderPath, O_DIRECTORY | O_CLOEXEC)
    guard folder >= 0 else { throw .system(errno) }
    let file = openat(folder, name, O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0o600)
    guard file >= 0 else {
      let code = errno
      close(folder)
      throw code == EEXIST || code == ELOOP ? .exists : .system(code)
    }
    var information = stat()
    var code = fstat(file, &information) == 0 ? 0 : errno
    if code == 0 { code = contents.withBytes { writeAll($0, to: file) } }
    if close(file) != 0, code == 0 { code = errno }
    guard code == 0 else {
      unlinkat(folder, name, 0)
      close(folder)
      throw .system(code)
    }
    self.folder = folder
    self.name = name
    device = information.st_dev
    inode = information.st_ino
  }

  deinit { close(folder) }

  /// Removes the file, if it still is the one that was made.
  ///
  /// - Returns: Whether the file is gone.
  borrowing func remove() -> Bool {
    var information = stat()
    guard fstatat(folder, name, &information, AT_SYMLINK_NOFOLLOW) == 0 else { return errno == ENOENT }
    guard information.st_dev == device, information.st_ino == inode else { return false }
    return unlinkat(folder, name, 0) == 0
  }

  private static func split(_ path: String) -> (folder: String, name: String) {
    guard let slash = path.lastIndex(of: "/") else { return (".", path) }
    let folder = path[..<slash]
    return (folder.isEmpty ? "/" : String(folder), String(path[path.index(after: slash)...]))
  }
}
