import Configuration
import Glibc
import OfflineAccess
import OnlineWire

/// What a harmless call to the configured authority found. It proves nothing about a user.
public struct AuthorityProbe: Equatable, Sendable {
  public enum Finding: Equatable, Sendable {
    case reachable
    case unreachable
    case misconfigured
  }

  public let finding: Finding
  /// One word, such as `timeout`.
  public let reason: String
  public let detail: String
  /// It may be an attack.
  public let isAlarm: Bool
  /// Seconds that the authority's clock is ahead of this machine's, where it told.
  public let clockOffset: Int64?

  /// Makes the call, which takes as long as the policy's timeout at most, and a second. For root, who can read the
  /// secrets.
  public init(_ policy: AuthorityPolicy) {
    let settings: AuthoritySettings
    do throws(ConfigurationError) { settings = try AuthoritySettings(policy) } catch {
      self.init(.misconfigured, .badSetting, "\(error)")
      return
    }
    let process: OnlineProcess
    do throws(OnlineProcessFailure) { process = try .start() } catch {
      self.init(error.isPassing ? .unreachable : .misconfigured, .ended, error.detail)
      return
    }
    defer { process.end() }
    let id = RequestID.random()
    let time = Int64(policy.timeout) * 1000
    guard OnlineRequest.probe(id, settings, deadline: time).send(to: process.socket, patience: 1000),
      let probe = Self.reply(to: id, on: process.socket, within: time + 1000)
    else {
      self.init(.unreachable, .ended, "The process for the online service did not answer.")
      return
    }
    let finding: Finding =
      switch probe.value {
      case .ok: .reachable
      case .unreachable: .unreachable
      case .misconfigured: .misconfigured
      }
    self.init(finding, probe.reason, probe.detail, isAlarm: probe.alarm, clockOffset: probe.clockOffset)
  }

  private init(
    _ finding: Finding, _ reason: OnlineReason, _ detail: String, isAlarm: Bool = false, clockOffset: Int64? = nil
  ) {
    (self.finding, self.reason, self.detail) = (finding, reason.rawValue, detail)
    (self.isAlarm, self.clockOffset) = (isAlarm, clockOffset)
  }

  private static func reply(to id: RequestID, on socket: Int32, within time: Int64) -> OnlineProbe? {
    var reader = FrameReader(longest: Frame.longestReply)
    var buffer = [UInt8](repeating: 0, count: 4096)
    let end = monotonicMilliseconds() + time
    while true {
      let left = end - monotonicMilliseconds()
      var ready = pollfd(fd: socket, events: Int16(POLLIN), revents: 0)
      guard left > 0, poll(&ready, 1, Int32(clamping: left)) > 0 else { return nil }
      let count = read(socket, &buffer, buffer.count)
      guard count > 0 else { return nil }
      reader.feed(buffer.prefix(count))
      guard let frame = try? reader.next() else { continue }
      guard case .probed(let probe)? = try? OnlineReply(frame, to: id) else { return nil }
      return probe
    }
  }
}
