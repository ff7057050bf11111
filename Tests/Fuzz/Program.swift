// The fuzzing program: `fuzz TARGET [libFuzzer's options and folders]`, built and run by tools/fuzz. libFuzzer
// brings its own main, which calls these two.
import Glibc

private nonisolated(unsafe) var target: FuzzTarget?

@_cdecl("LLVMFuzzerInitialize")
public func initialize(
  _ count: UnsafeMutablePointer<Int32>,
  _ arguments: UnsafeMutablePointer<UnsafeMutablePointer<UnsafeMutablePointer<CChar>?>?>
) -> Int32 {
  let name = CommandLine.arguments.dropFirst().first ?? ""
  target = FuzzTarget.named(name)
  guard target != nil else {
    // For tools/fuzz: what there is.
    print(FuzzTarget.all.map { "\($0.name) \($0.longest)" }.joined(separator: "\n"))
    exit(name.isEmpty ? 0 : 64)
  }
  // libFuzzer gets its own arguments only, and starts itself by the first one.
  arguments.pointee?[1] = arguments.pointee?[0]
  arguments.pointee? += 1
  count.pointee -= 1
  return 0
}

@_cdecl("LLVMFuzzerTestOneInput")
public func test(_ bytes: UnsafePointer<UInt8>?, _ count: Int) -> Int32 {
  target?.run([UInt8](UnsafeBufferPointer(start: bytes, count: count)))
  return 0
}
