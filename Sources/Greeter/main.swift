import CGTK
import Glibc
import OfflineAccess

// LightDM starts it without arguments.
switch CommandLine.arguments.dropFirst() {
case []: run()
case ["--version"]:
  print("offline-access-greeter \(Product.version)")
default:
  complain("offline-access-greeter takes no arguments; LightDM starts it. See offline-access-greeter(8).")
  exit(EX_USAGE)
}

@MainActor
func run() -> Never {
  // What this program shows are names, prompts and secrets of set-ups: nothing for a dump of its memory.
  var nothing = rlimit(rlim_cur: 0, rlim_max: 0)
  setrlimit(__rlimit_resource_t(RLIMIT_CORE.rawValue), &nothing)
  guard gtk_init_check(nil, nil) != 0 else {
    complain("offline-access-greeter: there is no display")
    exit(EXIT_FAILURE)
  }
  do throws(DaemonFailure) {
    let greeter = try Greeter()
    greeter.show()
    gtk_main()
    exit(withExtendedLifetime(greeter) { EXIT_SUCCESS })
  } catch {
    complain(
      "offline-access-greeter: LightDM cannot be reached (\(error.words)); it is LightDM that starts this program")
    exit(EXIT_FAILURE)
  }
}

func complain(_ words: String) {
  let line = words + "\n"
  _ = line.withCString { write(STDERR_FILENO, $0, strlen($0)) }
}
