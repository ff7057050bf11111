import Glibc
import OfflineAccess
import OfflineAccessService

// The bus starts it without arguments; it takes none but this one.
switch CommandLine.arguments.dropFirst() {
case []: exit(runService())
case ["--version"]:
  print("offline-accessd \(Product.version)")
  exit(EXIT_SUCCESS)
default:
  let usage = "offline-accessd takes no arguments; the system bus starts it. See offline-accessd(8).\n"
  write(STDERR_FILENO, usage, usage.utf8.count)
  exit(EX_USAGE)
}
