import ArgumentParser
import Glibc

struct DoctorCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "doctor", abstract: Texts.Help.doctor, discussion: Texts.Help.doctorDiscussion)

  @OptionGroup var subject: UserOption
  @OptionGroup var output: JSONFlag

  func run() throws {
    try conclude(asJSON: output.json) { () throws(Failure) in
      let host = HostFiles()
      let configuration = ConfigurationChecks(host: host)
      let loaded = configuration.load()
      let checks =
        InstallationChecks(host: host).run() + ServiceChecks(user: subject.user).run() + PAMChecks(host: host).run()
        + MachineChecks(host: host).run() + configuration.run(loaded)
        + KeyChecks(host: host).run((try? loaded.get())?.policy) + AuthorityChecks().run((try? loaded.get())?.policy)
      let report = DoctorReport(checks: checks, settings: (try? loaded.get())?.effective ?? [])
      if output.json {
        Output.json(report.json)
      } else {
        report.lines(coloured: Screen.current().takesColours).forEach { Output.line($0) }
        if geteuid() != 0 { Output.line(Texts.Doctor.notRoot) }
      }
      return report.failures == 0 ? .success : .refused
    }
  }
}
