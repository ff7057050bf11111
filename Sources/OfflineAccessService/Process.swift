import AuthorityProcess
import BusInterface
import Configuration
import GLibBus
import Glibc
import OfflineAccess
import ProgramPages
import SecurityKey
import Store

/// The life of the service's process: start, idle end, clean end.
@BusActor
final class ServiceProcess {
  private let bus: SystemBus
  private let service: FactorService
  private var idleTimer: UInt32?
  /// Runs while there may be something to let go of.
  private var restTimer: UInt32?
  private var hasAnswered = false
  private var leaving = false
  private var hasEnded = false

  private init(bus: SystemBus, service: FactorService) {
    self.bus = bus
    self.service = service
  }

  private(set) static var running: ServiceProcess?

  /// Exports the objects and takes the name.
  static func start(store: SQLiteStore, keys: KeyRing) async throws(BusError) {
    let bus = SystemBus()
    let configuration = ConfigurationWatch(ConfigurationFiles())
    let service = FactorService(
      callers: Callers(bus), polkit: Polkit(bus), configuration: configuration, store: store,
      keys: keys, authority: OnlineAuthority())
    let process = ServiceProcess(bus: bus, service: service)
    let interfaces = try Interfaces(xml: contractXML)
    try bus.export(
      BusName.objectPath, BusName.interface, of: interfaces,
      properties: [
        FactorProperty.version.rawValue: .string(Product.version),
        FactorProperty.methods.rawValue: .strings(service.methods.map(\.rawValue)),
        FactorProperty.authority.rawValue: .string(service.authority.rawValue),
      ],
      handler: { call in await process.carry(call, service.answerFactor) })
    try bus.exportChildren(
      of: BusName.activationParent, BusName.activationInterface, of: interfaces,
      handler: { call in await process.carry(call, service.answerActivation) })
    running = process
    // Before the bus, which a flood may have made slow.
    do throws(BusError) { try bus.serveRoot(at: BusName.rootSocket) } catch {
      Journal.fault("root is served on the bus only: \(error)")
    }
    try await bus.connect(lost: {
      Journal.fault("the bus went away")
      MainLoop.quit(EXIT_FAILURE)
    })
    guard try await bus.requestName(BusName.service) else {
      throw BusError("another process has the name \(BusName.service)")
    }
    Journal.note(.service, "version \(Product.version) answers")
    process.rearm()
  }

  private func carry(_ call: MethodCall, _ answer: MethodHandler) async -> Result<[Value], Refusal> {
    // It came by root's socket when the last answers were on their way. Begun now it could cost something and not
    // be answered; left alone it is asked again of the next process.
    if hasEnded { await withUnsafeContinuation { (_: UnsafeContinuation<Void, Never>) in } }
    FaultPoint.received.reached()
    let result = await answer(call)
    if !leaving { rearm() }
    FaultPoint.answering.reached()
    // The reply is sent after this returns, and before the bus actor's next job.
    if FaultPoint.replied.isChosen {
      onBus { [bus] in
        bus.flush()
        FaultPoint.replied.reached()
      }
    }
    return result
  }

  /// Milliseconds without a call after which the process is at rest.
  private static let rest: UInt32 = 2000

  /// Gives back what of code and constants is in memory, once no call has come for a while: most of it was for the
  /// start or for a first call alone.
  private func rest() {
    restTimer = nil
    if hasAnswered { return awaitRest() }
    let_go_of_program_pages()
  }

  private func awaitRest() {
    hasAnswered = restTimer != nil
    if restTimer == nil { restTimer = startTimer(after: Self.rest) { [self] in rest() } }
  }

  private func rearm() {
    awaitRest()
    if let idleTimer { cancelTimer(idleTimer) }
    let seconds = service.configuration.idleExit
    idleTimer = seconds == 0 ? nil : startTimer(after: UInt32(seconds) * 1000) { [self] in idleTimeOver() }
  }

  private func idleTimeOver() {
    idleTimer = nil
    if leaving { return }
    if !bus.isIdle || service.holdsState { return rearm() }
    leave()
  }

  /// Gives the name back, so that the next call starts a new process, then finishes what is here.
  func leave() {
    if leaving { return }
    leaving = true
    if let idleTimer { cancelTimer(idleTimer) }
    idleTimer = nil
    bus.stopServingRoot()
    // What waits for a person is given up: it would hold a shutdown up.
    service.touches.giveUpAll()
    service.online.endAll()
    do throws(BusError) { try bus.releaseName(BusName.service) } catch { return end() }
    leaveIfDone()
    // So is what waits for polkit, and its person.
    _ = startTimer(after: 3000) { [self] in end() }
  }

  /// Ends once all is answered that came before the name went: the gate has counted it as it arrived.
  private func leaveIfDone() {
    guard bus.gate.isEmpty else {
      _ = startTimer(after: 5) { [self] in leaveIfDone() }
      return
    }
    bus.flush()
    end()
  }

  private func end() {
    hasEnded = true
    service.dropSetUps()
    Journal.note(.service, "ends")
    MainLoop.quit(EXIT_SUCCESS)
  }
}

extension FactorService {
  /// Kinds of factor that can be set up, as the configuration at the start says.
  var methods: [FactorMethod] { startPolicy.methods }
  var authority: AuthorityKind { startPolicy.authority.kind }
  private var startPolicy: Policy {
    do throws(Refusal) { return try configuration.policy() } catch { return Policy() }
  }
}
