import CLinux
import GLibBus
import Glibc
import OfflineAccess
import Store

/// Runs the service until it has been idle or is told to end.
///
/// - Returns: the process's exit status.
public func runService() -> Int32 {
  // Secrets live in this memory: no core dump, no look from outside.
  var none = rlimit(rlim_cur: 0, rlim_max: 0)
  setrlimit(__rlimit_resource_t(RLIMIT_CORE.rawValue), &none)
  _ = linux_forbid_dump()
  umask(0o077)
  signal(SIGPIPE, SIG_IGN)
  // Whoever started it may have had signals blocked; a service that does not hear SIGTERM gets killed.
  var noSignals = sigset_t()
  sigemptyset(&noSignals)
  sigprocmask(SIG_SETMASK, &noSignals, nil)

  let store = SQLiteStore(folder: StateFolder(path: "/var/lib/offline-access", machineIDFile: "/etc/machine-id")) {
    Journal.fault($0.cause)
  }
  // Before the name is taken: a signal that comes early must find its handler.
  MainLoop.onTermination { ServiceProcess.running?.leave() ?? MainLoop.quit(EXIT_SUCCESS) }
  onBus {
    do throws(BusError) { try ServiceProcess.start(store: store) } catch {
      Journal.fault("the service cannot start: \(error)")
      MainLoop.quit(EXIT_FAILURE)
    }
  }
  let status = MainLoop.run()
  store.close()
  return status
}
