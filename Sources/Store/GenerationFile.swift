import CLinux
import Glibc
import OfflineAccess

/// The number of the latest commit, kept outside the database: a database that is behind it is an older copy.
///
/// It is written after the commit is durable and before anybody is told, and is not waited for: a power cut can leave
/// it behind the database, which is harmless, and never ahead of it. Two slots are written in turn, each in a sector
/// of its own, so that a torn write costs one step back and not the file. A counter that cannot be turned back, in a
/// TPM, would take this file's place.
struct GenerationFile {
  static let slotSize = 512
  static let slots = 2

  private let folder: StateFolder
  private let sealer: Sealer
  private let context: [UInt8]

  /// - Parameter machineID: what the number is bound to besides the key.
  init(in folder: StateFolder, sealer: Sealer, machineID: [UInt8]) {
    (self.folder, self.sealer) = (folder, sealer)
    context = [UInt8]("generation\u{0}".utf8) + machineID
  }

  /// Makes the file anew with the number 0, durable before this returns.
  func create() throws(StoreFailure) {
    var content = try sealed(0)
    content += [UInt8](repeating: 0, count: Self.slots * Self.slotSize - content.count)
    try folder.replaceFile(folder.generation, with: Secret(content))
  }

  /// The highest number that either slot holds.
  func read() throws(StoreFailure) -> UInt64 {
    let descriptor = try open(O_RDONLY)
    defer { close(descriptor) }
    var content = [UInt8](repeating: 0, count: Self.slots * Self.slotSize)
    let count = Glibc.read(descriptor, &content, content.count)
    guard count >= 0 else { throw StateFolder.failure(errno, folder.generation) }
    var highest: UInt64?
    for slot in 0..<Self.slots {
      let box = Array(content[slot * Self.slotSize..<slot * Self.slotSize + Self.boxSize])
      let number = try sealer.open(box, context: context) { UInt64(bigEndian: $0.loadUnaligned(as: UInt64.self)) }
      highest = [highest, number].compactMap { $0 }.max()
    }
    guard let highest else { throw .damaged("\(folder.generation) does not hold what was written") }
    return highest
  }

  /// Notes that commit `number` is durable.
  func write(_ number: UInt64) throws(StoreFailure) {
    let descriptor = try open(O_WRONLY)
    defer { close(descriptor) }
    let box = try sealed(number)
    let offset = Int(number % UInt64(Self.slots)) * Self.slotSize
    guard pwrite(descriptor, box, box.count, offset) == box.count else {
      throw StateFolder.failure(errno, folder.generation)
    }
    // Starts the way to the disk without waiting for its end; where that cannot be asked for, the kernel does it later.
    _ = linux_start_writing(descriptor)
  }

  private static let boxSize = Sealer.nonceLength + MemoryLayout<UInt64>.size + Sealer.tagLength

  private func sealed(_ number: UInt64) throws(StoreFailure) -> [UInt8] {
    try sealer.seal(withUnsafeBytes(of: number.bigEndian) { Array($0) }, context: context)
  }

  private func open(_ access: Int32) throws(StoreFailure) -> Int32 {
    let descriptor = Glibc.open(folder.generation, access | O_NOFOLLOW | O_CLOEXEC | O_NONBLOCK)
    guard descriptor >= 0 else {
      if errno == ENOENT { throw .damaged("\(folder.generation) is gone although the key is there") }
      throw StateFolder.failure(errno, folder.generation)
    }
    return descriptor
  }
}
