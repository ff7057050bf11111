import OfflineAccess

/// What the ring's thread knows: who waits, which keys are plugged in, and what each of them does.
struct KeyRingState {
  /// A plugged-in key with its thread.
  private struct Station {
    let worker: KeyWorker
    /// The session that it works for now.
    var session: UInt64?
    /// When it was asked to stop, by the ring's clock.
    var cancelled: Int64?
    /// Whether it waits for a touch.
    var isBlinking = false
  }

  /// Milliseconds that a key may take to obey a cancellation.
  private static let obedience: Int64 = 500
  /// Milliseconds until a key that another program uses is asked again.
  private static let otherProgram: Int64 = 250
  /// Unusable answers of a key after which it is not asked again.
  private static let mostFaults = 3

  private let ports: any KeyPorts
  private let clock: @Sendable () -> Int64
  private let post: @Sendable (KeyRing.Event) -> Void
  /// Those who wait, in the order in which they are served.
  private var sessions: [KeySession] = []
  private var stations: [UInt64: Station] = [:]
  private var lastStation: UInt64 = 0
  private var fingerprint: [String]?
  /// When the keys were looked at for long enough after a change.
  private var settled: Int64 = 0
  /// Milliseconds for which they are looked at again after a change.
  private static let settling: Int64 = 2000

  init(ports: some KeyPorts, clock: @escaping @Sendable () -> Int64, post: @escaping @Sendable (KeyRing.Event) -> Void)
  {
    self.ports = ports
    self.clock = clock
    self.post = post
  }

  var isWaitedFor: Bool { !sessions.isEmpty }

  // MARK: Events

  mutating func take(_ event: KeyRing.Event) {
    switch event {
    case .look: break
    case .begin(let number, let errand, let request, let ticket, let finish):
      let session = KeySession(
        number: number, errand: errand, request: request, ticket: ticket,
        deadline: clock() + request.wait, finish: finish)
      // Prompts of root first, as at a login; among equals who came first.
      let place = sessions.firstIndex { $0.request.yields && !request.yields } ?? sessions.endIndex
      sessions.insert(session, at: place)
    case .report(let number, let task, let report):
      guard var station = stations[number], station.session == task.session else { return }
      station.session = nil
      station.cancelled = nil
      station.isBlinking = false
      stations[number] = station
      if let index = sessions.firstIndex(where: { $0.number == task.session }) { hear(report, of: number, at: index) }
    }
  }

  /// What a key said to the session at `index`.
  private mutating func hear(_ report: KeyReport, of number: UInt64, at index: Int) {
    switch report {
    case .ready(let abilities):
      let refusal =
        if case .register = sessions[index].errand {
          sessions[index].request.rules.refusal(of: abilities.identity)
        } else {
          Refusal?.none
        }
      sessions[index].standings[number] = refusal.map { .refused($0.reason, $0.sentence) } ?? .ready(abilities)
    case .proven(let proof):
      sessions[index].tell(.touchAccepted)
      finish(at: index, .success(.proven(proof)))
    case .registered(let factor):
      sessions[index].tell(.touchAccepted)
      finish(at: index, .success(.registered(factor)))
    case .failed(let fault): hear(fault, of: number, at: index)
    }
  }

  private mutating func hear(_ fault: KeyFault, of number: UInt64, at index: Int) {
    let wasTouchable = sessions[index].standings[number] == .touchable
    switch fault {
    case .refused(let reason, let sentence):
      if reason == .pinRequired { sessions[index].tell(.pinNeeded) }
      sessions[index].standings[number] = .refused(reason, sentence)
      // What the key that holds the credential says is the answer; of new keys another one may do.
      if case .prove = sessions[index].errand { finish(at: index, .failure(Refusal(reason, sentence))) }
    case .absent: sessions[index].standings[number] = .absent
    case .untouched, .interrupted: sessions[index].standings[number] = .unknown(after: clock())
    case .inUse: sessions[index].standings[number] = .unknown(after: clock() + Self.otherProgram)
    case .gone:
      // Found again by the next look, under a new number, where it is back.
      dropStation(number)
      fingerprint = nil
    case .unreliable:
      let faults = sessions[index].faults[number, default: 0] + 1
      sessions[index].faults[number] = faults
      if wasTouchable || faults >= Self.mostFaults {
        let refusal = Refusal.keyUnreliable
        sessions[index].standings[number] = .refused(refusal.reason, refusal.sentence)
        if wasTouchable, case .prove = sessions[index].errand { finish(at: index, .failure(refusal)) }
      } else {
        sessions[index].tell(.retry)
        sessions[index].standings[number] = .unknown(after: clock())
      }
    }
  }

  // MARK: Steps

  /// Does all that can be done now.
  mutating func step() {
    let now = clock()
    for session in sessions {
      if session.ticket.isGivenUp {
        finish(session.number, .failure(.touchGivenUp))
      } else if session.deadline <= now {
        finish(session.number, .failure(lastWord(of: session)))
      }
    }
    guard isWaitedFor else { return dropAllStations() }
    lookForKeys()
    watchCancelled(now)
    for number in sessions.map(\.number) { advance(number, now) }
    if !isWaitedFor { dropAllStations() }
  }

