import Configuration

/// What the doctor found, for a person and for a script.
struct DoctorReport {
  let checks: [Check]
  let settings: [EffectiveSetting]

  var failures: Int { checks.count { $0.result == .fail } }
  var warnings: Int { checks.count { $0.result == .warn } }

  func lines(coloured: Bool) -> [String] {
    let width = Check.Result.allCases.map { Texts.Doctor.label($0).count }.max() ?? 0
    let indent = String(repeating: " ", count: width + 2)
    var lines: [String] = []
    for (index, check) in checks.enumerated() {
      let label = Texts.Doctor.label(check.result)
      let padding = String(repeating: " ", count: width - label.count + 2)
      lines.append((coloured ? Self.coloured(label, check.result) : label) + padding + check.sentence.printable)
      lines += check.details.map { indent + $0.printable }
      let next = index + 1 < checks.count ? checks[index + 1].cure : nil
      if let cure = check.cure, cure != next { lines.append(indent + cure) }
    }
    return lines + ["", Texts.Doctor.summary(failures: failures, warnings: warnings)]
  }

  var json: JSON {
    [
      "failures": .integer(Int64(failures)), "warnings": .integer(Int64(warnings)),
      "checks": .array(checks.map(\.json)),
      "configuration": .array(
        settings.map { setting in
          [
            "section": .string(setting.section), "key": .string(setting.key), "value": .string(setting.value),
            "source": .string(setting.source),
          ]
        }),
    ]
  }

  private static func coloured(_ label: String, _ result: Check.Result) -> String {
    let colour =
      switch result {
      case .ok: "32"
      case .warn: "33"
      case .fail: "31"
      case .unknown: "2"
      }
    return "\u{1B}[\(colour)m\(label)\u{1B}[0m"
  }
}
