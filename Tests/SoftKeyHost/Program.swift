import Glibc
import Synchronization

/// Soft keys that other processes see as devices: those that run with libumockdev-preload.so.0 preloaded and the
/// printed UMOCKDEV_DIR in their environment, as by umockdev-wrapper.
///
/// They have to end before this program: the preloaded library ends a process whose calls nobody answers. It also ends
/// one that has failed to open anything of /dev some 50 times; SoftKeyPreload.swift of the integration tests mends that.
/// When a key is unplugged, who polls sees POLLHUP and POLLERR, reads fail with EIO, writes and ioctls with ENODEV, and
/// the node is gone, as with the kernel.
///
/// One command a line comes in, one answer a line goes out, "ok ..." or "error ...". The commands:
///
///     plug NAME [vendor=1050] [product=0407] [name=Soft_Key] [manufacturer=Soft] [aaguid=...]
///               [kind=fido2|u2f|both|otp] [attestation=batch|own|none] [pin=1234] [minimum-pin=4]
///               [counts=yes|no] [uv=no|yes] [always-uv=no|yes]     answers the node
///     unplug NAME           a key that is plugged in again, by its name alone, is the same
///     touch NAME            lost if it does not blink
///     set NAME touch=at-once|never|by-command|MILLISECONDS
///     fault NAME FAULT|none [everything]     also where no credential and no signature is asked for
///     counter NAME NUMBER   what the last signature is to have carried
///     status NAME           answers blinking=yes|no tries=8 counter=5 requests=12 touches=3
///     wait NAME blinking|dark
///     root PATH             writes the root certificate of the attestations, PEM
@main
struct Program {
  static func main() {
    umask(0o022)
    _ = mainThread
    endBySignal(SIGTERM)
    endBySignal(SIGINT)
    let host = Host()
    say("UMOCKDEV_DIR=\(host.testbed.folder)")
    while let line = nextLine() {
      do throws(CommandFailure) {
        let answer = try host.obey(line)
        say(answer.isEmpty ? "ok" : "ok \(answer)")
      } catch {
        say("error \(error.text)")
      }
    }
    host.testbed.end()
  }

  private static let mainThread = pthread_self()
  private static let isEnding = Atomic(false)
  private nonisolated(unsafe) static var unread: [UInt8] = []

  /// Nil at the end of the input, and when a signal came. readLine() would wait on after a signal.
  private static func nextLine() -> String? {
    while true {
      if let end = unread.firstIndex(of: UInt8(ascii: "\n")) {
        defer { unread.removeSubrange(...end) }
        return String(decoding: unread[..<end], as: UTF8.self)
      }
      if isEnding.load(ordering: .relaxed) { return nil }
      var buffer = [UInt8](repeating: 0, count: 4096)
      let count = read(STDIN_FILENO, &buffer, buffer.count)
      guard count > 0 else { return nil }
      unread += buffer[..<count]
    }
  }

  /// Lets a signal end the reading of commands, so that the folder is removed.
  private static func endBySignal(_ signal: Int32) {
    var action = sigaction()
    action.__sigaction_handler.sa_handler = { signal in
      Program.isEnding.store(true, ordering: .relaxed)
      // It is the main thread's read that has to be interrupted.
      if pthread_equal(pthread_self(), Program.mainThread) == 0 { pthread_kill(Program.mainThread, signal) }
    }
    sigaction(signal, &action, nil)
  }

  /// A whole line at once, also into a pipe.
  private static func say(_ line: String) {
    let bytes = Array("\(line)\n".utf8)
    write(STDOUT_FILENO, bytes, bytes.count)
  }
}
