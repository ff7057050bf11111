import CLinux
import GLibBus
import Glibc
import OfflineAccess
import Store

/// Runs the service until it has been idle or is told to end.
///
/// - Returns: the process's exit status.
public func runService() -> Int32 {
  // Secrets live in this memory: no core dump, no look from outside, no copy in swap space.
  var none = rlimit(rlim_cur: 0, rlim_max: 0)
  setrlimit(__rlimit_resource_t(RLIMIT_CORE.rawValue), &none)
  _ = linux_forbid_dump()
  lockMemory()
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
    do throws(BusError) { try await ServiceProcess.start(store: store) } catch {
      Journal.fault("the service cannot start: \(error)")
      MainLoop.quit(EXIT_FAILURE)
    }
  }
  let status = MainLoop.run()
  store.close()
  return status
}

/// Keeps all memory of this process out of swap space, as far as it is used: secrets also pass through stacks,
/// strings and the buffers of libraries.
///
/// Where the system does not allow it (a container without CAP_IPC_LOCK and with a limit), the service goes on and
/// says so: nobody gets in by that, and a refusal would shut everybody out.
private func lockMemory() {
  let locked = mlockall(MCL_CURRENT | MCL_FUTURE | Int32(MCL_ONFAULT)) == 0
  // A limit that is near would fail allocations later. It counts addresses, most of which are never used.
  if locked, canMap(1 << 30) { return }
  let cause = String(cString: strerror(errno))
  munlockall()
  Journal.fault("the memory cannot be locked (\(cause)): secrets may reach swap space")
}

private func canMap(_ length: Int) -> Bool {
  let place = mmap(nil, length, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0)
  guard place != MAP_FAILED else { return false }
  munmap(place, length)
  return true
}
