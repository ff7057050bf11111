import Foundation
import Testing

/// What a command said.
struct CommandResult {
  let command: String
  let status: Int32
  let output: String
  let errors: String

  @discardableResult
  func expectSuccess(sourceLocation: SourceLocation = #_sourceLocation) -> CommandResult {
    #expect(status == 0, "\(command): \(errors)\(output)", sourceLocation: sourceLocation)
    return self
  }
}

/// Runs a program and waits for it.
///
/// - Parameters:
///   - user: runs it as this user, with that user's groups.
///   - input: what it reads from standard input; nothing otherwise.
@discardableResult
func run(_ command: String..., as user: String? = nil, input: String = "", environment: [String: String] = [:]) throws
  -> CommandResult
{
  try run(command, as: user, input: input, environment: environment)
}

@discardableResult
func run(_ command: [String], as user: String? = nil, input: String = "", environment: [String: String] = [:]) throws
  -> CommandResult
{
  let process = command.process(as: user, environment: environment)
  let (stdin, stdout, stderr) = (Pipe(), Pipe(), Pipe())
  (process.standardInput, process.standardOutput, process.standardError) = (stdin, stdout, stderr)
  try process.run()
  try? stdin.fileHandleForWriting.write(contentsOf: Data(input.utf8))
  try? stdin.fileHandleForWriting.close()
  let errors = Collector(stderr.fileHandleForReading)
  let output = stdout.fileHandleForReading.readDataToEndOfFile()
  process.waitUntilExit()
  return CommandResult(
    command: command.joined(separator: " "), status: process.terminationStatus,
    output: String(decoding: output, as: UTF8.self), errors: errors.text())
}

extension [String] {
  /// A process that is not started yet.
  func process(as user: String? = nil, environment: [String: String] = [:]) -> Process {
    let process = Process()
    process.executableURL = URL(fileURLWithPath: "/usr/bin/env")
    process.arguments = (user.map { ["runuser", "-u", $0, "--"] } ?? []) + self
    process.environment = ProcessInfo.processInfo.environment.merging(environment) { $1 }
    return process
  }
}

/// Reads a pipe to its end on a thread of its own, so that neither of two pipes fills up.
private final class Collector: @unchecked Sendable {
  private let done = DispatchSemaphore(value: 0)
  private var data = Data()

  init(_ handle: FileHandle) {
    Thread.detachNewThread { [self] in
      data = handle.readDataToEndOfFile()
      done.signal()
    }
  }

  func text() -> String {
    done.wait()
    return String(decoding: data, as: UTF8.self)
  }
}
