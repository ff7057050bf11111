import Foundation
import OfflineAccess
import Testing

@Suite("Secrets")
struct SecretTests {
  private struct Stop: Error {}

  /// Reads this process's memory without touching what may be gone.
  ///
  /// All that it needs is there before: an allocation meanwhile could take the very place looked at.
  private struct MemoryReader: ~Copyable {
    private let descriptor: Int32
    private let buffer = UnsafeMutableRawBufferPointer.allocate(byteCount: SecretTests.pattern.count, alignment: 8)

    init() throws {
      descriptor = open("/proc/self/mem", O_RDONLY | O_CLOEXEC)
      try #require(descriptor >= 0)
    }

    deinit {
      close(descriptor)
      buffer.deallocate()
    }

    /// How many bytes of the pattern stand at `address` still; a few agree by chance.
    func left(at address: UInt) -> Int {
      let count = pread(descriptor, buffer.baseAddress, buffer.count, off_t(address))
      var left = 0
      for index in 0..<max(0, count) where buffer[index] == SecretTests.pattern[index] { left += 1 }
      return left
    }
  }

  private static let pattern = (0..<4096).map { UInt8(truncatingIfNeeded: $0 &* 167 &+ 13) }

  @Test("A secret lends what it was given")
  func lends() {
    let secret = Secret(Self.pattern)
    #expect(secret.count == 4096)
    #expect(secret.withBytes { Array($0) } == Self.pattern)
    #expect(Secret([UInt8]()).count == 0)
  }

  @Test("Its bytes are gone from the memory with its last owner")
  func wipedAtTheEnd() throws {
    var secret: Secret? = Secret(Self.pattern)
    var other = secret
    let address = try #require(secret?.withBytes { UInt(bitPattern: $0.baseAddress) })
    let reader = try MemoryReader()
    secret = nil
    let shared = reader.left(at: address)
    #expect(other != nil)
    other = nil
    let after = reader.left(at: address)
    #expect(shared == Self.pattern.count)
    #expect(after < 100)
  }

  @Test("What was filled in halfway is gone when the filling fails")
  func wipedAfterFailure() throws {
    let reader = try MemoryReader()
    var address: UInt = 0
    var during = 0
    var after = 0
    do throws(Stop) {
      _ = try Secret(count: Self.pattern.count) { (buffer) throws(Stop) in
        buffer.copyBytes(from: Self.pattern)
        address = UInt(bitPattern: buffer.baseAddress)
        during = reader.left(at: address)
        throw Stop()
      }
      Issue.record("filled")
    } catch {
      after = reader.left(at: address)
    }
    #expect(during == Self.pattern.count)
    #expect(after < 100)
  }

  @Test("Wiping leaves zeros and touches nothing beside", arguments: [0, 1, 7, 8, 9, 64])
  func wipe(_ count: Int) {
    let buffer = UnsafeMutableRawBufferPointer.allocate(byteCount: count + 2, alignment: 1)
    defer { buffer.deallocate() }
    buffer.initializeMemory(as: UInt8.self, repeating: 0xA5)
    Secret.wipe(UnsafeMutableRawBufferPointer(rebasing: buffer[1..<count + 1]))
    #expect(Array(buffer) == [0xA5] + [UInt8](repeating: 0, count: count) + [0xA5])
  }
}