  private mutating func advance(_ session: UInt64, _ now: Int64) {
    guard let index = sessions.firstIndex(where: { $0.number == session }) else { return }
    for number in stations.keys.sorted() where sessions[index].standings[number] == nil {
      sessions[index].standings[number] = .unknown(after: now)
    }
    for (number, standing) in sessions[index].standings.sorted(by: { $0.key < $1.key }) {
      guard case .unknown(let moment) = standing, moment <= now, start(.look, on: number, for: sessions[index]) else {
        continue
      }
      sessions[index].standings[number] = .asked
    }
    let touchable: [UInt64]
    do throws(Refusal) {
      // All new keys are looked at before one of them may be touched: or the PIN could go to the wrong one.
      if case .register = sessions[index].errand, sessions[index].standings.values.contains(.asked) { return }
      touchable = try sessions[index].touchable()
    } catch {
      return finish(at: index, .failure(error))
    }
    let left = max(1, sessions[index].deadline - now)
    for number in touchable where start(.touch(milliseconds: left), on: number, for: sessions[index]) {
      sessions[index].standings[number] = .touchable
    }
    if let refusal = sessions[index].refusalOfAll { return finish(at: index, .failure(refusal)) }
    if sessions[index].standings.isEmpty {
      sessions[index].tell(.keyNeeded)
    } else if !sessions[index].isUndecided {
      sessions[index].tell(.wrongKey)
    } else if !sessions[index].request.yields, !sessions[index].isBeingTouched {
      takeOver(for: index)
    }
  }

  /// Starts `step` on a key, unless it works for somebody.
  private mutating func start(_ step: KeyTask.Step, on number: UInt64, for session: KeySession) -> Bool {
    guard let station = stations[number], station.session == nil else { return false }
    stations[number]?.session = session.number
    if case .touch = step {
      stations[number]?.isBlinking = true
      // The key's thread tells it; so what was told before may have to be told again.
      if let index = sessions.firstIndex(where: { $0.number == session.number }) { sessions[index].hasHeardOfTouch() }
    }
    station.worker.start(
      KeyTask(session: session.number, step: step, errand: session.errand, request: session.request))
    return true
  }

  /// A prompt of root's takes a key over that blinks for an ordinary user's program.
  private mutating func takeOver(for index: Int) {
    for (number, standing) in sessions[index].standings {
      switch standing {
      case .unknown, .ready: break
      case .asked, .touchable, .absent, .refused: continue
      }
      guard let station = stations[number], station.isBlinking, let owner = station.session,
        let session = sessions.first(where: { $0.number == owner }), session.request.yields
      else { continue }
      finish(owner, .failure(.keyInUse))
    }
  }

  /// What a session whose time is over is told.
  private func lastWord(of session: KeySession) -> Refusal {
    if session.isBeingTouched { return .touchTimeout }
    if session.standings.isEmpty {
      let token = ports.usbDevices().lazy.compactMap(session.request.rules.catalogue.passwordToken).first
      return token.map { Refusal.passwordToken($0.name) } ?? .noSecurityKey
    }
    // Asked in vain, be it by this session.
    if session.standings.values.contains(.asked) || !session.faults.isEmpty { return .keyUnreliable }
    if session.isUndecided { return .keyInUse }
    return session.refusalOfAll ?? .wrongSecurityKey
  }

  // MARK: Ends

  private mutating func finish(_ session: UInt64, _ result: Result<KeySession.Outcome, Refusal>) {
    if let index = sessions.firstIndex(where: { $0.number == session }) { finish(at: index, result) }
  }

  private mutating func finish(at index: Int, _ result: Result<KeySession.Outcome, Refusal>) {
    let session = sessions.remove(at: index)
    let now = clock()
    for number in stations.keys where stations[number]?.session == session.number {
      stations[number]?.cancelled = now
      stations[number]?.worker.cancel()
    }
    session.finish(result)
  }

  /// Cuts off keys that did not obey a cancellation.
  private mutating func watchCancelled(_ now: Int64) {
    for station in stations.values {
      if let moment = station.cancelled, now - moment > Self.obedience { station.worker.cut() }
    }
  }

  mutating func end() {
    while !sessions.isEmpty { finish(at: 0, .failure(.touchGivenUp)) }
    dropAllStations()
  }

  // MARK: Keys that come and go

  private mutating func lookForKeys() {
    let present = ports.fingerprint()
    let now = clock()
    // What is plugged in does not come all at once: libfido2 may not see a key yet whose device is there already.
    if present != fingerprint { (fingerprint, settled) = (present, now + Self.settling) }
    guard now < settled else { return }
    let keys = Set(ports.keys())
    let gone = stations.filter { !keys.contains($0.value.worker.key) }.keys
    for number in gone { dropStation(number) }
    let known = Set(stations.values.map(\.worker.key))
    for key in keys.subtracting(known).sorted(by: { $0.path < $1.path }) {
      lastStation += 1
      let number = lastStation
      let worker = KeyWorker(key, at: ports) { [post] task, report in
        post(.report(worker: number, task, report))
      }
      stations[number] = Station(worker: worker)
    }
  }

  private mutating func dropStation(_ number: UInt64) {
    guard let station = stations.removeValue(forKey: number) else { return }
    for index in sessions.indices {
      sessions[index].standings[number] = nil
      sessions[index].faults[number] = nil
    }
    station.worker.stop()
  }

  private mutating func dropAllStations() {
    for number in Array(stations.keys) { dropStation(number) }
    fingerprint = nil
  }
}
