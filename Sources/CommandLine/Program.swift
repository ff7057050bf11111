import Glibc

/// Where the program begins.
@main
enum Program {
  static func main() {
    // Secrets and codes pass through this memory: no core dump.
    var none = rlimit(rlim_cur: 0, rlim_max: 0)
    setrlimit(__rlimit_resource_t(RLIMIT_CORE.rawValue), &none)
    OfflineAccessCommand.main()
  }
}
