// The fuzzing program: `FUZZ_TARGET=name fuzz [libFuzzer's options and folders]`, built and run by tools/fuzz.
// libFuzzer brings its own main, which calls these two.
import Glibc

private nonisolated(unsafe) var target: FuzzTarget?

@_cdecl("LLVMFuzzerInitialize")
public func initialize(
  _ count: UnsafeMutablePointer<Int32>,
  _ arguments: UnsafeMutablePointer<UnsafeMutablePointer<UnsafeMutablePointer<CChar>?>?>
) -> Int32 {
  // By environment, because libFuzzer starts itself again with its own arguments only.
  let name = getenv("FUZZ_TARGET").map { String(cString: $0) }
  target = name.flatMap(FuzzTarget.named)
  guard target != nil else {
    // For tools/fuzz: what there is.
    print(FuzzTarget.all.map { "\($0.name) \($0.longest)" }.joined(separator: "\n"))
    exit(name == nil ? 0 : 64)
  }
  return 0
}

@_cdecl("LLVMFuzzerTestOneInput")
public func test(_ bytes: UnsafePointer<UInt8>?, _ count: Int) -> Int32 {
  target?.run([UInt8](UnsafeBufferPointer(start: bytes, count: count)))
  return 0
}
