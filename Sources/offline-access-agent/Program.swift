import CLinux
import GLibBus
import Glibc
import OfflineAccess
import PolkitAgent

/// Where the agent begins.
@main
enum Program {
  /// Another agent answers already; a manager of processes need not try again.
  static let otherAgent: Int32 = 2

  static func main() {
    // Passwords and codes pass through this memory: no core dump, no look from outside.
    var none = rlimit(rlim_cur: 0, rlim_max: 0)
    setrlimit(__rlimit_resource_t(RLIMIT_CORE.rawValue), &none)
    _ = linux_forbid_dump()
    signal(SIGPIPE, SIG_IGN)

    let arguments = CommandLine.arguments.dropFirst()
    switch Array(arguments) {
    case ["--help"], ["-h"]: leave(EXIT_SUCCESS, Options.usage, STDOUT_FILENO)
    case ["--version"]: leave(EXIT_SUCCESS, "offline-access-agent \(Product.version)\n", STDOUT_FILENO)
    default: break
    }
    do throws(Options.Failure) { try run(Options(arguments)) } catch {
      switch error {
      case .usage: leave(EX_USAGE, Options.usage)
      case .noProcess(let process): leave(EXIT_FAILURE, "offline-access-agent: there is no process \(process)\n")
      }
    }
  }

  private static func run(_ options: Options) -> Never {
    onBus { await AgentProcess.start(options) }
    exit(MainLoop.run())
  }

  static func leave(_ status: Int32, _ text: String, _ output: Int32 = STDERR_FILENO) -> Never {
    write(output, text, text.utf8.count)
    exit(status)
  }
}
