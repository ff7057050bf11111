import CLinux
import Glibc

/// Gives up all that speaking to one server does not need, before anything is read; false when that fails.
public func confine() -> Bool {
  // The descriptors of the service, and whatever else was inherited, are none of ours.
  guard linux_close_from(3) == 0 else { return false }
  // Libraries take proxies, certificates, resolvers and even code to load from the environment.
  guard clearenv() == 0 else { return false }
  // A server that hangs up is an answer, too.
  signal(SIGPIPE, SIG_IGN)
  guard linux_forbid_new_privileges() == 0, dropUser() else { return false }
  // After the change of user, which may set it back (prctl(2), PR_SET_DUMPABLE).
  guard linux_forbid_dump() == 0 else { return false }
  // No file is written, also no core; what is open besides the socket are a few of libcurl's.
  let limits: [(__rlimit_resource, rlim_t)] = [
    (RLIMIT_CORE, 0), (RLIMIT_FSIZE, 0), (RLIMIT_NOFILE, 64), (RLIMIT_CPU, 30),
  ]
  for (resource, value) in limits {
    var limit = rlimit(rlim_cur: value, rlim_max: value)
    guard setrlimit(__rlimit_resource_t(resource.rawValue), &limit) == 0 else { return false }
  }
  // RLIMIT_NPROC would forbid libcurl's resolver its thread. Processes and programs are forbidden, threads are not.
  return linux_forbid_processes() == 0
}

/// Who is root becomes nobody, in no group.
private func dropUser() -> Bool {
  guard geteuid() == 0 || getuid() == 0 else { return true }
  var entry = passwd()
  var found: UnsafeMutablePointer<passwd>?
  var buffer = [CChar](repeating: 0, count: 4096)
  guard getpwnam_r("nobody", &entry, &buffer, buffer.count, &found) == 0, found != nil, entry.pw_uid != 0,
    entry.pw_gid != 0
  else { return false }
  guard setgroups(0, nil) == 0, setresgid(entry.pw_gid, entry.pw_gid, entry.pw_gid) == 0,
    setresuid(entry.pw_uid, entry.pw_uid, entry.pw_uid) == 0
  else { return false }
  // It must not be possible to come back.
  return setuid(0) != 0 && chdir("/") == 0
}
