import Glibc
import SoftKey

/// Why a command was not obeyed.
struct CommandFailure: Error {
  let text: String
  init(_ text: String) { self.text = text }
}

/// The keys by their names, and what can be done with them.
final class Host {
  let testbed = Testbed()
  private var things: [String: Thing] = [:]

  private struct Thing {
    /// Nil for a keyboard.
    let key: SoftKey?
    let identity: DeviceIdentity
    var slot: Slot?
  }

  /// Obeys one line and returns the answer, without "ok".
  func obey(_ line: String) throws(CommandFailure) -> String {
    let words = line.split(separator: " ").map(String.init)
    guard let command = words.first else { throw CommandFailure("no command") }
    let rest = Array(words.dropFirst())
    switch command {
    case "plug": return try plug(rest)
    case "unplug": return try unplug(named(rest, 1))
    case "touch": try key(named(rest, 1)).touch()
    case "set": try set(named(rest, 2), rest[1])
    case "fault":
      let isOfEverything = rest.count == 3 && rest[2] == "everything"
      try fault(named(isOfEverything ? Array(rest.prefix(2)) : rest, 2), rest[1], isOfEverything)
    case "counter":
      let key = try key(named(rest, 2))
      guard let number = UInt32(rest[1]) else { throw CommandFailure("\(rest[1]) is no number") }
      key.counter = number
    case "status": return try status(key(named(rest, 1)))
    case "wait": try wait(key(named(rest, 2)), rest[1])
    case "root": try writeRoot(named(rest, 1))
    default: throw CommandFailure("no command \(command)")
    }
    return ""
  }

  private func named(_ words: [String], _ count: Int) throws(CommandFailure) -> String {
    guard words.count == count else { throw CommandFailure("takes \(count) words") }
    return words[0]
  }

  private func key(_ name: String) throws(CommandFailure) -> SoftKey {
    guard let key = things[name]?.key else { throw CommandFailure("no key \(name)") }
    return key
  }

  private func plug(_ words: [String]) throws(CommandFailure) -> String {
    guard let name = words.first else { throw CommandFailure("takes a name") }
    if let thing = things[name] {
      guard thing.slot == nil else { throw CommandFailure("\(name) is plugged in") }
      guard words.count == 1 else { throw CommandFailure("\(name) is made already") }
    }
    var thing: Thing
    if let known = things[name] {
      thing = known
    } else {
      let order = try Order(words.dropFirst())
      thing = Thing(
        key: order.isKeyboard ? nil : SoftKey(order.model), identity: order.identity(serial: "soft-\(name)"), slot: nil)
    }
    guard let device = PluggedDevice(thing.identity, thing.key) else { throw CommandFailure("no terminal") }
    let slot = try testbed.plug(device)
    thing.slot = slot
    things[name] = thing
    return slot.node
  }

  private func unplug(_ name: String) throws(CommandFailure) -> String {
    guard let slot = things[name]?.slot else { throw CommandFailure("\(name) is not plugged in") }
    testbed.unplug(slot)
    things[name]?.slot = nil
    return slot.node
  }

  private func set(_ name: String, _ word: String) throws(CommandFailure) {
    let key = try key(name)
    let parts = word.split(separator: "=", maxSplits: 1).map(String.init)
    guard parts.count == 2, parts[0] == "touch" else { throw CommandFailure("touch=... is all that can be set") }
    switch parts[1] {
    case "at-once": key.behaviour.touch = .atOnce
    case "never": key.behaviour.touch = .never
    case "by-command": key.behaviour.touch = .byCommand
    default:
      guard let milliseconds = Int(parts[1]), milliseconds >= 0 else { throw CommandFailure("no touch \(parts[1])") }
      key.behaviour.touch = .after(milliseconds: milliseconds)
    }
  }

  private func fault(_ name: String, _ word: String, _ isOfEverything: Bool) throws(CommandFailure) {
    let key = try key(name)
    let fault = Fault(rawValue: word)
    guard fault != nil || word == "none" else { throw CommandFailure("no fault \(word)") }
    key.behaviour.faultsEverything = isOfEverything
    key.behaviour.fault = fault
  }

  private func status(_ key: SoftKey) -> String {
    "blinking=\(key.isBlinking ? "yes" : "no") tries=\(key.pinTries) counter=\(key.counter) requests=\(key.requests) "
      + "touches=\(key.touches)"
  }

  /// Waits until the key blinks, or is dark again, at most 20 seconds.
  private func wait(_ key: SoftKey, _ word: String) throws(CommandFailure) {
    guard word == "blinking" || word == "dark" else { throw CommandFailure("waits for blinking or dark") }
    for _ in 0..<10_000 {
      if key.isBlinking == (word == "blinking") { return }
      usleep(2000)
    }
    throw CommandFailure("waited in vain")
  }

  private func writeRoot(_ path: String) throws(CommandFailure) {
    guard let file = fopen(path, "w") else { throw CommandFailure("\(path) cannot be written") }
    let written = fputs(SoftKey.attestationRoot, file)
    guard fclose(file) == 0, written >= 0 else { throw CommandFailure("\(path) cannot be written") }
  }
}
