extension Texts {
  /// What the doctor says.
  enum Doctor {
    static func label(_ result: Check.Result) -> String {
      switch result {
      case .ok: "ok"
      case .warn: "warn"
      case .fail: "FAIL"
      case .unknown: "?"
      }
    }
    static func summary(failures: Int, warnings: Int) -> String {
      func count(_ number: Int, _ noun: String) -> String { "\(number) \(noun)\(number == 1 ? "" : "s")" }
      if failures == 0, warnings == 0 { return "All is well." }
      return "\(count(failures, "failure")), \(count(warnings, "warning"))."
    }
    static let notRoot = "Some things only root can see: run it with sudo for a full check."

    // MARK: Installation

    static let serviceProgram = "The service's program"
    static let busActivation = "The file by which the bus starts the service"
    static let systemdUnit = "The systemd unit"
    static let busPolicy = "The bus policy"
    static let polkitActions = "The list of polkit actions"
    static let pamModule = "The PAM module"
    static let helper = "The helper of the PAM module"
    static let installAgain = "Install Offline Access again (make install)."

    static func inPlace(_ part: String, _ path: String) -> String { "\(part) is in place: \(path)" }
    static func missing(_ part: String, _ path: String) -> String { "\(part) is missing: \(path)" }
    static func notAFile(_ part: String, _ path: String) -> String { "\(part) is no file: \(path)" }
    static func wrongOwner(_ part: String, _ path: String, owner: UInt32) -> String {
      "\(part) belongs to user id \(owner) instead of root. Check why, then: chown root:root \(path)"
    }
    static func writableByOthers(_ part: String, _ path: String, mode: String) -> String {
      "\(part) can be changed by others (mode \(mode)). Check why, then: chmod go-w \(path)"
    }
    static func notExecutable(_ part: String, _ path: String, mode: String) -> String {
      "\(part) cannot be run by everybody (mode \(mode)): chmod 0755 \(path)"
    }
    static func noCommand(_ path: String) -> String { "\(path) names no program to start." }
    static func activatesNothing(_ path: String, _ program: String) -> String {
      "\(path) starts \(program), which is no program."
    }

    // MARK: Service

    static let busReached = "The system bus answers."
    static func noBus(_ cause: String) -> String { "No bus: \(cause). Is dbus installed and running?" }
    static func serviceAnswers(_ version: String, _ authority: String) -> String {
      "The service answers: version \(version), authority: \(Status.authority(authority))."
    }
    static func noService(_ sentence: String) -> String {
      "The service does not answer as it should. \(sentence) "
        + "Its reasons are in the journal: journalctl _COMM=offline-accessd"
    }
    static let strangeAnswer = "Its answer cannot be understood."
    static func otherVersion(service: String, own: String) -> String {
      "The service is of version \(service), this command of \(own). Install both from one build; "
        + "the service ends by itself when idle."
    }
    static func allowance(_ user: String, _ sentence: String) -> String { "\(user): \(sentence)" }

    // MARK: PAM

    static let noPAM = "No PAM configuration can be read in /etc/pam.d."
    static let noServiceAsks =
      "No PAM service asks for the second factor. Switch it on with pam-auth-update, or add after the password module: "
      + "auth required pam_offline_access.so"
    static func servicesAsk(_ count: Int) -> String {
      "\(count) PAM service\(count == 1 ? " asks" : "s ask") for the second factor."
    }
    static func asks(_ services: [String], at place: String) -> String {
      "\(place): \(services.joined(separator: ", "))"
    }
    static func exception(_ services: [String], _ module: String, at place: String) -> String {
      "\(module) at \(place) lets some people past: \(services.joined(separator: ", "))"
    }
    static func doNotAsk(_ services: [String]) -> String { "not asked by: \(services.joined(separator: ", "))" }
    static func concerns(_ services: [String]) -> String { "concerns: \(services.joined(separator: ", "))" }
    static func includesItself(_ name: String) -> String { "PAM file “\(name)” includes itself." }
    static func pamFileMissing(_ name: String) -> String { "PAM file “\(name)” cannot be read." }
    static func pamLineBroken(_ place: String) -> String { "\(place) cannot be understood by PAM." }
    static func modulePathMissing(_ module: String, at place: String) -> String {
      "\(place) names \(module), which is not there: PAM denies. Write pam_offline_access.so without a folder."
    }

