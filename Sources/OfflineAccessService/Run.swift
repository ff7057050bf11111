import CLinux
import GLibBus
import Glibc
import OfflineAccess
import ProgramPages
import SecurityKey
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
  boundMemory()
  umask(0o077)
  signal(SIGPIPE, SIG_IGN)
  // Whoever started it may have had signals blocked; a service that does not hear SIGTERM gets killed.
  var noSignals = sigset_t()
  sigemptyset(&noSignals)
  sigprocmask(SIG_SETMASK, &noSignals, nil)

  let folder = StateFolder(path: "/var/lib/offline-access", machineIDFile: "/etc/machine-id")
  let store = SQLiteStore(folder: folder) { Journal.fault($0.cause) }
  let keys = KeyRing(party: { folder.machineID().map(RelyingParty.init) })
  // Before the name is taken: a signal that comes early must find its handler.
  MainLoop.onTermination { ServiceProcess.running?.leave() ?? MainLoop.quit(EXIT_SUCCESS) }
  onBus {
    do throws(BusError) { try await ServiceProcess.start(store: store, keys: keys) } catch {
      Journal.fault("the service cannot start: \(error)")
      MainLoop.quit(EXIT_FAILURE)
    }
  }
  let status = MainLoop.run()
  keys.close()
  store.close()
  return status
}

/// Keeps all memory that this process can write to out of swap space, as far as it is used: secrets also pass through
/// stacks, strings and the buffers of libraries. Code and constants stay the system's to take back.
///
/// Where the system does not allow it (a container without CAP_IPC_LOCK and with a limit), the service goes on and
/// says so: nobody gets in by that, and a refusal would shut everybody out.
private func lockMemory() {
  let locked = lock_writable_pages() == 0
  // A limit that is near would fail allocations later. It counts addresses, most of which are never used.
  if locked, canMap(1 << 30) { return }
  // As the limit is told where it is reached at once.
  let cause = String(cString: strerror(locked ? ENOMEM : errno))
  munlockall()
  Journal.fault("the memory cannot be locked (\(cause)): secrets may reach swap space")
}

/// Bounds the memory of this process to many times what it needs.
///
/// libcbor takes as much as the head of a message announces before it reads the rest, and what it gives back is wiped:
/// a hostile security key could make that gigabytes. Refused, it is an error like any other answer of nonsense.
private func boundMemory() {
  let most: rlim_t = 512 << 20
  // Its use so far, in pages (proc(5), statm: data and stack). More than this has a build for a sanitizer only.
  guard let file = fopen("/proc/self/statm", "re") else { return }
  defer { fclose(file) }
  var line = [CChar](repeating: 0, count: 256)
  guard fgets(&line, Int32(line.count), file) != nil else { return }
  let fields = line.withUnsafeBufferPointer { $0.baseAddress.map { String(cString: $0) } ?? "" }.split(separator: " ")
  guard fields.count > 5, let pages = rlim_t(fields[5]), pages * rlim_t(sysconf(Int32(_SC_PAGESIZE))) < most / 2 else {
    return
  }
  var limit = rlimit(rlim_cur: most, rlim_max: most)
  setrlimit(__rlimit_resource_t(RLIMIT_DATA.rawValue), &limit)
}

private func canMap(_ length: Int) -> Bool {
  let place = mmap(nil, length, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0)
  guard place != MAP_FAILED else { return false }
  munmap(place, length)
  return true
}
