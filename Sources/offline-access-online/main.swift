import Glibc
import Online

// The service, or systemd, starts it with a connected socket as its standard input. It takes no arguments.
guard CommandLine.arguments.count == 1 else {
  let usage = "offline-access-online takes no arguments; offline-accessd(8) starts it.\n"
  write(STDERR_FILENO, usage, usage.utf8.count)
  exit(EX_USAGE)
}
guard confine() else { exit(EX_OSERR) }
var session = Session(socket: STDIN_FILENO)
exit(session.run() ? EXIT_SUCCESS : EX_PROTOCOL)