    static func pamFault(_ fault: PAMReview.Fault) -> String {
      switch fault {
      case .answerDoesNotCount(let rule):
        "A wrong passcode lets in all the same: the control “\(rule.control.text)” at \(rule.place) "
          + "has no effect. Use “required”."
      case .someAnswersIgnored(let rule, let results):
        "The control “\(rule.control.text)” at \(rule.place) lets in on \(results.joined(separator: ", ")), "
          + "for instance while the service is away. Use “required”."
      case .skipped(let rule):
        "The second factor can be left out: “\(rule.control.text) \(rule.module)” at \(rule.place) "
          + "decides without it. Put pam_offline_access.so where every way passes, or make that module “requisite”."
      case .neverReached: "The second factor is never asked: something before it always ends the stack or skips it."
      case .beforePassword(let rule):
        "\(rule.place) asks for the second factor before the password. Move it after the password module."
      case .noPassword(let rule):
        "\(rule.place): no password module that is known here stands in this stack, "
          + "so the passcode may be the only proof."
      case .askedAfterFailure(let rule):
        "\(rule.place) asks for the passcode although the password was wrong, "
          + "so guesses without the password can lock the user. Make the password module “requisite”."
      case .unknownArgument(let rule, let argument):
        "\(rule.place): the module does not know the argument “\(argument)”."
      case .unreadable(let sentence): sentence
      }
    }

    // MARK: Machine

    static let machineIDPresent = "The machine has an identity (/etc/machine-id)."
    static let noMachineID =
      "/etc/machine-id is missing; the secrets are bound to it. "
      + "Make one: systemd-machine-id-setup, or dbus-uuidgen --ensure=/etc/machine-id"
    static let badMachineID = "/etc/machine-id does not hold 32 hexadecimal digits; the secrets are bound to it."
    static let clockSynchronised = "The clock is kept right by a time service."
    static let clockNotSynchronised =
      "No time service keeps the clock right, or it has had no answer yet. Codes of a wrong clock are refused; "
      + "switch on systemd-timesyncd or chrony."
    static let clockUnknown = "Whether a time service keeps the clock right is not known here."
    static func noStateFolder(_ path: String) -> String {
      "\(path) is not there yet; the service makes it when it first starts."
    }
    static func stateIsNoFolder(_ path: String) -> String { "\(path) is no folder. Move it away." }
    static func stateFolderOpen(_ path: String, owner: UInt32, mode: String) -> String {
      "\(path) must belong to root with mode 0700; it has owner \(owner) and mode \(mode). Check who was there, then: "
        + "chown root:root \(path); chmod 0700 \(path)"
    }
    static func freeSpaceUnknown(_ path: String) -> String { "The free space of \(path) cannot be told." }
    static func storageFull(_ path: String, mebibytes: UInt64) -> String {
      "\(path): only \(mebibytes) MiB free. Without room nobody gets in; make some."
    }
    static func storageScarce(_ path: String, mebibytes: UInt64) -> String {
      "\(path): only \(mebibytes) MiB free. Make room before nobody gets in any more."
    }
    static func storageReady(_ path: String, mebibytes: UInt64) -> String {
      "\(path) belongs to root alone and has \(mebibytes) MiB free."
    }
    static let onlyRootLooks = "only root can look inside"
    static let polkitRuns = "polkit runs."
    static let polkitStartsOnDemand = "polkit is installed and starts when it is asked."
    static let noPolkit = "polkit is not there: only root can set up, renew and remove offline access."

    // MARK: Configuration

    static let configurationRead = "The configuration is sound. In force are:"
    static func badConfiguration(_ what: String) -> String {
      "The configuration is refused, and the service with it: \(what)"
    }
    static func setting(section: String, key: String, value: String, source: String) -> String {
      "[\(section)] \(key)=\(value)  (\(source))"
    }
    static let failsOpen =
      "[Failure] mode=open: users who have not set up offline access get in without a second factor."
    static let withoutLimit = "[Allowance] limit=unlimited: a factor that is set up never has to be renewed."
    static func exempt(_ names: [String]) -> String {
      names.isEmpty
        ? "Nobody is exempt from the second factor."
        : "Exempt from the second factor: \(names.joined(separator: ", "))."
    }
  }
}
