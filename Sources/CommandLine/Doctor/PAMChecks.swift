/// Whether logins and elevations ask for the second factor, and whether they heed its answer.
struct PAMChecks {
  let host: HostFiles

  /// Services that people look for first when something is not asked.
  private static let expected = [
    "login", "sudo", "sudo-i", "su", "su-l", "polkit-1", "lightdm", "gdm-password", "sddm", "sshd", "greetd", "ly",
    "cinnamon-screensaver", "gnome-screensaver", "swaylock", "i3lock", "xscreensaver", "kde", "light-locker",
  ]

  func run() -> [Check] {
    let configuration = PAMConfiguration(host: host)
    let names = configuration.names
    guard !names.isEmpty else { return [.unknown("pam", Texts.Doctor.noPAM)] }
    let stacks = names.map(configuration.stack(of:))
    let included = Set(stacks.flatMap { $0.files.dropFirst() })
    // A file that others include is judged where it is included, unless it is known as a service.
    let services = stacks.filter { stack in
      guard let file = stack.files.first else { return false }
      return !included.contains(file) || Self.expected.contains(stack.service)
    }
    let reviews = services.compactMap(PAMReview.init)
    guard !reviews.isEmpty else { return [.warn("pam", Texts.Doctor.noServiceAsks)] }

    let asking = Set(reviews.map(\.service))
    let silent = services.map(\.service).filter { Self.expected.contains($0) && !asking.contains($0) }
    var details = Self.grouped(reviews.map { ($0.rule, $0.service) }).map { rule, services in
      Texts.Doctor.asks(services, at: rule.place)
    }
    let exceptions = reviews.flatMap { review in review.exceptions.map { ($0, review.service) } }
    details += Self.grouped(exceptions).map { rule, services in
      Texts.Doctor.exception(services, rule.module, at: rule.place)
    }
    if !silent.isEmpty { details.append(Texts.Doctor.doNotAsk(silent)) }
    return [.ok("pam", Texts.Doctor.servicesAsk(reviews.count), details: details)] + faults(reviews) + modules(reviews)
  }

  /// One check a fault, with all the services that share it.
  private func faults(_ reviews: [PAMReview]) -> [Check] {
    let found = Self.grouped(reviews.flatMap { review in review.faults.map { ($0, review.service) } })
    return found.map { fault, services in
      let sentence = Texts.Doctor.pamFault(fault)
      let details = [Texts.Doctor.concerns(services)]
      return fault.isSevere
        ? .fail("pam-stack", sentence, details: details) : .warn("pam-stack", sentence, details: details)
    }
  }

  /// Lines that name the module by a whole path must name one that is there.
  private func modules(_ reviews: [PAMReview]) -> [Check] {
    var seen = Set<String>()
    return reviews.map(\.rule).filter { rule in
      rule.module.hasPrefix("/") && !host.exists(rule.module) && seen.insert(rule.place).inserted
    }.map { .fail("pam-stack", Texts.Doctor.modulePathMissing($0.module, at: $0.place)) }
  }

  /// Services that share a key, in the order in which the keys come first.
  private static func grouped<Key: Equatable>(_ pairs: [(Key, String)]) -> [(key: Key, services: [String])] {
    var groups: [(key: Key, services: [String])] = []
    for (key, service) in pairs {
      if let index = groups.firstIndex(where: { $0.key == key }) {
        groups[index].services.append(service)
      } else {
        groups.append((key, [service]))
      }
    }
    return groups
  }
}
